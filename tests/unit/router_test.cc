#include "storage/service/router.h"

#include <gtest/gtest.h>

namespace strata::storage {
namespace {

Route named() {
  return
      [](http::Request&, const Principal&,
         const PathArguments&) -> http::Awaitable<http::Response> { co_return http::Response{}; };
}

class RouterTest : public testing::Test {
 protected:
  void SetUp() override {
    router_.add("GET", "/v1/images", named());
    router_.add("GET", "/v1/images/{}", named());
    router_.add("DELETE", "/v1/images/{}", named());
    router_.add("PUT", "/v1/upload/{}", named());
  }
  Router router_;
};

TEST_F(RouterTest, FindsTheRouteAndItsArguments) {
  const auto match = router_.match("DELETE", "/v1/images/abc");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.arguments, PathArguments{"abc"});
}

TEST_F(RouterTest, AnEncodedSlashStaysInsideItsSegment) {
  const auto match = router_.match("PUT", "/v1/upload/..%2f..%2Fetc%2Fpasswd");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.arguments, PathArguments{"../../etc/passwd"});
  EXPECT_EQ(router_.match("PUT", "/v1/upload/a/b").route, nullptr);
}

TEST_F(RouterTest, HeadIsGet) {
  EXPECT_NE(router_.match("HEAD", "/v1/images").route, nullptr);
}

TEST_F(RouterTest, AnotherMethodNamesThoseThatExist) {
  const auto match = router_.match("POST", "/v1/images/abc");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET, HEAD, DELETE");
}

TEST_F(RouterTest, UnknownPathsHaveNoMethods) {
  for (const char* path : {"/", "/v1", "/v1/images/", "/v1/images/a/b", "/v2/images", "*", ""}) {
    const auto match = router_.match("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_TRUE(match.allow.empty()) << path;
  }
}

}  // namespace
}  // namespace strata::storage
