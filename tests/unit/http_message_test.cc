#include "strata/http/message.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::http {
namespace {

const Limits kLimits;

Result<RequestHead> parse(const std::string& head) {
  return parse_request_head(head, kLimits);
}

Errc refused(const std::string& head) {
  const auto parsed = parse(head);
  return parsed ? Errc::kUsage : parsed.error().code();
}

TEST(RequestHead, HoldsItsParts) {
  const auto head = parse(
      "GET /v1/images/a%20b?name=x+y%2B&limit=&flag HTTP/1.1\r\nHost: h:8080\r\nA:  b \t\r\n"
      "a: c\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->method, "GET");
  EXPECT_EQ(head->target, "/v1/images/a%20b?name=x+y%2B&limit=&flag");
  EXPECT_EQ(head->raw_path, "/v1/images/a%20b");
  EXPECT_EQ(head->path, "/v1/images/a b");
  EXPECT_EQ(head->query_value("name"), "x y+");
  EXPECT_EQ(head->query_value("limit"), "");
  EXPECT_EQ(head->query_value("flag"), "");
  EXPECT_EQ(head->query_value("other"), std::nullopt);
  EXPECT_EQ(head->authority, "h:8080");
  EXPECT_EQ(head->headers.joined("A"), "b, c");
  EXPECT_EQ(head->framing.kind, Framing::Kind::kNone);
  EXPECT_TRUE(head->keep_alive);
}

TEST(RequestHead, AnEscapedSlashMakesNoSegment) {
  const auto head = parse("GET /a%2fb%2F%2e%2e/c HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->path, "/a%2Fb%2F../c");
  EXPECT_EQ(head->raw_path, "/a%2fb%2F%2e%2e/c");
}

TEST(RequestHead, AbsoluteFormIsReduced) {
  const auto head = parse("GET http://h/a?b=c HTTP/1.1\r\nHost: H:80\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->target, "/a?b=c");
  EXPECT_EQ(head->authority, "h");
  EXPECT_EQ(parse("GET https://h?b HTTP/1.1\r\nHost: h\r\n\r\n")->target, "/?b");
  EXPECT_EQ(parse("GET http://h/ HTTP/1.0\r\n\r\n")->authority, "h");
  EXPECT_EQ(refused("GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kMalformed);
  EXPECT_EQ(refused("GET http://h:443/ HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kMalformed);
  EXPECT_EQ(refused("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kMalformed);
}

TEST(RequestHead, OtherForms) {
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")->path, "*");
  EXPECT_EQ(refused("GET * HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kMalformed);
  EXPECT_EQ(refused("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kNotImplemented);
  EXPECT_EQ(refused("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kMalformed);
  EXPECT_EQ(refused("GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kMalformed);
  EXPECT_EQ(refused("G(T / HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kMalformed);
  EXPECT_EQ(refused("GET / HTTP/1.2\r\nHost: h\r\n\r\n"), Errc::kHttpVersion);
  EXPECT_EQ(refused("GET / http/1.1\r\nHost: h\r\n\r\n"), Errc::kMalformed);
}

TEST(RequestHead, HostIsAProperAuthority) {
  for (const char* host : {"h", "h:1", "127.0.0.1:8080", "[::1]:8080", "[::1]"}) {
    EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")) << host;
  }
  for (const char* host : {"", "h:x", "h:123456", "a b", "[::1", "::1", "[::1]x", "h,i", "[]"}) {
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"),
              Errc::kMalformed)
        << host;
  }
}

TEST(RequestHead, FramingAndConnection) {
  const auto with = [](const std::string& fields, const char* version = "1.1") {
    return parse("PUT / HTTP/" + std::string(version) + "\r\nHost: h\r\n" + fields + "\r\n");
  };
  EXPECT_EQ(with("Content-Length: 18446744073709551615\r\n")->framing.length, ~std::uint64_t{0});
  EXPECT_EQ(with("Transfer-Encoding: Chunked\r\n")->framing.kind, Framing::Kind::kChunked);
  EXPECT_TRUE(with("Content-Length: 1\r\nExpect: 100-Continue\r\n")->expects_continue);
  EXPECT_FALSE(with("Content-Length: 0\r\nExpect: 100-continue\r\n")->expects_continue);
  EXPECT_FALSE(with("Content-Length: 1\r\nExpect: 100-continue\r\n", "1.0")->expects_continue);
  EXPECT_FALSE(with("Connection: x, Close\r\n")->keep_alive);
  EXPECT_FALSE(with("", "1.0")->keep_alive);
  EXPECT_TRUE(with("Connection: Keep-Alive\r\n", "1.0")->keep_alive);
}

TEST(FindHeadEnd, AnswersTheSameHoweverTheBytesArrive) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET";
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    for (std::size_t seen = 0; seen <= n && seen < 28; ++seen) {
      const auto end = find_head_end(std::string_view(bytes).substr(0, n), kLimits, seen);
      ASSERT_TRUE(end);
      EXPECT_EQ(*end, n >= 27 ? std::optional<std::size_t>(27) : std::nullopt) << n << ' ' << seen;
      if (seen == 26) break;  // an earlier call that saw 27 bytes would have found the end
    }
  }
}

TEST(FindHeadEnd, IsBounded) {
  const std::string endless(kLimits.header_bytes_max, 'a');
  EXPECT_EQ(find_head_end(endless, kLimits).error().code(), Errc::kHeadersTooLarge);
  EXPECT_EQ(find_head_end(endless + "\r\n\r\n", kLimits).error().code(), Errc::kHeadersTooLarge);
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\n", kLimits).error().code(), Errc::kMalformed);
}

TEST(ResponseHead, FramingFollowsStatusAndMethod) {
  const auto kind = [](const std::string& text, const char* method = "GET") {
    return parse_response_head(text + "\r\n\r\n", method, kLimits)->framing.kind;
  };
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nContent-Length: 5"), Framing::Kind::kLength);
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nContent-Length: 5", "HEAD"), Framing::Kind::kNone);
  EXPECT_EQ(kind("HTTP/1.1 204 No\r\nContent-Length: 5"), Framing::Kind::kNone);
  EXPECT_EQ(kind("HTTP/1.1 304 \r\nContent-Length: 5"), Framing::Kind::kNone);
  EXPECT_EQ(kind("HTTP/1.1 100"), Framing::Kind::kNone);
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"), Framing::Kind::kChunked);
  EXPECT_EQ(kind("HTTP/1.1 200 OK"), Framing::Kind::kUntilClose);
}

TEST(ResponseHead, RefusesWhatIsAmbiguous) {
  for (const char* text : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5",
                           "HTTP/1.1 2000 OK", "HTTP/1.1 20", "HTTP/1.1 099 X", "ICY 200 OK"}) {
    EXPECT_FALSE(parse_response_head(std::string(text) + "\r\n\r\n", "GET", kLimits)) << text;
  }
}

TEST(ReasonPhrase, KnowsEveryStatusOfTheContract) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(507), "Insufficient Storage");
  EXPECT_EQ(reason_phrase(299), "Unknown");
}

}  // namespace
}  // namespace strata::http
