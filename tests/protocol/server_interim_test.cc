// What a handler says before its answer (1xx), and what a client says behind its content (B19).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <future>
#include <memory>
#include <string>

#include "tests/support/test_server.h"

namespace strata::test {
namespace {

using testing::HasSubstr;

http::Headers fields(std::string_view name, std::string_view value) {
  http::Headers headers;
  headers.add(name, value);
  return headers;
}

// 104 with a Location, the content, 104 with its length, and the content as the answer.
http::Awaitable<http::Response> receive(http::Request& request) {
  http::Response response;
  Status told = co_await request.body.send_interim(104, fields("Location", "/u/1"));
  const auto content = co_await request.body.read_all(kMiB);
  response.body = content ? *content : content.error().message();
  if (told) {
    told = co_await request.body.send_interim(
        104, fields("Upload-Offset", std::to_string(response.body.size())));
  }
  response.status = told && content ? 200 : 500;
  co_return response;
}

constexpr std::string_view kLocation =
    "HTTP/1.1 104 Upload Resumption Supported\r\nLocation: /u/1\r\n\r\n";
constexpr std::string_view kOffset3 =
    "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 3\r\n\r\n";

TEST(ServerInterim, IsSentAtOnceAndTheAnswerFollows) {
  TestServer server(receive);
  RawSocket socket = server.connect();
  for (int i = 0; i < 2; ++i) {  // the connection is kept
    socket.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(socket.read_head(), kLocation);
    socket.send("abc");
    EXPECT_EQ(socket.read_head(), kOffset3);
    const RawSocket::Reply reply = socket.read_reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "abc");
  }
}

TEST(ServerInterim, DoesNotStandInForContinue) {
  TestServer server(receive);
  RawSocket socket = server.connect();
  socket.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.read_head(), kLocation);
  EXPECT_EQ(socket.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("abc");
  EXPECT_EQ(socket.read_head(), kOffset3);
  EXPECT_EQ(socket.read_reply().body, "abc");
}

TEST(ServerInterim, IsNotForHttp10) {  // B19
  TestServer server(receive);
  const RawSocket::Reply reply = server.ask("PUT /x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "abc");
}

TEST(ServerInterim, AFieldCannotSplitItOrFrameIt) {
  TestServer server([](http::Request& request) -> http::Awaitable<http::Response> {
    http::Headers headers = fields("X-Bad", "a\r\n\r\nHTTP/1.1 200 OK");
    headers.add("X Bad", "name");
    headers.add("Content-Length", "99");
    headers.add("Connection", "close");
    headers.add("X-Good", "c");
    const Status told = co_await request.body.send_interim(103, headers);
    http::Response response;
    response.status = told ? 200 : 500;
    co_return response;
  });
  RawSocket socket = server.connect();
  socket.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(socket.read_head(), "HTTP/1.1 103 Early Hints\r\nX-Good: c\r\n\r\n");
  EXPECT_EQ(socket.read_reply().status, 200);
}

// Progress reports must not fail the upload of a client that reads nothing before it has sent all.
TEST(ServerInterim, APeerThatReadsNothingIsToldNothingMore) {
  constexpr int kReports = 20'000;
  std::promise<void> all_told;
  TestServer server([&all_told](http::Request& request) -> http::Awaitable<http::Response> {
    http::Response response;
    const http::Headers headers = fields("X-Long", std::string(1000, 'x'));
    for (int i = 0; i < kReports; ++i) {
      const Status told = co_await request.body.send_interim(104, headers);
      if (!told) response.status = 500;
    }
    all_told.set_value();
    co_return response;
  });
  RawSocket socket(server.port(), 4096);
  socket.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  all_told.get_future().wait();
  const std::string report =
      "HTTP/1.1 104 Upload Resumption Supported\r\nX-Long: " + std::string(1000, 'x') + "\r\n\r\n";
  int reports = 0;
  std::string head = socket.read_head();
  for (; head.starts_with("HTTP/1.1 104"); head = socket.read_head()) {
    ASSERT_EQ(head, report) << "none is sent in part";
    ++reports;
  }
  EXPECT_GT(reports, 0);
  EXPECT_LT(reports, kReports);
  EXPECT_THAT(head, HasSubstr("HTTP/1.1 200"));
}

TEST(ServerInterim, AFailedOneIsAnError) {
  std::promise<Errc> told;
  TestServer server([&told](http::Request& request) -> http::Awaitable<http::Response> {
    std::array<std::byte, 10> some{};
    while (co_await request.body.read_some(some)) {
    }
    const Status status = co_await request.body.send_interim(104, {});
    told.set_value(status ? Errc::kInternal : status.error().code());
    co_return http::Response();
  });
  RawSocket socket = server.connect();
  socket.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc");
  socket.reset();
  EXPECT_EQ(told.get_future().get(), Errc::kConnectionLost);
}

// A source that still tries while its answer is being sent.
class TalkativeSource final : public http::ContentSource {
 public:
  TalkativeSource(http::RequestBody& body, std::promise<Errc>& told) : body_(body), told_(told) {}
  std::optional<Slice> slice(std::uint64_t) const override { return std::nullopt; }
  http::Awaitable<Result<std::size_t>> read_some(std::uint64_t, std::span<std::byte> out) override {
    body_.interrupt();  // too late as well: the connection is kept
    const Status status = co_await body_.send_interim(104, {});
    told_.set_value(status ? Errc::kInternal : status.error().code());
    out[0] = std::byte{'x'};
    co_return std::size_t{1};
  }

 private:
  http::RequestBody& body_;
  std::promise<Errc>& told_;
};

TEST(ServerInterim, IsNeverMixedIntoTheAnswer) {
  std::promise<Errc> told;
  TestServer server([&told](http::Request& request) -> http::Awaitable<http::Response> {
    if (request.head.path != "/talk") co_return co_await echo(request);
    http::Response response;
    response.source = std::make_shared<TalkativeSource>(request.body, told);
    response.parts = {{"", {0, 1}}};
    co_return response;
  });
  RawSocket socket = server.connect();
  socket.send("GET /talk HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawSocket::Reply reply = socket.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "x");
  EXPECT_EQ(told.get_future().get(), Errc::kCancelled);
  socket.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
  socket.send("abc");
  EXPECT_EQ(socket.read_reply().body, "abc");
}

// Reads all and answers "before|after": what trailers() had at each time.
http::Awaitable<http::Response> trailers(http::Request& request) {
  const auto sum = [&] {
    return std::string(request.body.trailers().get("Upload-Checksum").value_or("-"));
  };
  std::array<std::byte, 100> some{};
  std::string before;
  for (;;) {
    before = sum();
    const auto n = co_await request.body.read_some(some);
    if (!n || *n == 0) break;
  }
  http::Response response;
  response.body = before + "|" + sum();
  co_return response;
}

TEST(ServerTrailers, AreThereAtTheEnd) {
  TestServer server(trailers);
  const std::string chunked = "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(
      server.ask(chunked + "3\r\nabc\r\n0\r\nX: y\r\nUpload-Checksum: sha1 AAAA\r\n\r\n").body,
      "-|sha1 AAAA");
  EXPECT_EQ(server.ask(chunked + "3\r\nabc\r\n0\r\n\r\n").body, "-|-");
  EXPECT_EQ(server.ask("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na").body, "-|-");
}

TEST(ServerTrailers, AreNotThereWhenTheContentIsCut) {
  TestServer server(trailers);
  RawSocket socket = server.connect();
  socket.send(
      "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\nUpload-Checksum: sha1 AAAA\r\nX: ");
  socket.shutdown_send();
  EXPECT_EQ(socket.read_reply().body, "-|-");
}

}  // namespace
}  // namespace strata::test
