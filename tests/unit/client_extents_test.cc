#include <gtest/gtest.h>

#include "storage/client/extents.h"

namespace strata::client {
namespace {

TEST(Extents, OfTheServersJson) {
  const auto extents = parse_extents(
      R"({"extents":[{"start":0,"length":65536,"zero":false},{"start":65536,"length":9,"zero":true,"new":1}],"more":{}})");
  ASSERT_TRUE(extents) << extents.error().message();
  EXPECT_EQ(*extents, (std::vector<Extent>{{0, 65536, false}, {65536, 9, true}}));
  EXPECT_TRUE(parse_extents(R"({"extents":[]})"));
}

TEST(Extents, WhatIsNoneIsRefused) {
  for (
      const char* json :
      {"", "[]", "{}", R"({"extents":{}})", R"({"extents":[1]})",
       R"({"extents":[{"start":0,"length":1}]})",
       R"({"extents":[{"start":0,"length":1,"zero":1}]})",
       R"({"extents":[{"start":0,"length":0,"zero":true}]})",
       R"({"extents":[{"start":-1,"length":1,"zero":true}]})",
       R"({"extents":[{"start":2,"length":18446744073709551614,"zero":true}]})",
       R"({"extents":[{"start":0,"length":10,"zero":true},{"start":9,"length":1,"zero":true}]})"}) {
    const auto extents = parse_extents(json);
    ASSERT_FALSE(extents) << json;
    EXPECT_EQ(extents.error().code(), Errc::kMalformed) << json;
  }
}

}  // namespace
}  // namespace strata::client
