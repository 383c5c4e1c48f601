#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/codec_streams.h"
#include "tests/support/seek_world.h"
#include "tests/support/tool.h"

// The fuzz target on real indexes and streams, as they are, damaged, and cut at every byte: an
// ordinary test for any compiler.
namespace strata::codec {
namespace {

void run(char which, const std::string& bytes) {
  const std::string input = which + bytes;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}
constexpr char kIndex = 0;
constexpr char kStream = 1;

std::vector<std::string> streams() {
  const std::string data =
      test::sample_data(3'000, 5) + std::string(70'000, '\0') + test::sample_data(2'000, 6);
  std::vector<std::string> streams;
  for (const char* command :
       {"gzip -9", "pigz -i -b 128", "bgzip", "xz -0", "xz -0 --block-size=4096", "zstd -1",
        "split -b 1000 --filter='zstd -1'"}) {
    streams.push_back(test::run_tool(command, data));
  }
  return streams;
}

std::string damaged(std::string bytes, std::mt19937_64& random) {
  for (std::size_t count = 1 + random() % 3; count > 0 && !bytes.empty(); --count) {
    bytes[random() % bytes.size()] = static_cast<char>(random());
  }
  return bytes;
}

TEST(SeekIndexFuzz, RealOnesAndDamagedOnes) {
  std::mt19937_64 random(1);
  for (const std::string& stream : streams()) {
    test::SeekWorld world;
    ASSERT_TRUE(world.make(stream));
    run(kIndex, world.index_file);
    run(kStream, stream);
    // Without checksum and length, which the target computes.
    const std::string tables = world.index_file.substr(world.index_file.find("SIdx"));
    for (int round = 0; round < 300; ++round) {
      run(kIndex, damaged(tables.substr(0, tables.size() - 16), random));
      run(kStream, damaged(stream, random));
    }
  }
}

TEST(SeekIndexFuzz, CutAtEveryByte) {
  for (const std::string& stream : streams()) {
    for (std::size_t size = 0; size <= stream.size(); ++size) run(kStream, stream.substr(0, size));
  }
}

}  // namespace
}  // namespace strata::codec
