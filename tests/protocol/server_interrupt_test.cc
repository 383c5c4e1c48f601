// A newer request takes over from one whose content is still coming, and what the log says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "tests/support/test_server.h"

namespace strata::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// PUT: reads its content, and answers with what came and why it ended. GET /take: interrupts it.
// GET /received: how many bytes the PUT has read. All on one network thread, as the contract asks.
class ServerInterrupt : public testing::Test {
 protected:
  http::Awaitable<http::Response> handle(http::Request& request) {
    if (request.head.method == "PUT") co_return co_await receive(request);
    http::Response response;
    if (request.head.path == "/take" && upload_ != nullptr) upload_->interrupt();
    response.body = std::to_string(received_.size());
    co_return response;
  }

  http::Awaitable<http::Response> receive(http::Request& request) {
    upload_ = &request.body;
    if (request.head.path == "/early") upload_->interrupt();
    http::Response response;
    std::array<std::byte, 100> some{};
    for (;;) {
      const auto n = co_await request.body.read_some(some);
      if (request.head.path == "/yielding") upload_->interrupt();
      if (!n) response.body = " " + std::string(n.error().info().type);
      if (!n || *n == 0) break;
      received_.append(reinterpret_cast<const char*>(some.data()), *n);
    }
    if (request.head.path == "/late") upload_->interrupt();
    const auto again = co_await request.body.read_some(some);
    response.body += again ? " again" : " " + std::string(again.error().info().type);
    response.body = received_ + response.body;
    upload_ = nullptr;
    co_return response;
  }

  std::string get(const std::string& path) {
    return server_->ask("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n").body;
  }
  void await_received(std::size_t bytes) {
    for (int i = 0; i < 10'000 && get("/received") != std::to_string(bytes); ++i) {
    }
  }
  // The log of everything so far; ends the server.
  std::string log() {
    server_.reset();
    return testing::internal::GetCapturedStderr();
  }
  void SetUp() override {
    testing::internal::CaptureStderr();
    server_ =
        std::make_unique<TestServer>([this](http::Request& r) { return handle(r); }, Limits{}, 1);
  }
  void TearDown() override {
    if (server_) log();
  }

  http::RequestBody* upload_ = nullptr;
  std::string received_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(ServerInterrupt, EndsAReadThatWaits) {
  for (const std::string framing :
       {"Content-Length: 1000000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "Transfer-Encoding: chunked\r\n\r\nf4240\r\nabc"}) {
    received_.clear();
    RawSocket socket = server_->connect();
    socket.send("PUT /x HTTP/1.1\r\nHost: a\r\n" + framing);
    await_received(3);
    EXPECT_EQ(get("/take"), "3");
    const RawSocket::Reply reply = socket.read_reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "abc cancelled cancelled") << framing;
    EXPECT_EQ(reply.field("Connection"), "close");
    EXPECT_TRUE(socket.closed_cleanly());
  }
  const std::string text = log();
  EXPECT_THAT(text, HasSubstr("outcome=taken-over"));
  EXPECT_THAT(text, Not(HasSubstr("outcome=stopped")));
}

TEST_F(ServerInterrupt, TheAnswerReachesAClientThatSendsOn) {
  RawSocket socket = server_->connect();
  socket.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\nabc");
  await_received(3);
  get("/take");
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 99; ++i) ASSERT_TRUE(socket.send(piece)) << i;
  EXPECT_EQ(socket.read_reply().body, "abc cancelled cancelled");
  EXPECT_EQ(socket.read_to_end(), "");
}

TEST_F(ServerInterrupt, BeforeTheFirstReadNothingIsAskedFor) {
  RawSocket socket = server_->connect();
  socket.send(
      "PUT /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.read_reply().body, " cancelled cancelled");
  EXPECT_TRUE(socket.closed_cleanly());
  // Content that has come along with the head is not read either, and costs the connection.
  RawSocket eager = server_->connect();
  eager.send("PUT /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  const RawSocket::Reply reply = eager.read_reply();
  EXPECT_EQ(reply.body, " cancelled cancelled");
  EXPECT_EQ(reply.field("Connection"), "close");
}

TEST_F(ServerInterrupt, WhatAReadHasReturnedIsKept) {
  RawSocket socket = server_->connect();
  socket.send("PUT /yielding HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n" +
              std::string(300, 'x'));
  EXPECT_EQ(socket.read_reply().body, std::string(100, 'x') + " cancelled cancelled");
}

TEST_F(ServerInterrupt, BehindTheContentItStillEndsTheConnection) {
  RawSocket socket = server_->connect();
  socket.send("PUT /late HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  const RawSocket::Reply reply = socket.read_reply();
  EXPECT_EQ(reply.body, "abc cancelled");
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_TRUE(socket.closed_cleanly());
  EXPECT_THAT(log(), HasSubstr("outcome=taken-over"));
}

TEST_F(ServerInterrupt, ALostClientIsLoggedAsThat) {
  RawSocket socket = server_->connect();
  socket.send("PUT /late HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc");
  socket.shutdown_send();
  EXPECT_EQ(socket.read_reply().body, "abc connection-lost connection-lost");
}

TEST_F(ServerInterrupt, TheLogHasThePathThatTheHandlerGives) {
  get("/secret/token-1?query=2");
  get("/open/path");
  const std::string text = log();
  EXPECT_THAT(text, HasSubstr("path=/secret/* "));
  EXPECT_THAT(text, HasSubstr("path=/open/path "));
  EXPECT_THAT(text, Not(HasSubstr("token-1")));
}

}  // namespace
}  // namespace strata::test
