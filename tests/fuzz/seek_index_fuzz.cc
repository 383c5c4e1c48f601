#include <algorithm>
#include <string>
#include <string_view>

#include "storage/codec/saved_bytes.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/codec_streams.h"
#include "tests/support/seek_world.h"

// The first byte says which: any bytes as the file of a seek index, as they are and with a checksum
// and a length that fit, whose blocks are then read from the same bytes; or any bytes as a stored
// stream, of which an index is made, whose blocks must be what the decoder gave.
namespace strata::codec {
namespace {

constexpr std::size_t kTrailerBytes = 8;

// With a checksum that fits, so that damage goes deeper.
std::string sealed(std::string_view tables) {
  std::string bytes(tables);
  bytes += test::big_endian(crc64(test::bytes_of(bytes)), 8);
  return bytes + test::big_endian(bytes.size(), kTrailerBytes);
}

void read_index(const std::string& file, const std::string& bytes) {
  const auto index = read_seek_index(test::SeekWorld::reader(file), file.size());
  if (!index) {
    check(index.error().code() == Errc::kCorruptData, "another error");
    return;
  }
  std::uint64_t at = 0;
  for (const SeekBlock& block : index->blocks) {
    check(block.decoded_offset == at && block.decoded_bytes > 0, "a gap");
    at += block.decoded_bytes;
  }
  check(at == index->decoded_bytes || index->blocks.empty(), "not the whole view");
  check(to_bytes(*index, 0).size() <= file.size(), "an index that has two forms");

  test::SeekWorld world;
  world.stored = bytes;
  world.index_file = bytes;
  world.copy_file = bytes;
  world.limits.xz_memory_bytes_max = 16 * kMiB;
  world.limits.zstd_window_bytes_max = 8 * kMiB;
  for (std::size_t i = 0; i < std::min<std::size_t>(index->blocks.size(), 16); ++i) {
    if (index->blocks[i].kind != SeekBlock::Kind::kZero) (void)world.block(index->blocks[i]);
  }
}

void make_index(std::string stream) {
  const auto head = test::bytes_of(stream).first(std::min(stream.size(), kMagicBytes));
  if (detect_encoding(head) == Encoding::kIdentity) return;
  test::SeekWorld world;
  world.limits.output_bytes_max = 4 * kMiB;
  world.limits.xz_memory_bytes_max = 16 * kMiB;
  world.limits.zstd_window_bytes_max = 8 * kMiB;
  if (!world.make(std::move(stream), 61)) return;
  check(world.index.seekable(), "a stream without ranges");
  for (const SeekBlock& block : world.index.blocks) {
    const auto bytes = world.block(block);
    check(bytes.has_value(), "a block that cannot be read");
    check(*bytes == world.decoded.substr(static_cast<std::size_t>(block.decoded_offset),
                                         static_cast<std::size_t>(block.decoded_bytes)),
          "a block of other bytes");
  }
}

}  // namespace
}  // namespace strata::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    strata::codec::read_index(bytes, bytes);
    strata::codec::read_index(bytes + strata::codec::sealed(bytes), bytes);
  } else {
    strata::codec::make_index(bytes);
  }
  return 0;
}
