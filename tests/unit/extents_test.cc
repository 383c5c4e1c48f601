#include "storage/service/extents.h"

#include <gtest/gtest.h>

namespace strata::storage {
namespace {

using Runs = std::vector<codec::ZeroRun>;
using Extents = std::vector<Extent>;

const Runs kRuns = {{.start = 0, .bytes = 100}, {.start = 300, .bytes = 50}, {400, 100}};

TEST(Extents, AlternateAndCoverTheView) {
  EXPECT_EQ(
      list_extents(kRuns, {0, 500}, 100),
      (Extents{
          {0, 100, true}, {100, 200, false}, {300, 50, true}, {350, 50, false}, {400, 100, true}}));
}

TEST(Extents, WithoutRunsAllIsData) {
  EXPECT_EQ(list_extents({}, {0, 500}, 100), (Extents{{0, 500, false}}));
  EXPECT_EQ(list_extents({}, {0, 0}, 100), Extents{});
}

TEST(Extents, AreClippedToTheWindow) {
  EXPECT_EQ(list_extents(kRuns, {310, 340}, 100), (Extents{{310, 30, true}}));
  EXPECT_EQ(list_extents(kRuns, {99, 101}, 100), (Extents{{99, 1, true}, {100, 1, false}}));
  EXPECT_EQ(list_extents(kRuns, {100, 300}, 100), (Extents{{100, 200, false}}));
  EXPECT_EQ(list_extents(kRuns, {350, 400}, 100), (Extents{{350, 50, false}}));
  EXPECT_EQ(list_extents(kRuns, {499, 500}, 100), (Extents{{499, 1, true}}));
  EXPECT_EQ(list_extents(kRuns, {500, 600}, 100), (Extents{{500, 100, false}}));
  EXPECT_EQ(list_extents(kRuns, {200, 200}, 100), Extents{});
}

TEST(Extents, PagesAddUp) {
  Extents all;
  for (std::uint64_t at = 0; at < 500;) {
    const auto page = list_extents(kRuns, {at, 500}, 2);
    ASSERT_FALSE(page.empty());
    ASSERT_LE(page.size(), 2u);
    all.insert(all.end(), page.begin(), page.end());
    at = page.back().start + page.back().length;
  }
  EXPECT_EQ(all, list_extents(kRuns, {0, 500}, 100));
}

TEST(Extents, AreWrittenAsJson) {
  EXPECT_EQ(extents_json({}), R"({"extents":[]})");
  EXPECT_EQ(
      extents_json(list_extents(kRuns, {0, 200}, 9)),
      R"({"extents":[{"start":0,"length":100,"zero":true},{"start":100,"length":100,"zero":false}]})");
}

}  // namespace
}  // namespace strata::storage
