#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "strata/digest/hasher.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/digest_states.h"

// The fuzz target on good states, as they are and damaged: an ordinary test for any compiler.
namespace strata::digest {
namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

// Of every set of algorithms; whole, and without the checksum, which the target adds.
std::vector<std::string> corpus() {
  std::vector<std::string> seeds;
  for (unsigned bits = 1; bits < 8; ++bits) {
    for (const std::size_t size : {0U, 3U, 127U, 128U, 200U}) {
      const auto hasher = make_resumable_hasher(static_cast<Algorithms>(bits));
      hasher->update(test::bytes_of(test::counting_bytes(size)));
      seeds.push_back(hasher->save());
      seeds.push_back(seeds.back().substr(0, seeds.back().size() - 16));
    }
  }
  return seeds;
}

TEST(DigestStateCorpus, Seeds) {
  for (const std::string& seed : corpus()) {
    EXPECT_TRUE(restore_hasher(test::bytes_of(seed)) ||
                restore_hasher(test::bytes_of(test::sealed(seed))));
    run(seed);
  }
}

TEST(DigestStateCorpus, Truncated) {
  for (const std::string& seed : corpus()) {
    for (std::size_t size = 0; size < seed.size(); ++size) run(seed.substr(0, size));
  }
}

TEST(DigestStateCorpus, Damaged) {
  std::mt19937 random(20260101);  // NOLINT: the same run every time
  const auto seeds = corpus();
  int understood = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    for (std::size_t n = 1 + random() % 3; n > 0; --n) {
      // Half of the changes in the header, where the fields are.
      const std::size_t at = random() % (random() % 2 == 0 ? 16 : text.size());
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text[at] = static_cast<char>(text[at] ^ 1 << random() % 8);
          break;
        case 2:
          text.insert(at, 1 + random() % 4, '\0');
          break;
        default:
          text.resize(text.size() + random() % 8);
      }
    }
    if (restore_hasher(test::bytes_of(test::sealed(text)))) ++understood;
    run(text);
  }
  EXPECT_GT(understood, 100) << "the damage is too heavy to reach what is behind the checks";
}

}  // namespace
}  // namespace strata::digest
