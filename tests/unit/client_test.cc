#include <gtest/gtest.h>

#include "storage/client/done_ranges.h"
#include "storage/client/pull_state.h"

namespace strata::client {
namespace {

TEST(DoneRanges, JoinsNeighboursAndOverlaps) {
  DoneRanges done;
  done.add({10, 10});
  done.add({30, 10});
  EXPECT_EQ(done.intervals().size(), 2U);
  EXPECT_EQ(done.prefix(), 0U);
  done.add({20, 10});
  EXPECT_EQ(done.intervals().size(), 1U);
  EXPECT_EQ(done.total(), 30U);
  done.add({5, 100});
  EXPECT_EQ(done.total(), 100U);
  done.add({0, 5});
  EXPECT_EQ(done.prefix(), 105U);
}

TEST(DoneRanges, FirstMissing) {
  DoneRanges done;
  EXPECT_EQ(done.first_missing(0, 0, 100), std::nullopt);
  EXPECT_EQ(done.first_missing(0, 50, 100), (http::ByteRange{0, 50}));
  done.add({10, 10});
  EXPECT_EQ(done.first_missing(0, 50, 100), (http::ByteRange{0, 10}));
  EXPECT_EQ(done.first_missing(0, 50, 4), (http::ByteRange{0, 4}));
  EXPECT_EQ(done.first_missing(10, 50, 100), (http::ByteRange{20, 30}));
  EXPECT_EQ(done.first_missing(15, 50, 100), (http::ByteRange{20, 30}));
  EXPECT_EQ(done.first_missing(10, 20, 100), std::nullopt);
}

TEST(PullState, ComesBackFromItsJson) {
  PullState state{1000, "\"v1\"", "ab", {}};
  state.done.add({0, 10});
  state.done.add({500, 500});
  const std::string json = to_json(state);
  EXPECT_EQ(
      json,
      R"({"version":1,"size":1000,"etag":"\"v1\"","sha256":"ab","done":[[0,10],[500,1000]]})");
  const auto back = pull_state_from_json(json);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->is_same_source(state));
  EXPECT_EQ(back->done, state.done);
}

TEST(PullState, WhatIsNoneIsRefused) {
  for (const char* json : {"", "{}", "[]", R"({"version":"1"})",
                           R"({"version":1,"size":-1,"etag":"","sha256":"","done":[]})",
                           R"({"version":1,"size":9,"etag":"","sha256":"","done":[[0,10]]})",
                           R"({"version":1,"size":9,"etag":"","sha256":"","done":[[5,5]]})",
                           R"({"version":1,"size":9,"etag":"","sha256":"","done":[[1]]})",
                           R"({"version":1,"size":9,"etag":"","sha256":"","done":[[0,1.5]]})",
                           R"({"version":1,"size":9,"etag":"","sha256":""})"}) {
    const auto state = pull_state_from_json(json);
    ASSERT_FALSE(state) << json;
    EXPECT_EQ(state.error().code(), Errc::kMalformed) << json;
  }
  EXPECT_EQ(pull_state_from_json(R"({"version":2})").error().code(), Errc::kUsage);
}

TEST(PullState, SourcesAreTheSameOnlyWhenSomethingNamesTheBytes) {
  const PullState etag{10, "\"a\"", "", {}};
  const PullState digest{10, "", "ab", {}};
  const PullState nothing{10, "", "", {}};
  EXPECT_TRUE(etag.is_same_source(etag));
  EXPECT_TRUE(digest.is_same_source(digest));
  EXPECT_FALSE(nothing.is_same_source(nothing));
  EXPECT_FALSE(etag.is_same_source(PullState{10, "\"b\"", "", {}}));
  EXPECT_FALSE(etag.is_same_source(PullState{11, "\"a\"", "", {}}));
  EXPECT_FALSE(etag.is_same_source(PullState{10, "\"a\"", "cd", {}}));
}

}  // namespace
}  // namespace strata::client
