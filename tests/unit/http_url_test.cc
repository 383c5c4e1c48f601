#include "strata/http/url.h"

#include <gtest/gtest.h>

namespace strata::http {
namespace {

Url parsed(std::string_view text) {
  const auto url = Url::parse(text);
  EXPECT_TRUE(url) << text << ": " << url.error().message();
  return url ? *url : Url{};
}

TEST(Url, Parts) {
  const Url url = parsed("HTTP://Images.Example:8080/v1/images?limit=2&name=a%20b");
  EXPECT_EQ(url.scheme, "http");
  EXPECT_EQ(url.host, "images.example");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.target, "/v1/images?limit=2&name=a%20b");
  EXPECT_EQ(url.authority(), "images.example:8080");
  EXPECT_EQ(url.text(), "http://images.example:8080/v1/images?limit=2&name=a%20b");
}

TEST(Url, DefaultsAreLeftOutAgain) {
  EXPECT_EQ(parsed("https://a").port, 443);
  EXPECT_EQ(parsed("http://a").text(), "http://a/");
  EXPECT_EQ(parsed("http://a:80/x").text(), "http://a/x");
  EXPECT_EQ(parsed("http://a:/x").port, 80);
  EXPECT_EQ(parsed("https://a:80/x").text(), "https://a:80/x");
  EXPECT_EQ(parsed("http://a?q=1").target, "/?q=1");
}

TEST(Url, Ipv6) {
  const Url url = parsed("http://[2001:DB8::1]:81/");
  EXPECT_EQ(url.host, "2001:db8::1");
  EXPECT_EQ(url.authority(), "[2001:db8::1]:81");
  EXPECT_EQ(parsed("http://[::1]").text(), "http://[::1]/");
}

TEST(Url, WhatIsNoneIsRefused) {
  for (const std::string& text : {std::string(),
                                  std::string("a"),
                                  std::string("/a"),
                                  std::string("http:/a"),
                                  std::string("ftp://a/"),
                                  std::string("file:///etc/passwd"),
                                  std::string("http://"),
                                  std::string("http:///x"),
                                  std::string("http://u@a/"),
                                  std::string("http://u:p@a/"),
                                  std::string("http://a/#f"),
                                  std::string("http://a:0/"),
                                  std::string("http://a:65536/"),
                                  std::string("http://a:8x/"),
                                  std::string("http://a:+1/"),
                                  std::string("http://a b/"),
                                  std::string("http://a/ b"),
                                  std::string("http://a/\r\nHost: b"),
                                  std::string("http://a/%zz"),
                                  std::string("http://a/%0"),
                                  std::string("http://[::1"),
                                  std::string("http://[::1]x/"),
                                  std::string("http://[nothex]/"),
                                  std::string("http://a/\xc3\xa4"),
                                  std::string("http://a/\0", 10),
                                  std::string("http://::1/"),
                                  std::string("http://a/\"<>"),
                                  std::string("http://a\\b/"),
                                  "http://" + std::string(254, 'a') + "/"}) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code(), Errc::kMalformed);
  }
}

TEST(Url, ResolvesLocations) {
  const Url base = parsed("http://a:81/x/y?z");
  EXPECT_EQ(base.resolve("/v1/images/1")->text(), "http://a:81/v1/images/1");
  EXPECT_EQ(base.resolve("https://b/q")->text(), "https://b/q");
  EXPECT_EQ(base.resolve("//b/q")->text(), "http://b/q");
  EXPECT_FALSE(base.resolve("relative"));
  EXPECT_FALSE(base.resolve(""));
  EXPECT_FALSE(base.resolve("javascript:alert(1)"));
}

TEST(LoopbackHost, NamesAndAddresses) {
  for (const char* host : {"localhost", "LocalHost", "127.0.0.1", "127.255.255.254", "::1", "[::1]",
                           "0:0:0:0:0:0:0:1"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host : {"", "localhost.evil.example", "evil.localhost.example", "128.0.0.1",
                           "0.0.0.0", "127.0.0.1.nip.io", "::2", "[::1", "::", "127.1",
                           "0177.0.0.1", "2130706433", "10.127.0.0", "localhos"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
  EXPECT_FALSE(is_loopback_host(std::string_view("127.0.0.1\0.evil.example", 23)));
}

}  // namespace
}  // namespace strata::http
