#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "strata/codec/decoder.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"

// The fuzz target on a corpus made here, as it is and damaged: an ordinary test for any compiler.
namespace strata::codec {
namespace {

struct Seed {
  char target;  // the fuzz input's first byte
  std::string stream;
};

std::string disk_heads() {
  std::string stream(400'000, '\0');
  stream.replace(0, 8, "vhdxfile");
  stream.replace(196'608, 4, "regi");
  stream.replace(32'768, 7,
                 std::string_view("\x01"
                                  "CD001\x01",
                                  7));
  return stream;
}

std::vector<Seed> corpus() {
  using test::forge_gzip;
  using test::forge_xz;
  using test::forge_zstd;
  const std::string data = test::sample_data(500, 1);
  return {
      {0, forge_gzip({.data = data})},
      {0, forge_gzip({.extra = "extra", .name = "name", .comment = "comment", .header_crc = true})},
      {0, forge_gzip({}) + forge_gzip({.data = ""}) + std::string(64, '\0')},
      // One literal 'a' in a block of fixed codes (gzip -n of "a").
      {0, std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x04\0", 13) +
              test::little_endian(test::crc32_of("a"), 4) + test::little_endian(1, 4)},
      {1, forge_xz({.blocks = 2})},
      {1, forge_xz({}) + std::string(4, '\0') + forge_xz({.blocks = 0})},
      {2, forge_zstd({.blocks = {data, "", "x"}})},
      {2, test::forge_zstd_skippable(3, "skip me") + forge_zstd({}) + forge_zstd({})},
      // A run-length block of 100 000 bytes.
      {2,
       std::string("\x28\xb5\x2f\xfd\0\x38", 6) + test::little_endian(100'000 << 3 | 3, 3) + "r"},
      {3, disk_heads().substr(0, 40'000)},
      {3, disk_heads()},
      {3, "QFI\xfb" + std::string("\0\0\0\3", 4) + std::string(700, '\x09')},
      {3, "KDMV" + std::string("\1\0\0\0\3\0\0\0", 8) + std::string(600, '\1')},
      {3, "conectix" + std::string(504, '\2')},
  };
}

void run(char target, char pieces, const std::string& stream) {
  const std::string input = std::string{target, pieces} + stream;
  ASSERT_EQ(
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()), 0);
}

void mutate(std::string& stream, std::mt19937& random) {
  const std::size_t at = random() % stream.size();
  switch (random() % 5) {
    case 0:
      stream[at] = static_cast<char>(stream[at] ^ (1 << random() % 8));
      break;
    case 1:
      stream[at] = static_cast<char>(random());
      break;
    case 2:
      stream.resize(1 + at);
      break;
    case 3:
      stream.erase(at / 2, 1 + random() % 8);
      break;
    default:
      stream.insert(at, stream.substr(random() % stream.size(), 1 + random() % 64));
  }
  if (stream.empty()) stream = "x";
}

// The seeds are real streams: a corpus that every decoder refuses would test little.
TEST(DecoderCorpus, SeedsDecode) {
  const Encoding encodings[] = {Encoding::kGzip, Encoding::kXz, Encoding::kZstd};
  for (const Seed& seed : corpus()) {
    if (seed.target == 3) continue;
    const auto decoder =
        make_decoder(encodings[static_cast<std::size_t>(seed.target)], test::default_limits());
    const auto decoded = test::decode_all(*decoder, seed.stream);
    EXPECT_TRUE(decoded) << decoded.error().message();
  }
}

TEST(DecoderCorpus, SeedsAndTheirDamagedKinHoldTheInvariants) {
  std::mt19937 random(1);
  for (const Seed& seed : corpus()) {
    run(seed.target, 0, seed.stream);
    const int rounds = seed.stream.size() > 10'000 ? 50 : 2000;
    for (int round = 0; round < rounds; ++round) {
      std::string stream = seed.stream;
      for (auto times = 1 + random() % 4; times > 0; --times) mutate(stream, random);
      run(seed.target, static_cast<char>(random()), stream);
    }
  }
}

TEST(DecoderCorpus, NoiseHoldsTheInvariants) {
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    const auto noise = test::sample_data(random() % 3000, random());
    for (char target = 0; target < 4; ++target) run(target, static_cast<char>(round), noise);
  }
}

}  // namespace
}  // namespace strata::codec
