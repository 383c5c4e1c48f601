// Requests and answers on one connection: keep-alive, pipelining, 100-continue, early answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "tests/support/test_server.h"

namespace strata::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kGet = "GET /text HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(ServerExchange, KeepsTheConnection) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  for (int i = 0; i < 3; ++i) {
    socket.send(kGet);
    const RawSocket::Reply reply = socket.read_reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "hello");
    EXPECT_EQ(reply.field("Connection"), "");
    EXPECT_THAT(reply.field("Date"), HasSubstr("GMT"));
  }
  EXPECT_EQ(server.handled(), 3);
}

TEST(ServerExchange, AnswersPipelinedRequestsInOrder) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send(
      "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
      "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n"
      "\r\n\r\nGET /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(socket.read_reply().body, "one");
  EXPECT_EQ(socket.read_reply().body, "two");
  const RawSocket::Reply last = socket.read_reply();
  EXPECT_EQ(last.body, "hello");
  EXPECT_EQ(last.field("Connection"), "close");
  EXPECT_TRUE(socket.closed_cleanly());
}

TEST(ServerExchange, ARequestInSingleBytesIsOneRequest) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  const std::string request =
      "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;x=y\r\nabcd\r\n1\r\ne\r\n0\r\nX-Sum: 1\r\n\r\n";
  for (const char c : request) socket.send({&c, 1});
  EXPECT_EQ(socket.read_reply().body, "abcde");
  socket.send(kGet);
  EXPECT_EQ(socket.read_reply().body, "hello");
}

TEST(ServerExchange, LargeChunkedContentArrivesWhole) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  std::string content;
  std::string wire = "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t size = 1; content.size() < 3'000'000; size = size * 3 + 1) {
    const std::string chunk(size, static_cast<char>('a' + size % 26));
    char line[32];
    std::snprintf(line, sizeof(line), "%zX\r\n", size);
    wire += line + chunk + "\r\n";
    content += chunk;
  }
  socket.send(wire + "0\r\n\r\n");
  EXPECT_EQ(socket.read_reply().body, content);
}

TEST(ServerExchange, Http10ClosesUnlessAskedNotTo) {
  TestServer server(echo);
  RawSocket closing = server.connect();
  closing.send("GET /text HTTP/1.0\r\n\r\n");
  EXPECT_EQ(closing.read_reply().field("Connection"), "close");
  EXPECT_TRUE(closing.closed_cleanly());
  RawSocket keeping = server.connect();
  for (int i = 0; i < 2; ++i) {
    keeping.send("GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const RawSocket::Reply reply = keeping.read_reply();
    EXPECT_EQ(reply.field("Connection"), "keep-alive");
    EXPECT_EQ(reply.body, "hello");
  }
}

TEST(ServerExchange, HeadHasTheLengthAndNoContent) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send("HEAD /text HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(socket.read_reply(true).field("Content-Length"), "5");
  EXPECT_EQ(socket.read_reply().body, "hello");  // nothing of a body was in between
}

TEST(ServerExchange, TakesTheClientsRequestIdOnlyWhenItIsHarmless) {
  TestServer server(echo);
  const auto id = [&](const std::string& sent) {
    return server.ask("GET /text HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + sent + "\r\n\r\n")
        .field("X-Request-Id");
  };
  EXPECT_EQ(id("abc-1.2_3"), "abc-1.2_3");
  EXPECT_THAT(id("a b"), testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(id(std::string(65, 'a')).size(), 32U);
  EXPECT_NE(id("<"), id("<"));
}

TEST(ServerExchange, SendsContinueOnlyWhenTheContentIsRead) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("abc");
  EXPECT_EQ(socket.read_reply().body, "abc");
  socket.send(kGet);
  EXPECT_EQ(socket.read_reply().status, 200);
}

TEST(ServerExchange, RefusesWithoutContinue) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send(
      "PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  const RawSocket::Reply reply = socket.read_reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_TRUE(socket.closed_cleanly());
}

TEST(ServerExchange, AnEarlyAnswerReachesAClientThatSendsOn) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send("PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n");
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(socket.send(piece)) << i;
  const RawSocket::Reply reply = socket.read_reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.body, "refused");
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(socket.read_to_end(), "");
}

TEST(ServerExchange, SmallUnreadContentDoesNotCostTheConnection) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send("PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" +
              std::string(60000, 'x') + std::string(kGet));
  const RawSocket::Reply reply = socket.read_reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.field("Connection"), "");
  EXPECT_EQ(socket.read_reply().body, "hello");
}

TEST(ServerExchange, AFailureInMidBodyIsAnsweredAtOnce) {
  TestServer server([](http::Request& request) -> http::Awaitable<http::Response> {
    std::array<std::byte, 1000> some{};
    const auto n = co_await request.body.read_some(some);
    http::Response response;
    response.status = n ? 422 : 500;
    response.body = "corrupt";
    co_return response;
  });
  RawSocket socket = server.connect();
  socket.send("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  const RawSocket::Reply reply = socket.read_reply();  // before the content has ended
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.body, "corrupt");
  EXPECT_EQ(reply.field("Connection"), "close");
}

TEST(ServerExchange, ContentThatEndsEarlyIsAnError) {
  for (const char* framing :
       {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    TestServer server(echo);
    RawSocket socket = server.connect();
    socket.send(std::string("PUT /echo HTTP/1.1\r\nHost: a\r\n") + framing);
    socket.shutdown_send();
    EXPECT_THAT(socket.read_reply().body, HasSubstr("connection-lost"));
  }
}

TEST(ServerExchange, AnExceptionIs500WithTheRequestId) {
  TestServer server([](http::Request&) -> http::Awaitable<http::Response> {
    throw std::runtime_error("secret detail");
    co_return http::Response();
  });
  RawSocket socket = server.connect();
  for (int i = 0; i < 2; ++i) {  // the connection survives it
    socket.send("GET /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: my-id\r\n\r\n");
    const RawSocket::Reply reply = socket.read_reply();
    EXPECT_EQ(reply.status, 500);
    EXPECT_THAT(reply.body, HasSubstr("my-id"));
    EXPECT_THAT(reply.body, Not(HasSubstr("secret")));
  }
}

TEST(ServerExchange, AnExceptionOnAPoolThreadIs500Too) {
  io::WorkerPool pool("pool", 1);
  TestServer server([&pool](http::Request&) -> http::Awaitable<http::Response> {
    co_return co_await http::run_on(
        pool, []() -> http::Response { throw std::runtime_error("secret detail"); });
  });
  RawSocket socket = server.connect();
  for (int i = 0; i < 2; ++i) {
    socket.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(socket.read_reply().status, 500);
  }
}

TEST(ServerExchange, AHandlersFieldCannotSplitTheResponse) {
  TestServer server([](http::Request&) -> http::Awaitable<http::Response> {
    http::Response response;
    response.headers.add("X-Bad", "a\r\nSet-Cookie: b");
    response.headers.add("X-Good", "c");
    response.headers.add("Content-Length", "99");
    response.body = "ok";
    co_return response;
  });
  const RawSocket::Reply reply = server.ask(kGet);
  EXPECT_THAT(reply.head, Not(HasSubstr("Set-Cookie")));
  EXPECT_EQ(reply.field("X-Good"), "c");
  EXPECT_EQ(reply.field("Content-Length"), "2");
}

TEST(ServerExchange, CountsRequestsAndBytes) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  const std::string put = "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const std::string brew = "BREW /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  socket.send(put);
  socket.read_reply();
  socket.send(brew);
  socket.read_to_end();  // both have been counted when the server closes
  const std::string metrics = server.metrics().render();
  EXPECT_THAT(metrics, HasSubstr("strata_http_requests_total{method=\"PUT\",status=\"200\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("strata_http_requests_total{method=\"other\",status=\"404\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("strata_http_request_seconds_count 2"));
  EXPECT_THAT(metrics, HasSubstr("strata_http_bytes_received_total " +
                                 std::to_string(put.size() + brew.size())));
}

}  // namespace
}  // namespace strata::test
