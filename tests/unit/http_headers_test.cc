#include "strata/http/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::http {
namespace {

using Field = Headers::Field;
using ::testing::ElementsAre;

TEST(Headers, NamesCompareWithoutCaseAndOrderIsKept) {
  Headers headers;
  headers.add("Host", "a");
  headers.add("X-Thing", "1");
  headers.add("x-thing", "2");
  EXPECT_EQ(headers.get("HOST"), "a");
  EXPECT_EQ(headers.get("X-THING"), "1");
  EXPECT_EQ(headers.joined("x-Thing"), "1, 2");
  EXPECT_EQ(headers.count("x-thing"), 2U);
  EXPECT_EQ(headers.get("thing"), std::nullopt);
  EXPECT_EQ(headers.joined("thing"), std::nullopt);
  EXPECT_THAT(headers.fields(),
              ElementsAre(Field("Host", "a"), Field("X-Thing", "1"), Field("x-thing", "2")));
}

TEST(Headers, SetReplacesAllInThePlaceOfTheFirst) {
  Headers headers;
  headers.add("A", "1");
  headers.add("B", "2");
  headers.add("a", "3");
  headers.set("A", "4");
  headers.set("C", "5");
  EXPECT_THAT(headers.fields(), ElementsAre(Field("A", "4"), Field("B", "2"), Field("C", "5")));
  // A value that views the field it replaces.
  headers.set("A", *headers.get("A"));
  EXPECT_EQ(headers.get("A"), "4");
}

TEST(Headers, RemoveTakesEveryFieldOfThatName) {
  Headers headers;
  headers.add("A", "1");
  headers.add("B", "2");
  headers.add("a", "3");
  headers.remove("a");
  EXPECT_THAT(headers.fields(), ElementsAre(Field("B", "2")));
}

TEST(Headers, AnEmptyValueIsPresent) {
  Headers headers;
  headers.add("A", "");
  EXPECT_EQ(headers.get("A"), "");
  EXPECT_EQ(headers.count("A"), 1U);
}

}  // namespace
}  // namespace strata::http
