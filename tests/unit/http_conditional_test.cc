#include "strata/http/conditional.h"

#include <gtest/gtest.h>

namespace strata::http {
namespace {

constexpr std::string_view kEtag = "\"sha256:abc\"";
constexpr UnixMillis kModified = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr const char* kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kEarlier = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr const char* kLater = "Sun, 06 Nov 1994 08:49:38 GMT";
const Validators kNow{kEtag, kModified + 999};  // the wire has whole seconds

struct Lines : Headers {
  Lines(std::initializer_list<std::pair<const char*, std::string>> lines) {
    for (const auto& [name, value] : lines) add(name, value);
  }
};

Precondition evaluate(const Lines& lines) {
  return evaluate_preconditions(lines, kNow);
}

TEST(Preconditions, NoneProceeds) {
  EXPECT_EQ(evaluate({}), Precondition::kProceed);
}

TEST(Preconditions, IfMatchComparesStrongly) {
  for (const char* value : {"*", "\"sha256:abc\"", "\"x\", \"sha256:abc\"", " \"sha256:abc\" ,",
                            "\"a,b\",\t\"sha256:abc\""}) {
    EXPECT_EQ(evaluate({{"If-Match", value}}), Precondition::kProceed) << value;
  }
  for (const char* value :
       {"\"x\"", "W/\"sha256:abc\"", "sha256:abc", "", "\"sha256:abc", "\"sha256:abc\" \"x\"",
        "\"sha256:abc\"x", "\"x, sha256:abc\"", "w/\"sha256:abc\"", "\"sha256:ABC\""}) {
    EXPECT_EQ(evaluate({{"If-Match", value}}), Precondition::kFailed) << value;
  }
  EXPECT_EQ(evaluate({{"If-Match", "\"x\""}, {"if-match", std::string(kEtag)}}),
            Precondition::kProceed)
      << "one list in two lines";
}

TEST(Preconditions, IfNoneMatchComparesWeakly) {
  for (const char* value : {"*", "\"sha256:abc\"", "W/\"sha256:abc\"", "\"x\",W/\"sha256:abc\""}) {
    EXPECT_EQ(evaluate({{"If-None-Match", value}}), Precondition::kNotModified) << value;
  }
  for (const char* value : {"\"x\"", "sha256:abc", "\"sha256:abc\" x", "\"sha256\t:abc\""}) {
    EXPECT_EQ(evaluate({{"If-None-Match", value}}), Precondition::kProceed) << value;
  }
}

TEST(Preconditions, Dates) {
  EXPECT_EQ(evaluate({{"If-Unmodified-Since", kDate}}), Precondition::kProceed);
  EXPECT_EQ(evaluate({{"If-Unmodified-Since", kEarlier}}), Precondition::kFailed);
  EXPECT_EQ(evaluate({{"If-Modified-Since", kDate}}), Precondition::kNotModified);
  EXPECT_EQ(evaluate({{"If-Modified-Since", kLater}}), Precondition::kNotModified);
  EXPECT_EQ(evaluate({{"If-Modified-Since", kEarlier}}), Precondition::kProceed);
}

TEST(Preconditions, WhatIsNoDateIsIgnored) {
  for (const char* value : {"", "yesterday", "1994-11-06", "Sunday, 06-Nov-94 08:49:37 GMT"}) {
    EXPECT_EQ(evaluate({{"If-Unmodified-Since", value}}), Precondition::kProceed) << value;
    EXPECT_EQ(evaluate({{"If-Modified-Since", value}}), Precondition::kProceed) << value;
  }
  EXPECT_EQ(evaluate({{"If-Modified-Since", kDate}, {"If-Modified-Since", kDate}}),
            Precondition::kProceed);
}

TEST(Preconditions, OrderOfRfc9110) {
  // If-Match silences If-Unmodified-Since, If-None-Match silences If-Modified-Since.
  EXPECT_EQ(evaluate({{"If-Match", "*"}, {"If-Unmodified-Since", kEarlier}}),
            Precondition::kProceed);
  EXPECT_EQ(evaluate({{"If-None-Match", "\"x\""}, {"If-Modified-Since", kLater}}),
            Precondition::kProceed);
  // 412 goes before 304.
  EXPECT_EQ(evaluate({{"If-None-Match", "*"}, {"If-Match", "\"x\""}}), Precondition::kFailed);
  EXPECT_EQ(evaluate({{"If-None-Match", "*"}, {"If-Unmodified-Since", kEarlier}}),
            Precondition::kFailed);
  EXPECT_EQ(evaluate({{"If-None-Match", "*"}, {"If-Match", "*"}}), Precondition::kNotModified);
}

TEST(IfRange, HoldsForTheStrongEtagTheExactDateOrNothing) {
  EXPECT_TRUE(if_range_holds(Lines{}, kNow));
  EXPECT_TRUE(if_range_holds(Lines{{"If-Range", std::string(kEtag)}}, kNow));
  EXPECT_TRUE(if_range_holds(Lines{{"if-range", " " + std::string(kEtag) + "\t"}}, kNow));
  EXPECT_TRUE(if_range_holds(Lines{{"If-Range", kDate}}, kNow));
}

TEST(IfRange, AnythingElseDoesNotHold) {  // B9
  for (const char* value :
       {"", "\"x\"", "W/\"sha256:abc\"", "\"sha256:abc\", \"sha256:abc\"", "\"sha256:abc\",", "*",
        "sha256:abc", "garbage", kEarlier, kLater, "Sun, 99 Nov 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT junk", "\"\""}) {
    EXPECT_FALSE(if_range_holds(Lines{{"If-Range", value}}, kNow)) << value;
  }
  const std::string etag(kEtag);
  EXPECT_FALSE(if_range_holds(Lines{{"If-Range", etag}, {"If-Range", etag}}, kNow));
}

}  // namespace
}  // namespace strata::http
