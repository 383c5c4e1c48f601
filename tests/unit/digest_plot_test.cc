#include "bench/digest_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace strata::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

DigestRatioTable table_of(const std::vector<int>& streams) {
  DigestRatioTable table;
  table.cpu = "<Quick> & \"small\"\n";
  table.kernel = "a & b";
  const auto add = [&](std::string_view group, Method method, double rate, int count = 1) {
    table.rows.push_back({.name = "row " + std::to_string(table.rows.size()),
                          .group = std::string(group),
                          .method = method,
                          .streams = count,
                          .rounds = {rate}});
  };
  for (const auto group : {kSha1Group, kSha256Group, kSha512Group}) {
    add(group, Method::kOpenssl, 1e9);
    add(group, Method::kOwnKernel, 1.1e9);
    add(group, Method::kLaneKernel, 4e9, 8);
  }
  table.rows[6].name = "openssl, sha-512";
  add(kAllGroup, Method::kOpenssl, 0.3e9);
  add(kAllGroup, Method::kOnePass, 0.6e9);
  for (const int count : streams) add(kAllGroup, Method::kLanes, 0.6e9 + count * 1e7, count);
  complete(table);
  return table;
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// How many points each polyline has.
std::vector<std::size_t> polylines(std::string_view svg) {
  constexpr std::string_view kStart = "<polyline points=\"";
  std::vector<std::size_t> counts;
  for (auto at = svg.find(kStart); at != svg.npos; at = svg.find(kStart, at + 1)) {
    const auto points = svg.substr(at + kStart.size());
    counts.push_back(count_of(points.substr(0, points.find('"')), ","));
  }
  return counts;
}

// Not a parser, but it finds what a writer gets wrong: elements not closed, quotes and brackets in
// the wrong place. xmllint reads a whole plot in tests/e2e/cli.sh.
void expect_well_formed(std::string_view svg) {
  std::vector<std::string> open;
  for (auto at = svg.find('<'); at != svg.npos; at = svg.find('<', at)) {
    const auto end = svg.find('>', at);
    ASSERT_NE(end, svg.npos);
    const auto tag = svg.substr(at + 1, end - at - 1);
    EXPECT_EQ(tag.find('<'), tag.npos) << tag;
    EXPECT_EQ(count_of(tag, "\"") % 2, 0U) << tag;
    at = end;
    const std::string name(tag.substr(0, tag.find(' ')));
    if (name.starts_with('?') || tag.ends_with('/')) continue;
    if (!name.starts_with('/')) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << tag;
    EXPECT_EQ("/" + open.back(), name);
    open.pop_back();
  }
  EXPECT_THAT(open, testing::IsEmpty());
}

TEST(DigestPlot, LanesHaveAPointForEachNumberOfStreams) {
  const std::string svg = to_svg(table_of({1, 2, 3, 4, 6, 8, 12, 16}));
  expect_well_formed(svg);
  EXPECT_THAT(svg, HasSubstr("xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\""));
  // Both limits, OpenSSL and one pass are flat.
  EXPECT_THAT(polylines(svg), testing::UnorderedElementsAre(2, 2, 2, 2, 8));
  EXPECT_EQ(count_of(svg, "<circle"), 8U);
  EXPECT_THAT(svg, HasSubstr("limit: SHA-512 alone"));
  EXPECT_THAT(svg, HasSubstr("Limit of one stream: SHA-512 alone, 1.00 GB/s"));
  EXPECT_THAT(svg, HasSubstr("Limit of lanes"));
}

TEST(DigestPlot, NamesAreEscaped) {
  const std::string svg = to_svg(table_of({1, 2}));
  expect_well_formed(svg);
  EXPECT_THAT(svg, HasSubstr("&lt;Quick&gt; &amp; &quot;small&quot; <"));
  EXPECT_THAT(svg, HasSubstr("a &amp; b"));
  EXPECT_THAT(svg, Not(HasSubstr("<Quick>")));
}

TEST(DigestPlot, WhatIsMissingIsLeftOut) {
  DigestRatioTable table = table_of({1});
  const std::string one = to_svg(table);
  expect_well_formed(one);
  EXPECT_THAT(one, Not(HasSubstr("nan")));
  std::erase_if(table.rows, [](const auto& row) { return row.method == Method::kLaneKernel; });
  complete(table);
  EXPECT_THAT(to_svg(table), Not(HasSubstr("Limit of lanes")));
  table.rows.clear();
  complete(table);
  expect_well_formed(to_svg(table));
}

}  // namespace
}  // namespace strata::bench
