#include <random>
#include <string>
#include <string_view>

#include "storage/codec/gzip_decoder.h"
#include "strata/codec/decoder.h"
#include "strata/codec/disk_format.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/codec_streams.h"

// Any bytes through every decoder and the disk probe. The first byte picks what runs, the second
// seeds the sizes of the pieces; the rest is the stream.
namespace strata::codec {
namespace {

constexpr DecoderLimits kLimits{.output_bytes_max = kMiB,
                                .zstd_window_bytes_max = 8 * kMiB,
                                .xz_memory_bytes_max = 16 * kMiB,
                                .parts_max = 1000};

Result<std::string> decode_whole(std::unique_ptr<Decoder> decoder, std::string_view stream) {
  return test::decode_all(*decoder, stream, test::pieces_of(1 << 16, 1 << 16));
}

// However a stream is cut, its verdict and its bytes are the same.
void same_in_pieces(std::unique_ptr<Decoder> decoder, std::string_view stream, unsigned seed,
                    const Result<std::string>& whole) {
  std::minstd_rand random(seed);
  const auto piece = [&random] { return 1 + random() % (std::size_t{1} << (random() % 12)); };
  const auto pieces = test::decode_all(*decoder, stream, {piece, piece});
  check(pieces.has_value() == whole.has_value(), "another verdict in pieces");
  check(!whole || *pieces == *whole, "other bytes in pieces");
}

void fuzz_gzip(std::string_view stream, unsigned seed) {
  const auto isal = decode_whole(make_gzip_decoder(InflateEngine::kIsal, kLimits), stream);
  const auto zlib = decode_whole(make_gzip_decoder(InflateEngine::kZlib, kLimits), stream);
  check(!isal || !zlib || *isal == *zlib, "the two inflate engines give different bytes");
  same_in_pieces(make_gzip_decoder(InflateEngine::kIsal, kLimits), stream, seed, isal);
  same_in_pieces(make_gzip_decoder(InflateEngine::kZlib, kLimits), stream, seed, zlib);
}

void fuzz_other(Encoding encoding, std::string_view stream, unsigned seed) {
  const auto whole = decode_whole(make_decoder(encoding, kLimits), stream);
  same_in_pieces(make_decoder(encoding, kLimits), stream, seed, whole);
}

void fuzz_probe(std::string_view stream, unsigned seed) {
  const DiskInfo whole = test::probe_all(stream, stream.size() + 1);
  check(whole == test::probe_all(stream, 1 + seed), "the probe answers otherwise in pieces");
  check(whole.format != DiskFormat::kRaw || whole.virtual_bytes == stream.size(), "raw size");
  check(whole.virtual_bytes <= std::uint64_t{1} << 62, "absurd size");
}

}  // namespace
}  // namespace strata::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::codec;  // NOLINT: the entry point must be global
  if (size < 2) return 0;
  const unsigned seed = 1U + data[1];
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[0] % 4) {
    case 0:
      fuzz_gzip(stream, seed);
      break;
    case 1:
      fuzz_other(Encoding::kXz, stream, seed);
      break;
    case 2:
      fuzz_other(Encoding::kZstd, stream, seed);
      break;
    default:
      fuzz_probe(stream, seed);
  }
  return 0;
}
