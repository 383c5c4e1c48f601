#include "bench/digest_ratios.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "strata/base/result.h"

namespace strata::bench {
namespace {

const DigestRatioRow& row(const DigestRatioTable& table, const std::string& name) {
  const auto found = std::ranges::find(table.rows, name, &DigestRatioRow::name);
  check(found != table.rows.end(), name);
  return *found;
}

double median_of_three(std::vector<double> rounds) {
  std::ranges::sort(rounds);
  return rounds.at(1);
}

TEST(DigestRatios, ARatioIsThatOfTheMedians) {
  const auto table =
      measure_digest_ratios({.bytes = (1 << 20) + 7, .rounds = 3, .threads = 2, .streams = 3});
  EXPECT_EQ(table.rows.size(), 10U);
  const std::string baseline = "openssl, sha-1 then sha-256 then sha-512";
  const auto& openssl = row(table, baseline);
  for (const std::string name :
       {"strata, all three in one pass", "strata, all three split over two threads"}) {
    const auto& ours = row(table, name);
    EXPECT_EQ(ours.baseline, baseline);
    ASSERT_EQ(ours.rounds.size(), 3U);
    EXPECT_DOUBLE_EQ(ours.bytes_per_second, median_of_three(ours.rounds));
    EXPECT_DOUBLE_EQ(ours.ratio, median_of_three(ours.rounds) / median_of_three(openssl.rounds));
  }
  EXPECT_EQ(row(table, "strata, all three, 3 streams on 2 threads").baseline,
            "openssl, all three, 3 streams on 2 threads");
  for (const auto& each : table.rows) {
    EXPECT_GT(each.bytes_per_second, 0) << each.name;
    EXPECT_GT(each.cpu_seconds_per_gib, 0) << each.name;
  }
}

TEST(DigestRatios, OneThreadHasNothingToSplit) {
  const auto table =
      measure_digest_ratios({.bytes = 1000, .rounds = 1, .threads = 1, .streams = 1});
  EXPECT_EQ(table.rows.size(), 7U);
  EXPECT_THAT(to_text(table), testing::Not(testing::HasSubstr("split")));
}

const DigestRatioTable kTable = {
    "the kernel",
    {.bytes = 2 << 20, .rounds = 2, .threads = 1, .streams = 1},
    {{"slow", 1.5e9, "", 1, {1e9, 2e9}, 0.75}, {"fast", 3e9, "slow", 2, {3e9, 3e9}, 0.375}}};

TEST(DigestRatios, AsJson) {
  EXPECT_EQ(to_json(kTable),
            R"({"kernel":"the kernel","bytes":2097152,"rounds":2,"threads":1,"streams":1,"rows":[)"
            R"({"name":"slow","bytes_per_second":1500000000,"baseline":"","ratio":1.000,)"
            R"("cpu_seconds_per_gib":0.750,)"
            R"("rounds":[1000000000,2000000000]},)"
            R"({"name":"fast","bytes_per_second":3000000000,"baseline":"slow","ratio":2.000,)"
            R"("cpu_seconds_per_gib":0.375,)"
            R"("rounds":[3000000000,3000000000]}]})"
            "\n");
}

TEST(DigestRatios, AsText) {
  const std::string text = to_text(kTable);
  EXPECT_THAT(text, testing::HasSubstr("the kernel"));
  EXPECT_THAT(text, testing::ContainsRegex("slow +1.500 +0.750\n"));
  EXPECT_THAT(text, testing::ContainsRegex("fast +3.000 +0.375 +2.00x\n"));
}

}  // namespace
}  // namespace strata::bench
