#include "storage/codec/seek_index.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "storage/codec/saved_bytes.h"
#include "storage/codec/vector_state.h"
#include "storage/codec/zero_run_finder.h"
#if STRATA_WITH_ISAL
#include <isa-l/crc64.h>
#endif

namespace strata::codec {
namespace {

constexpr std::string_view kMagic = "SIdx";
constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kWhat = "seek index";

constexpr std::size_t kBlockBytes = 8 + 1 + 8 + 8 + 4 + 8 + 4;
constexpr std::size_t kRunBytes = 8 + 8;
constexpr std::size_t kTrailerBytes = 8;  // the length of the tables
constexpr std::uint64_t kTablesBytesMax = 512 << 20;
static_assert(kSeekBlocksMax * kBlockBytes + kZeroRunsMax * kRunBytes + 4096 < kTablesBytesMax);

Error damaged(std::string_view why) {
  return {Errc::kCorruptData, "a seek index " + std::string(why)};
}

// Sizes that an index may speak of; sums of two of them do not overflow.
constexpr std::uint64_t kBytesMax = std::numeric_limits<std::int64_t>::max();

struct Bounds {
  std::uint64_t states_bytes;
  const SeekIndex& index;
};

bool within(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

// What has to hold of a block for the readers of seek_block.h; offset and size were checked before.
bool sound(const SeekBlock& block, const Bounds& bounds) {
  const bool has_stored = block.stored_offset != 0 || block.stored_bytes != 0;
  const bool has_data = block.data_offset != 0 || block.data_bytes != 0;
  switch (block.kind) {
    case SeekBlock::Kind::kZero:
      return block.checksum == 0 && !has_stored && !has_data;
    case SeekBlock::Kind::kEncoded:
      return block.decoded_bytes <= kSeekBlockBytesMax &&
             block.stored_bytes <= kSeekStoredBytesMax && block.data_bytes <= kSeekDataBytesMax &&
             block.data_bytes > 0 &&
             within(block.stored_offset, block.stored_bytes, bounds.index.stored_bytes) &&
             within(block.data_offset, block.data_bytes, bounds.states_bytes);
    case SeekBlock::Kind::kFrame:
      return block.decoded_bytes <= kSeekBlockBytesMax && !has_stored && block.data_bytes > 0 &&
             block.data_bytes <= kSeekDataBytesMax &&
             within(block.data_offset, block.data_bytes, bounds.index.copy_bytes);
  }
  return false;
}

Status read_blocks(StateReader& reader, std::uint64_t count, std::uint64_t states_bytes,
                   SeekIndex& index) {
  index.blocks.reserve(static_cast<std::size_t>(count));
  std::uint64_t offset = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    SeekBlock block;
    block.decoded_offset = offset;
    block.decoded_bytes = reader.number(8);
    const std::uint64_t kind = reader.number(1);
    if (kind > static_cast<unsigned>(SeekBlock::Kind::kFrame)) {
      return damaged("has a block of an unknown kind");
    }
    block.kind = static_cast<SeekBlock::Kind>(kind);
    block.checksum = reader.number(8);
    block.stored_offset = reader.number(8);
    block.stored_bytes = reader.number<std::uint32_t>();
    block.data_offset = reader.number(8);
    block.data_bytes = reader.number<std::uint32_t>();
    if (block.decoded_bytes == 0 || !within(offset, block.decoded_bytes, index.decoded_bytes) ||
        !sound(block, {states_bytes, index})) {
      return damaged("has a block that cannot be");
    }
    offset += block.decoded_bytes;
    index.blocks.push_back(block);
  }
  if (count > 0 && offset != index.decoded_bytes) return damaged("does not cover the whole view");
  return {};
}

Status read_runs(StateReader& reader, std::uint64_t count, SeekIndex& index) {
  index.zero_runs.reserve(static_cast<std::size_t>(count));
  std::uint64_t end = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const ZeroRun run{.start = reader.number(8), .bytes = reader.number(8)};
    if (!within(run.start, run.bytes, index.decoded_bytes) || run.bytes < kZeroRunBytesMin ||
        run.start % kZeroRunAlignment != 0 || (i > 0 && run.start <= end)) {
      return damaged("has a run of zeros that cannot be");
    }
    end = run.start + run.bytes;
    index.zero_runs.push_back(run);
  }
  return {};
}

Result<SeekIndex> parse_tables(std::span<const std::byte> tables, std::uint64_t states_bytes) {
  STRATA_TRY(const auto fields, open_state(tables, kWhat, kMagic, kVersion));
  StateReader reader(fields);
  SeekIndex index;
  const std::uint64_t encoding = reader.number(1);
  const std::uint64_t zero = reader.number(2);
  if (encoding > static_cast<unsigned>(Encoding::kZstd) || zero != 0) {
    return damaged("has an unknown encoding");
  }
  index.encoding = static_cast<Encoding>(encoding);
  index.stored_bytes = reader.number(8);
  index.decoded_bytes = reader.number(8);
  index.copy_bytes = reader.number(8);
  std::ranges::transform(reader.run(index.stored_sha256.bytes.size()),
                         index.stored_sha256.bytes.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  const std::uint64_t blocks = reader.number(8);
  const std::uint64_t runs = reader.number(8);
  if (reader.cut()) return damaged("is cut");
  if (std::max({index.stored_bytes, index.decoded_bytes, index.copy_bytes}) > kBytesMax) {
    return damaged("has sizes that cannot be");
  }
  // Before anything is reserved: what is there bounds the counts.
  if (blocks > kSeekBlocksMax || blocks > fields.size() / kBlockBytes || runs > kZeroRunsMax ||
      runs > fields.size() / kRunBytes) {
    return damaged("is shorter than it says");
  }
  if (Status ok = read_blocks(reader, blocks, states_bytes, index); !ok) return ok.error();
  if (Status ok = read_runs(reader, runs, index); !ok) return ok.error();
  if (!reader.ended()) return damaged("has another length than it says");
  return index;
}

}  // namespace

std::uint64_t checksum64(std::span<const std::byte> data, std::uint64_t crc) {
#if STRATA_WITH_ISAL
  const CleanVectorState clean;
  return ::crc64_ecma_refl(crc, reinterpret_cast<const unsigned char*>(data.data()), data.size());
#else
  return crc64(data, crc);
#endif
}

bool SeekIndex::seekable() const {
  return encoding != Encoding::kIdentity && (!blocks.empty() || decoded_bytes == 0);
}

std::size_t SeekIndex::block_at(std::uint64_t offset) const {
  const auto behind =
      std::ranges::upper_bound(blocks, offset, std::less<>(), &SeekBlock::decoded_offset);
  return static_cast<std::size_t>(behind - blocks.begin()) - 1;
}

std::size_t SeekIndex::memory_bytes() const {
  return sizeof(SeekIndex) + blocks.capacity() * sizeof(SeekBlock) +
         zero_runs.capacity() * sizeof(ZeroRun);
}

std::string to_bytes(const SeekIndex& index, std::uint64_t states_bytes) {
  check(states_bytes <= kBytesMax, "an index file that cannot be");
  StateWriter tables;
  tables.reserve(128 + index.blocks.size() * kBlockBytes + index.zero_runs.size() * kRunBytes);
  tables.run(kMagic);
  tables.number(kVersion, 1);
  tables.number(static_cast<unsigned>(index.encoding), 1);
  tables.number(0, 2);
  tables.number(index.stored_bytes, 8);
  tables.number(index.decoded_bytes, 8);
  tables.number(index.copy_bytes, 8);
  tables.run(std::as_bytes(std::span(index.stored_sha256.bytes)));
  tables.number(index.blocks.size(), 8);
  tables.number(index.zero_runs.size(), 8);
  for (const SeekBlock& block : index.blocks) {
    tables.number(block.decoded_bytes, 8);
    tables.number(static_cast<unsigned>(block.kind), 1);
    tables.number(block.checksum, 8);
    tables.number(block.stored_offset, 8);
    tables.number(block.stored_bytes, 4);
    tables.number(block.data_offset, 8);
    tables.number(block.data_bytes, 4);
  }
  for (const ZeroRun& run : index.zero_runs) {
    tables.number(run.start, 8);
    tables.number(run.bytes, 8);
  }
  tables.seal();
  std::string bytes = tables.take();
  StateWriter trailer;
  trailer.number(bytes.size(), kTrailerBytes);
  bytes += trailer.take();
  return bytes;
}

Result<SeekIndex> read_seek_index(const ReadAt& file, std::uint64_t file_bytes) {
  if (file_bytes < kTrailerBytes) return damaged("is cut");
  std::array<std::byte, kTrailerBytes> trailer{};
  const std::uint64_t trailer_at = file_bytes - kTrailerBytes;
  if (const Status status = file(trailer_at, trailer); !status) return status.error();
  const std::uint64_t tables_bytes = StateReader(trailer).number(kTrailerBytes);
  if (tables_bytes > trailer_at || tables_bytes > kTablesBytesMax) {
    return damaged("has tables of a length that cannot be");
  }
  std::vector<std::byte> tables(static_cast<std::size_t>(tables_bytes));
  const std::uint64_t states_bytes = trailer_at - tables_bytes;
  if (const Status status = file(states_bytes, tables); !status) return status.error();
  return parse_tables(tables, states_bytes);
}

}  // namespace strata::codec
