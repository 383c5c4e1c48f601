#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "storage/client/done_ranges.h"

// Random ranges against a row of booleans.
namespace strata::client {
namespace {

constexpr std::uint64_t kSize = 64;

void expect_equal(const DoneRanges& done, const std::vector<bool>& model) {
  std::uint64_t total = 0;
  std::uint64_t prefix = kSize;
  for (std::uint64_t at = 0; at < kSize; ++at) {
    total += model[at] ? 1 : 0;
    if (!model[at] && prefix == kSize) prefix = at;
    const auto missing = done.first_missing(at, kSize, 5);
    std::uint64_t first = at;
    while (first < kSize && model[first]) ++first;
    ASSERT_EQ(missing.has_value(), first < kSize);
    if (!missing) continue;
    ASSERT_EQ(missing->first, first);
    ASSERT_LE(missing->length, 5U);
    for (std::uint64_t i = missing->first; i < missing->end(); ++i) ASSERT_FALSE(model[i]);
    const bool could_be_longer = missing->end() < kSize && !model[missing->end()];
    ASSERT_TRUE(missing->length == 5 || !could_be_longer);
  }
  ASSERT_EQ(done.total(), total);
  ASSERT_EQ(done.prefix(), prefix);
  std::uint64_t last_end = 0;
  for (const auto& [first, end] : done.intervals()) {
    ASSERT_LT(first, end);
    ASSERT_TRUE(first > last_end || last_end == 0) << "adjacent intervals are joined";
    last_end = end;
  }
}

TEST(DoneRangesProperty, AgreesWithARowOfBooleans) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 2'000; ++round) {
    DoneRanges done;
    std::vector<bool> model(kSize, false);
    for (int step = 0; step < 12; ++step) {
      const std::uint64_t first = random() % kSize;
      const std::uint64_t length = 1 + random() % std::min<std::uint64_t>(12, kSize - first);
      done.add({first, length});
      for (std::uint64_t i = first; i < first + length; ++i) model[i] = true;
      ASSERT_NO_FATAL_FAILURE(expect_equal(done, model));
    }
  }
}

}  // namespace
}  // namespace strata::client
