#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "strata/http/range.h"

// Random Range headers on a small representation, against a model that answers each question by
// looking at single bytes.
namespace strata::http {
namespace {

constexpr std::uint32_t kSeed = 20261123;
constexpr int kRounds = 50'000;

using Kind = RangeDecision::Kind;
using Rng = std::mt19937;

std::uint64_t pick(Rng& rng, std::uint64_t below) {
  return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(rng);
}

// What the model knows of a spec: -1 = left out.
struct Spec {
  std::int64_t first;
  std::int64_t last;
  [[nodiscard]] std::string text() const {
    return (first < 0 ? "" : std::to_string(first)) + "-" + (last < 0 ? "" : std::to_string(last));
  }
  [[nodiscard]] bool is_valid() const { return first < 0 || last < 0 || first <= last; }
  // Whether byte `at` of `size` is asked for: RFC 9110 §14.1.2, literally.
  [[nodiscard]] bool selects(std::int64_t at, std::int64_t size) const {
    if (first < 0) return at >= size - last;
    return at >= first && (last < 0 || at <= last);
  }
};

Spec random_spec(Rng& rng) {
  const auto position = [&] { return static_cast<std::int64_t>(pick(rng, 24)); };
  switch (pick(rng, 4)) {
    case 0:
      return {-1, position()};
    case 1:
      return {position(), -1};
    default:
      return {position(), position()};
  }
}

std::string random_separator(Rng& rng) {
  static constexpr const char* kSeparators[] = {",", ", ", " ,", ",,", "\t,\t", " , , "};
  return kSeparators[pick(rng, std::size(kSeparators))];
}

using Bytes = std::vector<std::uint64_t>;

// The bytes each satisfiable spec selects, in order.
std::vector<Bytes> model_selections(const std::vector<Spec>& specs, std::uint64_t size) {
  std::vector<Bytes> selections;
  for (const Spec& spec : specs) {
    Bytes bytes;
    for (std::uint64_t at = 0; at < size; ++at) {
      if (spec.selects(static_cast<std::int64_t>(at), static_cast<std::int64_t>(size))) {
        bytes.push_back(at);
      }
    }
    if (!bytes.empty()) selections.push_back(std::move(bytes));
  }
  return selections;
}

std::size_t model_overlapping(const std::vector<Bytes>& selections) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < selections.size(); ++i) {
    bool overlaps = false;
    for (std::size_t j = 0; j < selections.size(); ++j) {
      for (const std::uint64_t at : selections[j]) {
        overlaps |= i != j && std::count(selections[i].begin(), selections[i].end(), at) > 0;
      }
    }
    count += overlaps ? 1 : 0;
  }
  return count;
}

Kind model_kind(const std::vector<Spec>& specs, const std::vector<Bytes>& selections,
                std::uint64_t size, const Limits& limits) {
  if (!std::all_of(specs.begin(), specs.end(), [](const Spec& s) { return s.is_valid(); })) {
    return Kind::kWhole;
  }
  if (specs.size() > limits.range_count_max) return Kind::kUnsatisfiable;
  if (size == 0) {
    return std::any_of(specs.begin(), specs.end(),
                       [](const Spec& s) { return s.first < 0 && s.last > 0; })
               ? Kind::kWhole
               : Kind::kUnsatisfiable;
  }
  if (selections.empty()) return Kind::kUnsatisfiable;
  return model_overlapping(selections) > limits.range_overlap_max ? Kind::kUnsatisfiable
                                                                  : Kind::kRanges;
}

TEST(RangeProperty, AgreesWithTheModelByteByByte) {
  Rng rng(kSeed);
  Limits limits;
  limits.range_count_max = 5;
  int seen[3] = {};
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t size = pick(rng, 20);
    std::vector<Spec> specs;
    std::string header = "bytes=";
    for (std::uint64_t left = 1 + pick(rng, 7); left > 0; --left) {
      if (!specs.empty()) header += random_separator(rng);
      specs.push_back(random_spec(rng));
      header += specs.back().text();
    }
    const auto selections = model_selections(specs, size);
    const RangeDecision decision = decide_ranges(header, size, limits);
    ASSERT_EQ(decision.kind, model_kind(specs, selections, size, limits))
        << header << " of " << size;
    ++seen[static_cast<int>(decision.kind)];
    if (decision.kind != Kind::kRanges) {
      ASSERT_TRUE(decision.ranges.empty());
      continue;
    }
    ASSERT_EQ(decision.ranges.size(), selections.size()) << header;
    for (std::size_t i = 0; i < selections.size(); ++i) {
      const ByteRange expected{selections[i].front(), selections[i].size()};
      ASSERT_EQ(decision.ranges[i], expected) << header << " of " << size;
      const auto parsed = parse_content_range(content_range(decision.ranges[i], size));
      ASSERT_TRUE(parsed && parsed->range == expected && parsed->size == size) << header;
    }
  }
  for (const int count : seen) EXPECT_GT(count, kRounds / 20);  // the generator reaches all kinds
}

// Whatever the bytes of the header are: no crash, and a 206 only for ranges inside.
TEST(RangeProperty, GarbageIsNeverTrusted) {
  Rng rng(kSeed + 1);
  constexpr std::string_view kAlphabet = "0123456789-,,-= \tbytesx\"*/\x00\x80\xff";
  for (int round = 0; round < kRounds; ++round) {
    std::string header = pick(rng, 4) == 0 ? "" : "bytes=";
    for (std::uint64_t left = pick(rng, 30); left > 0; --left) {
      header += kAlphabet[pick(rng, kAlphabet.size())];
    }
    const std::uint64_t size = pick(rng, 1000);
    const RangeDecision decision = decide_ranges(header, size, Limits{});
    ASSERT_EQ(decision.kind == Kind::kRanges, !decision.ranges.empty());
    for (const ByteRange& range : decision.ranges) {
      ASSERT_GT(range.length, 0U);
      ASSERT_LE(range.length, size);
      ASSERT_LE(range.first, size - range.length) << testing::PrintToString(header);
    }
  }
}

}  // namespace
}  // namespace strata::http
