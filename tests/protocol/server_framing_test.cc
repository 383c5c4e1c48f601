// What the framing guard refuses on a real connection (B14, B18): the answer, and that the
// connection ends, so that bytes after a refused head are never taken for a request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "strata/http/problem.h"
#include "tests/support/test_server.h"

namespace strata::test {
namespace {

using testing::HasSubstr;

struct BadHead {
  const char* name;
  std::string bytes;
  int status;
};

std::string with_fields(const std::string& fields) {
  return "POST /echo HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

class RefusedHead : public testing::TestWithParam<BadHead> {};

TEST_P(RefusedHead, IsAnsweredAndTheConnectionEnds) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  // The smuggled request must not be seen.
  socket.send(GetParam().bytes + "GET /text HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawSocket::Reply reply = socket.read_reply();
  EXPECT_EQ(reply.status, GetParam().status) << reply.body;
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(reply.field("Content-Type"), http::kProblemType);
  EXPECT_THAT(reply.body, HasSubstr(reply.field("X-Request-Id")));
  socket.shutdown_send();
  EXPECT_EQ(socket.read_to_end(), "");
  EXPECT_EQ(server.handled(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Framing, RefusedHead,
    testing::Values(
        BadHead{"LengthAndCoding",
                with_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
        BadHead{"TwoLengths", with_fields("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
        BadHead{"TwoEqualLengths", with_fields("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
        BadHead{"LengthList", with_fields("Content-Length: 3, 3\r\n"), 400},
        BadHead{"SignedLength", with_fields("Content-Length: +5\r\n"), 400},
        BadHead{"NegativeLength", with_fields("Content-Length: -5\r\n"), 400},
        BadHead{"HexLength", with_fields("Content-Length: 0x5\r\n"), 400},
        BadHead{"EmptyLength", with_fields("Content-Length:\r\n"), 400},
        BadHead{"HugeLength", with_fields("Content-Length: 18446744073709551616\r\n"), 400},
        BadHead{"TwentyOneDigits",
                with_fields("Content-Length: 000000000000999999999999999999999\r\n"), 400},
        BadHead{"ChunkedThenIdentity", with_fields("Transfer-Encoding: chunked, identity\r\n"),
                501},
        BadHead{"TwoCodings", with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501},
        BadHead{"TwoCodingLines",
                with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 501},
        BadHead{"ObscuredCoding",
                with_fields("Transfer-Encoding: \x0b"
                            "chunked\r\n"),
                400},
        BadHead{"CodingInHttp10", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        BadHead{"BareLf", "GET /text HTTP/1.1\nHost: a\n\n", 400},
        BadHead{"OneBareLf", "GET /text HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
        BadHead{"BareCr", "GET /text HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n", 400},
        BadHead{"Folded", with_fields("X: a\r\n b\r\n"), 400},
        BadHead{"SpaceBeforeColon", with_fields("Content-Length : 3\r\n"), 400},
        BadHead{"EmptyName", with_fields(": 3\r\n"), 400},
        BadHead{"NoColon", with_fields("nonsense\r\n"), 400},
        BadHead{"NulInValue", with_fields(std::string("X: a\0b\r\n", 8)), 400},
        BadHead{"NoHost", "GET /text HTTP/1.1\r\n\r\n", 400},
        BadHead{"TwoHosts", "GET /text HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        BadHead{"HostWithUser", "GET /text HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
        BadHead{"HostWithPath", "GET /text HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        BadHead{"OtherAuthority", "GET http://b/text HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadHead{"EscapedNul", "GET /text%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadHead{"BadEscape", "GET /text%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadHead{"TwoSpaces", "GET  /text HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadHead{"OtherVersion", "GET /text HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        BadHead{"LongTarget", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
                414},
        BadHead{"LongHeader", with_fields("X: " + std::string(33000, 'a') + "\r\n"), 431},
        BadHead{"ManyHeaders", with_fields([] {
                  std::string fields;
                  for (int i = 0; i < 100; ++i) fields += "A: b\r\n";
                  return fields;
                }()),
                431}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ServerFraming, AbsoluteFormWithTheSameAuthorityIsServed) {
  TestServer server(echo);
  EXPECT_EQ(server.ask("GET http://A:80/text HTTP/1.1\r\nHost: a\r\n\r\n").body, "hello");
}

struct BadChunks {
  const char* name;
  std::string body;
};

class RefusedChunks : public testing::TestWithParam<BadChunks> {};

TEST_P(RefusedChunks, AreAnsweredWith400AndTheConnectionEnds) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send("PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
              GetParam().body + "GET /text HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawSocket::Reply reply = socket.read_reply();
  EXPECT_TRUE(reply.status == 400 || reply.status == 431) << reply.head << reply.body;
  EXPECT_EQ(reply.field("Connection"), "close");
  socket.shutdown_send();
  EXPECT_EQ(socket.read_to_end(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Framing, RefusedChunks,
    testing::Values(BadChunks{"Overflow", "FFFFFFFFFFFFFFFF1\r\nabc\r\n0\r\n\r\n"},
                    BadChunks{"NotHex", "3g\r\nabc\r\n0\r\n\r\n"},
                    BadChunks{"Signed", "+3\r\nabc\r\n0\r\n\r\n"},
                    BadChunks{"Prefixed", "0x3\r\nabc\r\n0\r\n\r\n"},
                    BadChunks{"EmptySize", "\r\nabc\r\n0\r\n\r\n"},
                    BadChunks{"SpaceAfterSize", "3 \r\nabc\r\n0\r\n\r\n"},
                    BadChunks{"BareLf", "3\nabc\r\n0\r\n\r\n"},
                    BadChunks{"LongerThanItsSize", "3\r\nabcd\r\n0\r\n\r\n"},
                    BadChunks{"HugeExtension", "3;" + std::string(1 << 20, 'x') + "\r\nabc\r\n"},
                    BadChunks{"ManyExtensions",
                              [] {
                                std::string chunks;
                                for (int i = 0; i < 20; ++i) {
                                  chunks += "1;" + std::string(4000, 'x') + "\r\na\r\n";
                                }
                                return chunks + "0\r\n\r\n";
                              }()},
                    BadChunks{"LengthTrailer", "3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n"},
                    BadChunks{"CodingTrailer", "0\r\nTransfer-Encoding: chunked\r\n\r\n"},
                    BadChunks{"HostTrailer", "0\r\nHost: b\r\n\r\n"},
                    BadChunks{"FoldedTrailer", "0\r\nA: b\r\n c\r\n\r\n"},
                    BadChunks{"ManyTrailers", "0\r\n" +
                                                  [] {
                                                    std::string fields;
                                                    for (int i = 0; i < 200; ++i)
                                                      fields += "A: b\r\n";
                                                    return fields;
                                                  }() +
                                                  "\r\n"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace strata::test
