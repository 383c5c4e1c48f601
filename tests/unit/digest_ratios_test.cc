#include "bench/digest_ratios.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>
#include <string>
#include <vector>

#include "bench/cpu.h"
#include "storage/digest/kernels.h"
#include "storage/digest/lane_kernels.h"
#include "strata/base/result.h"

namespace strata::bench {
namespace {

const DigestRatioRow& row(const DigestRatioTable& table, const std::string& name) {
  const auto found = std::ranges::find(table.rows, name, &DigestRatioRow::name);
  check(found != table.rows.end(), name);
  return *found;
}

bool has_row(const DigestRatioTable& table, const std::string& name) {
  return std::ranges::find(table.rows, name, &DigestRatioRow::name) != table.rows.end();
}

double median_of_three(std::vector<double> rounds) {
  std::ranges::sort(rounds);
  return rounds.at(1);
}

// Keeps the test's thread on the CPU it is on: the process may use one only.
struct OneCpu {
  PinnedThread pin{sched_getcpu()};
};

const std::string kOpenssl = "openssl, one after another";

TEST(DigestRatios, ARatioIsThatOfTheMedians) {
  const auto table =
      measure_digest_ratios({.bytes = (1 << 20) + 7, .rounds = 3, .threads = 2, .streams = 3});
  const auto& openssl = row(table, kOpenssl);
  const double limit = median_of_three(row(table, "openssl, sha-512").rounds);
  EXPECT_DOUBLE_EQ(table.one_stream_limit, limit);
  for (const std::string name : {"strata, one pass", "strata, lanes, 1 stream"}) {
    const auto& ours = row(table, name);
    EXPECT_EQ(ours.baseline, kOpenssl);
    ASSERT_EQ(ours.rounds.size(), 3U);
    EXPECT_DOUBLE_EQ(ours.bytes_per_second, median_of_three(ours.rounds));
    EXPECT_DOUBLE_EQ(ours.ratio, median_of_three(ours.rounds) / median_of_three(openssl.rounds));
    EXPECT_DOUBLE_EQ(ours.limit_ratio, ours.bytes_per_second / limit);
  }
  EXPECT_EQ(row(table, "strata, lanes, 3 streams").limit_ratio, 0) << "no limit of one stream's";
  EXPECT_EQ(row(table, "openssl, sha-1").limit_ratio, 0) << "no SHA-512 in it";
  std::set<std::string> names;
  for (const auto& each : table.rows) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_TRUE(each.baseline.empty() || has_row(table, each.baseline)) << each.baseline;
    EXPECT_GE(each.bytes, std::size_t{1} << 18) << each.name;
    EXPECT_GT(each.bytes_per_second, 0) << each.name;
    EXPECT_GT(each.cpu_seconds_per_gib, 0) << each.name;
  }
}

TEST(DigestRatios, EveryKernelThatRunsHereHasARow) {
  const auto table =
      measure_digest_ratios({.bytes = 1000, .rounds = 1, .threads = 1, .streams = 5});
  EXPECT_TRUE(has_row(table, std::string(digest::best_kernel(digest::Algorithms::kSha1)->name)));
  for (const auto& kernel : digest::sha512_lane_kernels()) {
    EXPECT_EQ(has_row(table, std::string(kernel.name)), kernel.supported) << kernel.name;
  }
  for (const int streams : {1, 2, 3, 4, 5}) {
    const std::string name =
        "strata, lanes, " + std::to_string(streams) + (streams == 1 ? " stream" : " streams");
    EXPECT_EQ(row(table, name).streams, streams);
  }
}

TEST(DigestRatios, SeveralThreadsWhereThereAreSeveralCpus) {
  const auto table =
      measure_digest_ratios({.bytes = 1 << 16, .rounds = 1, .threads = 2, .streams = 3});
  const bool two = table.cpus_usable >= 2;
  EXPECT_EQ(table.threads, two ? 2 : 1);
  EXPECT_EQ(has_row(table, "strata, one stream on two threads"), two);
  EXPECT_EQ(has_row(table, "strata, lanes, 3 streams on 2 threads"), two);
  for (const auto& each : table.rows) {
    if (each.name != "strata, lanes, 3 streams on 2 threads") continue;
    EXPECT_EQ(each.baseline, "openssl, 3 streams on 2 threads");
  }
  EXPECT_EQ(io::usable_cpus(), static_cast<std::size_t>(table.cpus_usable))
      << "the thread is no longer pinned";
}

TEST(DigestRatios, OneCpuHasNothingToSplit) {
  const OneCpu one;
  ASSERT_TRUE(one.pin.pinned()) << "a thread may always be kept on one of its own CPUs";
  EXPECT_EQ(DigestRatioOptions().threads, 1);
  const auto table =
      measure_digest_ratios({.bytes = 1000, .rounds = 1, .threads = 8, .streams = 2});
  EXPECT_EQ(table.threads, 1);
  EXPECT_EQ(table.pinned_cpu, sched_getcpu());
  for (const auto& each : table.rows) EXPECT_EQ(each.threads, 1) << each.name;
  EXPECT_THAT(to_text(table), testing::HasSubstr("no rows of two threads: this process may use"));
}

TEST(DigestRatios, CountsOfStreams) {
  using testing::ElementsAre;
  EXPECT_THAT(stream_counts(1), ElementsAre(1));
  EXPECT_THAT(stream_counts(2), ElementsAre(1, 2));
  EXPECT_THAT(stream_counts(5), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(stream_counts(16), ElementsAre(1, 2, 3, 4, 6, 8, 12, 16));
  EXPECT_THAT(stream_counts(30), ElementsAre(1, 2, 3, 4, 6, 8, 12, 16, 24, 30));
}

DigestRatioRow made(std::string name, std::string_view group, Method method, double rate,
                    std::string baseline = "") {
  return {.name = std::move(name),
          .group = std::string(group),
          .method = method,
          .baseline = std::move(baseline),
          .bytes = 2 << 20,
          .rounds = {rate, rate}};
}

DigestRatioTable made_table() {
  DigestRatioTable table;
  table.cpu = "A \"quick\" <CPU>";
  table.kernel = "the kernel";
  table.options = {.bytes = 2 << 20, .rounds = 2, .threads = 1, .streams = 1};
  table.rows = {made("openssl, sha-512", kSha512Group, Method::kOpenssl, 1e9),
                made("own", kSha512Group, Method::kOwnKernel, 1.5e9, "openssl, sha-512"),
                made("lanes 512", kSha512Group, Method::kLaneKernel, 4e9, "openssl, sha-512"),
                made("lanes 256", kSha256Group, Method::kLaneKernel, 4e9),
                made("lanes 1", kSha1Group, Method::kLaneKernel, 8e9)};
  table.rows[2].streams = 8;
  complete(table);
  return table;
}

TEST(DigestRatios, TheLimitOfLanesIsOneKernelAfterAnother) {
  DigestRatioTable table = made_table();
  EXPECT_DOUBLE_EQ(table.lanes_limit, 1 / (1 / 4e9 + 1 / 4e9 + 1 / 8e9));
  // Two algorithms stitched may be faster than lanes of each.
  table.rows.push_back(made("pair", kPairGroup, Method::kOnePass, 4e9));
  complete(table);
  EXPECT_DOUBLE_EQ(table.lanes_limit, 1 / (1 / 4e9 + 1 / 4e9));
  std::erase_if(table.rows, [](const auto& each) { return each.method == Method::kLaneKernel; });
  complete(table);
  EXPECT_EQ(table.lanes_limit, 0);
}

TEST(DigestRatios, AsJson) {
  const auto json = boost::json::parse(to_json(made_table()));
  EXPECT_EQ(json.at("cpu").as_string(), "A \"quick\" <CPU>");
  EXPECT_EQ(json.at("kernel").as_string(), "the kernel");
  EXPECT_EQ(json.at("bytes").as_int64(), 2 << 20);
  EXPECT_EQ(json.at("rounds").as_int64(), 2);
  EXPECT_EQ(json.at("cpus_usable").as_int64(), 1);
  EXPECT_TRUE(json.at("pinned_cpu").is_null());
  EXPECT_EQ(json.at("one_stream_limit").as_int64(), 1'000'000'000);
  EXPECT_EQ(json.at("lanes_limit").as_int64(), 1'600'000'000);
  const auto& rows = json.at("rows").as_array();
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_TRUE(rows[0].at("baseline").is_null());
  const auto& own = rows[1];
  EXPECT_EQ(own.at("name").as_string(), "own");
  EXPECT_EQ(own.at("group").as_string(), "sha-512");
  EXPECT_EQ(own.at("method").as_string(), "own kernel");
  EXPECT_EQ(own.at("baseline").as_string(), "openssl, sha-512");
  EXPECT_EQ(own.at("bytes_per_second").as_int64(), 1'500'000'000);
  EXPECT_DOUBLE_EQ(own.at("ratio").as_double(), 1.5);
  EXPECT_DOUBLE_EQ(own.at("limit_ratio").as_double(), 1.5);
  EXPECT_EQ(own.at("rounds").as_array().size(), 2U);
  EXPECT_EQ(rows[2].at("streams").as_int64(), 8);
  EXPECT_TRUE(rows[2].at("limit_ratio").is_null());
}

TEST(DigestRatios, AsText) {
  const std::string text = to_text(made_table());
  EXPECT_THAT(text, testing::HasSubstr("the kernel"));
  EXPECT_THAT(text, testing::HasSubstr("2 MiB in pieces of 1 MiB, median of 2 rounds\n"));
  EXPECT_THAT(text, testing::ContainsRegex("openssl, sha-512 +1.000 +0.000 +1.00\n"));
  EXPECT_THAT(text, testing::ContainsRegex("own +1.500 +0.000 +1.50x +1.50\n"));
  EXPECT_THAT(text, testing::ContainsRegex("lanes 512 +4.000 +0.000 +4.00x\n"));
}

}  // namespace
}  // namespace strata::bench
