#include "storage/blob/zero_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "strata/io/block.h"

namespace strata::blob {
namespace {

constexpr std::size_t kPage = io::kBlockAlignment;

Stretch next_of(std::uint64_t position, const std::string& data, std::size_t from = 0) {
  return next_stretch(position, std::as_bytes(std::span(data)).subspan(from));
}

TEST(ZeroRuns, AreWholePagesOfTheFile) {
  const std::string zeros(kHoleBytesMin + kPage - 1, '\0');
  const auto aligned = next_of(8192, zeros);
  EXPECT_EQ(aligned.bytes, 0u);
  EXPECT_EQ(aligned.zeros, kHoleBytesMin);
  const auto shifted = next_of(8193, zeros);
  EXPECT_EQ(shifted.bytes, kPage - 1);
  EXPECT_EQ(shifted.zeros, kHoleBytesMin);
  const auto beyond_32_bits = next_of((std::uint64_t{5} << 32) + 4095, zeros);
  EXPECT_EQ(beyond_32_bits.bytes, 1u);
}

TEST(ZeroRuns, ShorterOnesAreData) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kPage, kHoleBytesMin - 1}) {
    const auto stretch = next_of(0, std::string(size, '\0'));
    EXPECT_EQ(stretch.bytes, size);
    EXPECT_EQ(stretch.zeros, 0u);
  }
  EXPECT_EQ(next_of(1, std::string(kHoleBytesMin, '\0')).zeros, 0u);
}

// Any byte of a page makes it one that is written.
TEST(ZeroRuns, EveryByteCounts) {
  std::string data(kHoleBytesMin, '\0');
  for (std::size_t at = 0; at < data.size(); at += at < kPage ? 1 : 509) {
    data[at] = '\1';
    EXPECT_EQ(next_of(0, data).zeros, 0u) << at;
    data[at] = '\0';
  }
  EXPECT_EQ(next_of(0, data).zeros, data.size());
}

// As page by page from the front, in memory and at places of any alignment.
std::vector<bool> written_pages(const std::string& data, std::size_t to_page) {
  std::vector<bool> written;
  for (std::size_t at = to_page; at + kPage <= data.size(); at += kPage) {
    const auto page = std::string_view(data).substr(at, kPage);
    written.push_back(std::ranges::any_of(page, [](char c) { return c != '\0'; }));
  }
  for (std::size_t from = 0; from < written.size();) {
    if (written[from]) {
      ++from;
      continue;
    }
    auto to = from;
    while (to < written.size() && !written[to]) ++to;
    if ((to - from) * kPage < kHoleBytesMin) {
      std::fill(written.begin() + static_cast<std::ptrdiff_t>(from),
                written.begin() + static_cast<std::ptrdiff_t>(to), true);
    }
    from = to;
  }
  return written;
}

TEST(ZeroRuns, AreTheSameAsPageByPage) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t position = random() % 2 == 0 ? 0 : random();
    const std::size_t to_page = (0 - static_cast<std::size_t>(position)) % kPage;
    std::string data(random() % (1 << 20), '\0');
    for (std::size_t at = 0; at < data.size(); at += kPage * (random() % 40)) {
      if (random() % 3 != 0) data[std::min(data.size() - 1, at + random() % kPage)] = 'x';
      if (at == 0) ++at;
    }
    const std::vector<bool> expected = written_pages(data, to_page);
    std::vector<bool> found(expected.size(), true);
    for (std::size_t at = 0; at < data.size();) {
      const auto next = next_of(position + at, data, at);
      ASSERT_GT(next.bytes + next.zeros, 0u);
      for (std::size_t i = at + next.bytes; i < at + next.bytes + next.zeros; i += kPage) {
        ASSERT_EQ((position + i) % kPage, 0u);
        found[(i - to_page) / kPage] = false;
      }
      at += next.bytes + next.zeros;
    }
    ASSERT_EQ(found, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace strata::blob
