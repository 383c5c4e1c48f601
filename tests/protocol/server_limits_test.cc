// Slow peers (B16), too many peers, and the end of the server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_server.h"

namespace strata::test {
namespace {

using std::chrono::seconds;

constexpr std::string_view kGet = "GET /text HTTP/1.1\r\nHost: a\r\n\r\n";

Limits impatient() {
  Limits limits;
  limits.header_timeout = seconds(1);
  limits.keep_alive_idle = seconds(1);
  limits.rate_window = seconds(1);
  limits.body_rate_min_bytes_per_s = 1000;
  return limits;
}

// Sends one byte each 100 ms until the server answers.
RawSocket::Reply send_slowly(RawSocket& socket) {
  const auto patience = std::exchange(socket.patience, std::chrono::milliseconds(100));
  for (int i = 0; i < 80; ++i) {
    if (!socket.peek().empty() || !socket.send("a")) break;
  }
  socket.patience = patience;
  return socket.read_reply();
}

TEST(ServerLimits, ASlowHeaderIsCutWith408) {
  TestServer server(echo, impatient());
  RawSocket socket = server.connect();
  socket.send("GET /text HTTP/1.1\r\nHost: a\r\nX: ");
  const RawSocket::Reply reply = send_slowly(socket);
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(server.handled(), 0);
}

TEST(ServerLimits, SlowContentIsCutWith408) {
  for (const char* framing :
       {"Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"}) {
    TestServer server(echo, impatient());
    RawSocket socket = server.connect();
    socket.send(std::string("PUT /echo HTTP/1.1\r\nHost: a\r\n") + framing);
    EXPECT_EQ(send_slowly(socket).status, 408);
  }
}

TEST(ServerLimits, ContentAboveTheMinimumRateIsNotCut) {
  TestServer server(echo, impatient());
  RawSocket socket = server.connect();
  const std::string piece(500, 'a');
  socket.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the rate is what is tested
    socket.send(piece);
  }
  EXPECT_EQ(socket.read_reply().body.size(), 10000U);
}

TEST(ServerLimits, APeerThatDoesNotReadIsCut) {
  TestServer server(
      [](http::Request&) -> http::Awaitable<http::Response> {
        http::Response response;
        response.body = std::string(64 * kMiB, 'x');
        co_return response;
      },
      impatient());
  RawSocket socket(server.port(), 4096);
  socket.send(kGet);
  socket.patience = std::chrono::seconds(20);
  std::this_thread::sleep_for(seconds(3));  // not reading is what is tested
  EXPECT_LT(socket.read_to_end().size(), 64 * kMiB);
}

TEST(ServerLimits, AnIdleConnectionIsClosedQuietly) {
  TestServer server(echo, impatient());
  RawSocket socket = server.connect();
  socket.send(kGet);
  EXPECT_EQ(socket.read_reply().status, 200);
  EXPECT_EQ(socket.read_to_end(), "");
}

TEST(ServerLimits, ConnectionsPerAddressAndInAllAreBounded) {
  Limits per_address;
  per_address.connections_per_address_max = 2;
  Limits total;
  total.connections_max = 2;
  for (const Limits& limits : {per_address, total}) {
    TestServer server(echo, limits);
    std::vector<RawSocket> held;
    for (int i = 0; i < 2; ++i) {
      held.push_back(server.connect());
      held.back().send(kGet);
      EXPECT_EQ(held.back().read_reply().status, 200);
    }
    RawSocket refused = server.connect();
    refused.send(kGet);
    const RawSocket::Reply reply = refused.read_reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.field("Retry-After"), "1");
    EXPECT_EQ(reply.field("Connection"), "close");
    held.front().send(kGet);  // those that are in are not disturbed
    EXPECT_EQ(held.front().read_reply().status, 200);
    held.clear();
    for (int tries = 0;; ++tries) {  // their places become free
      ASSERT_LT(tries, 1000);
      if (server.ask(kGet).status == 200) break;
    }
  }
}

TEST(ServerLimits, DrainLetsATransferFinishAndClosesIdleConnections) {
  const std::string content(16 * kMiB, 'x');
  TestServer server([&](http::Request&) -> http::Awaitable<http::Response> {
    http::Response response;
    response.body = content;
    co_return response;
  });
  RawSocket idle = server.connect();
  RawSocket busy(server.port(), 4096);
  busy.send(kGet);
  ASSERT_EQ(busy.read_exactly(12), "HTTP/1.1 200");
  auto drained = std::async(std::launch::async, [&] { server.server().drain(); });
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_EQ(drained.wait_for(seconds(0)), std::future_status::timeout);
  busy.read_head();
  EXPECT_EQ(busy.read_exactly(content.size()).size(), content.size());
  EXPECT_EQ(busy.read_to_end(), "");
  drained.get();
}

TEST(ServerLimits, DrainCutsWhatDoesNotFinishInTime) {
  Limits limits;
  limits.drain_timeout = seconds(1);
  TestServer server(
      [](http::Request&) -> http::Awaitable<http::Response> {
        http::Response response;
        response.body = std::string(64 * kMiB, 'x');
        co_return response;
      },
      limits);
  RawSocket socket(server.port(), 4096);
  socket.send(kGet);
  ASSERT_EQ(socket.read_exactly(12), "HTTP/1.1 200");
  server.server().drain();
  EXPECT_LT(socket.read_to_end().size(), 64 * kMiB);
}

TEST(ServerLimits, StopCutsUploadsAndWaitsForTheirHandlers) {
  std::atomic<bool> ended = false;
  std::atomic<bool> begun = false;
  TestServer server([&](http::Request& request) -> http::Awaitable<http::Response> {
    begun = true;
    http::Response response;
    const auto text = co_await request.body.read_all(1000);
    ended = !text;
    co_return response;
  });
  RawSocket socket = server.connect();
  socket.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
  while (!begun) std::this_thread::yield();
  server.server().stop();
  EXPECT_TRUE(ended);
  EXPECT_EQ(socket.read_to_end(), "");
}

TEST(ServerLimits, ManyClientsThatComeAndGo) {
  TestServer server(echo);
  std::vector<std::thread> clients;
  std::atomic<int> good = 0;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i) {
        RawSocket socket = server.connect();
        socket.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" +
                    std::string(50, 'x'));
        if ((i + c) % 3 == 0) {
          socket.reset();
          ++good;
          continue;
        }
        socket.send(std::string(50, 'x') + std::string(kGet));
        if (socket.read_reply().body.size() == 100 && socket.read_reply().body == "hello") ++good;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 400);
}

}  // namespace
}  // namespace strata::test
