#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "strata/codec/disk_format.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_states.h"
#include "tests/support/codec_streams.h"
#include "tests/support/tool.h"

// The fuzz target on states of real streams, as they are and damaged with a checksum that fits: an
// ordinary test for any compiler.
namespace strata::codec {
namespace {

struct Seed {
  std::string state;  // with its checksum
  std::string input;  // what the stream has behind it
};

std::string input_of(const std::string& body, const std::string& input) {
  return test::big_endian(body.size(), 2) + body + input;
}

void run(const std::string& body, const std::string& input) {
  const std::string bytes = input_of(body, input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

// Every state after steps of the given sizes.
void add_states(std::vector<Seed>& seeds, Encoding encoding, const std::string& stream,
                std::size_t in_size, std::size_t out_size) {
  const auto decoder = make_decoder(encoding, test::default_limits());
  std::string room(out_size, '\0');
  std::string_view left = stream;
  for (;;) {
    if (const auto state = decoder->save()) seeds.push_back({*state, std::string(left)});
    const auto in = test::bytes_of(left.substr(0, in_size));
    const auto step = decoder->step(in, std::as_writable_bytes(std::span(room)));
    check(step.has_value(), "a good stream is refused");
    if (in.empty() && step->produced == 0) return;
    left.remove_prefix(step->consumed);
  }
}

std::vector<Seed> corpus() {
  std::vector<Seed> seeds;
  const std::string data = test::sample_data(5'000, 61);
  for (const char* command : {"gzip -1 -n", "gzip -9", "pigz -n -0", "pigz -n -H", "igzip -n -0"}) {
    const std::string member = test::run_tool(command, data);
    add_states(seeds, Encoding::kGzip, member + member + std::string(3, '\0'), 97, 311);
  }
  add_states(
      seeds, Encoding::kGzip,
      test::forge_gzip({.extra = "extra", .name = "name", .comment = "c", .header_crc = true}), 1,
      1);
  const std::string xz = test::run_tool("xz -0 --block-size=1000", data);
  add_states(seeds, Encoding::kXz, xz + std::string(4, '\0') + xz, 13, 1'000);
  const std::string zstd = test::run_tool("zstd -3", data);
  add_states(seeds, Encoding::kZstd, zstd + test::forge_zstd_skippable(1, "skip") + zstd, 3, 1'000);
  for (const std::string& disk :
       {data, "vhdxfile" + std::string(200'000, '\0'), "vhdxfile" + std::string(330'000, '\0')}) {
    DiskProbe probe;
    for (std::size_t at = 0; at < disk.size(); at += disk.size() / 5) {
      seeds.push_back({probe.save(), disk.substr(at, 100'000)});
      probe.update(test::bytes_of(disk).subspan(at, disk.size() / 5));
    }
  }
  // The length is two bytes.
  std::erase_if(seeds, [](const Seed& seed) { return seed.state.size() > 0xFFFF; });
  return seeds;
}

// For libFuzzer: STRATA_CORPUS_DIR=DIR writes the seeds there.
TEST(CodecStateCorpus, Seeds) {
  const char* directory = std::getenv("STRATA_CORPUS_DIR");
  int number = 0;
  for (const Seed& seed : corpus()) {
    const std::string body = test::unsealed(seed.state);
    EXPECT_EQ(test::sealed(body), seed.state);
    EXPECT_TRUE(restore_decoder(test::bytes_of(seed.state), test::default_limits()) ||
                DiskProbe::restore(test::bytes_of(seed.state)));
    run(seed.state, seed.input);
    run(body, seed.input);
    if (directory == nullptr) continue;
    std::ofstream(std::string(directory) + "/" + std::to_string(number++))
        << input_of(body, seed.input);
  }
}

TEST(CodecStateCorpus, Truncated) {
  std::mt19937 random(62);  // NOLINT: the same run every time
  const auto seeds = corpus();
  for (int i = 0; i < 3'000; ++i) {
    const Seed& seed = seeds[random() % seeds.size()];
    run(seed.state.substr(0, random() % std::min<std::size_t>(seed.state.size(), 300)), "");
  }
}

TEST(CodecStateCorpus, Damaged) {
  std::mt19937 random(63);  // NOLINT: the same run every time
  const auto seeds = corpus();
  int understood = 0;
  for (int i = 0; i < 6'000; ++i) {
    const Seed& seed = seeds[random() % seeds.size()];
    std::string body = test::unsealed(seed.state);
    for (std::size_t n = 1 + random() % 3; n > 0; --n) {
      // Most of the changes where the fields are.
      const std::size_t at =
          random() % std::min<std::size_t>(random() % 4 == 0 ? body.size() : 300, body.size());
      switch (random() % 4) {
        case 0:
          body[at] = static_cast<char>(random());
          break;
        case 1:
          body[at] = static_cast<char>(body[at] ^ 1 << random() % 8);
          break;
        case 2:
          body[at] = static_cast<char>(body[at] + 1 - static_cast<int>(random() % 3));
          break;
        default:
          body.resize(body.size() + random() % 8 -
                      std::min<std::size_t>(body.size(), random() % 4));
      }
      if (body.empty()) break;
    }
    if (test::restore_with(InflateEngine::kIsal, test::sealed(body))) ++understood;
    run(body, seed.input);
  }
  EXPECT_GT(understood, 500) << "the damage is too heavy to reach what is behind the checks";
}

}  // namespace
}  // namespace strata::codec
