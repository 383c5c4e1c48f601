// Content of responses: files by sendfile, parts, sources, and sources that fail (B12).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/support/test_server.h"

namespace strata::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGet10 = "GET / HTTP/1.0\r\n\r\n";

std::string random_text(std::size_t size) {
  std::mt19937_64 random(size);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

class ServerContent : public testing::Test {
 protected:
  ServerContent() : content_(random_text(5'000'003)) { write(content_); }
  void write(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  // A server that answers with these parts of the file.
  std::unique_ptr<TestServer> serve(std::vector<http::ContentPart> parts,
                                    const Limits& limits = {}) {
    return std::make_unique<TestServer>(
        [this, parts](http::Request&) -> http::Awaitable<http::Response> {
          http::Response response;
          response.source = std::make_shared<FileSource>(path_);
          response.parts = parts;
          co_return response;
        },
        limits);
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/content";
  std::string content_;
};

TEST_F(ServerContent, RangesOfEverySizeArriveWhole) {
  const std::uint64_t size = content_.size();
  const http::ByteRange ranges[] = {{0, 1},         {size - 1, 1},      {4095, 4097},
                                    {1, 32 * kKiB}, {7, 32 * kKiB + 1}, {0, 64 * kKiB},
                                    {5, kMiB},      {3, 2 * kMiB + 17}, {0, size}};
  for (const http::ByteRange& range : ranges) {
    const auto server = serve({{"", range}});
    RawSocket socket = server->connect();
    for (int i = 0; i < 2; ++i) {
      socket.send(kGet);
      const RawSocket::Reply reply = socket.read_reply();
      EXPECT_EQ(reply.body.size(), range.length);
      EXPECT_TRUE(reply.body == content_.substr(range.first, range.length)) << range.first;
    }
  }
}

TEST_F(ServerContent, WhatIsNotCachedIsReadByTheDiskPool) {
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  for (const std::uint64_t length : {std::uint64_t{1000}, std::uint64_t{content_.size()}}) {
    ::fdatasync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    const auto server = serve({{"", {0, length}}});
    EXPECT_TRUE(server->ask(kGet).body == content_.substr(0, length));
  }
  ::close(file);
}

TEST_F(ServerContent, PartsAndTheirTextsArriveInOrder) {
  std::vector<http::ContentPart> parts;
  std::string expected;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const http::ByteRange range{i * 1000, i % 7 == 0 ? 100'000 : 1 + i};
    parts.push_back({"--part " + std::to_string(i) + "\r\n", range});
    expected += parts.back().text + content_.substr(range.first, range.length);
  }
  parts.push_back({"--end\r\n", {0, 0}});
  expected += "--end\r\n";
  const auto server = serve(parts);
  const RawSocket::Reply reply = server->ask(kGet);
  EXPECT_EQ(reply.field("Content-Length"), std::to_string(expected.size()));
  EXPECT_TRUE(reply.body == expected);
}

TEST_F(ServerContent, HeadAndFirstBytesLeaveInOneWrite) {
  for (const std::uint64_t length : {std::uint64_t{100}, std::uint64_t{kMiB}}) {
    const auto server = serve({{"", {0, length}}});
    RawSocket socket = server->connect();
    socket.send(kGet);
    const auto first = socket.receive();
    ASSERT_TRUE(first);
    const std::size_t head = first->find("\r\n\r\n");
    ASSERT_NE(head, std::string::npos);
    EXPECT_GE(first->size() - head - 4, std::min<std::uint64_t>(length, 1024));
  }
}

TEST_F(ServerContent, HeadOfASourceSendsItsLengthOnly) {
  const auto server = serve({{"", {0, 1000}}});
  RawSocket socket = server->connect();
  socket.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(socket.read_reply(true).field("Content-Length"), "1000");
  socket.send(kGet);
  EXPECT_EQ(socket.read_reply().body, content_.substr(0, 1000));
}

TEST_F(ServerContent, AFileCutShortWhileItIsServedNeverLooksComplete) {
  const std::string large = random_text(32 * kMiB);
  write(large);
  const auto server = serve({{"", {0, large.size()}}});
  RawSocket socket(server->port(), 4096);  // the server cannot send it all at once
  socket.send(kGet);
  ASSERT_THAT(socket.read_head(), testing::HasSubstr("Content-Length: 33554432"));
  ASSERT_EQ(::truncate(path_.c_str(), 100'000), 0);
  EXPECT_LT(socket.read_to_end().size(), large.size());
}

TEST_F(ServerContent, AClientThatGoesAwayDoesNotEndTheServer) {
  write(random_text(32 * kMiB));
  const auto server = serve({{"", {0, 32 * kMiB}}});
  for (int i = 0; i < 20; ++i) {
    RawSocket socket(server->port(), 4096);
    socket.send(kGet);
    socket.read_head();
    if (i % 2 == 0) socket.reset();
  }
  RawSocket last = server->connect();
  last.send(kGet);
  EXPECT_EQ(last.read_reply(true).status, 200);
}

TEST_F(ServerContent, AFileTooShortFromTheStartIsAProblem) {
  const auto server = serve({{"", {content_.size() - 10, 1000}}});
  const RawSocket::Reply reply = server->ask(kGet);
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, testing::HasSubstr(reply.field("X-Request-Id")));
}

std::unique_ptr<TestServer> serve_text(const std::string& text, bool until_end,
                                       std::size_t fail_at = std::string::npos) {
  return std::make_unique<TestServer>([=](http::Request&) -> http::Awaitable<http::Response> {
    http::Response response;
    response.source = std::make_shared<TextSource>(text, 7000, fail_at);
    response.until_end = until_end;
    if (!until_end) response.parts = {{"", {0, text.size()}}};
    co_return response;
  });
}

// The content of a chunked body, "" when it does not end as it should.
std::string unchunk(const std::string& wire) {
  const Limits limits;
  http::ChunkedDecoder decoder(limits);
  std::string text;
  for (std::size_t at = 0; at < wire.size();) {
    const auto step = decoder.step(std::string_view(wire).substr(at));
    if (!step) return "";
    text += step->data;
    at += step->consumed;
    if (step->done) return at == wire.size() ? text : "";
  }
  return "";
}

TEST(ServerSource, IsSentWithItsLength) {
  const std::string text = random_text(300'000);
  EXPECT_TRUE(serve_text(text, false)->ask(kGet).body == text);
}

TEST(ServerSource, OfUnknownLengthIsChunkedOrClosed) {
  const std::string text = random_text(300'000);
  const auto server = serve_text(text, true);
  RawSocket socket = server->connect();
  socket.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const RawSocket::Reply reply = socket.read_reply();
  EXPECT_EQ(reply.field("Transfer-Encoding"), "chunked");
  EXPECT_EQ(reply.field("Content-Length"), "");
  EXPECT_TRUE(unchunk(socket.read_to_end()) == text);
  RawSocket old = server->connect();
  old.send(kGet10);
  EXPECT_EQ(old.read_reply().field("Transfer-Encoding"), "");
  EXPECT_TRUE(old.read_to_end() == text);
}

TEST(ServerSource, OfUnknownLengthMayBeEmpty) {
  const auto server = serve_text("", true);
  RawSocket socket = server->connect();
  socket.send(kGet);
  socket.read_reply();
  EXPECT_EQ(socket.read_exactly(5), "0\r\n\r\n");
}

TEST(ServerSource, ThatFailsBeforeItsFirstByteIsAProblem) {
  for (const bool until_end : {true, false}) {
    const RawSocket::Reply reply = serve_text(std::string(9, 'a'), until_end, 0)->ask(kGet);
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.field("Transfer-Encoding"), "");
  }
}

TEST(ServerSource, ThatFailsLaterNeverLooksComplete) {
  const std::string text = random_text(300'000);
  const auto sized = serve_text(text, false, 100'000);
  RawSocket socket = sized->connect();
  socket.send(kGet);
  EXPECT_LT(socket.read_reply().body.size(), text.size());
  const auto open_ended = serve_text(text, true, 100'000);
  RawSocket chunked = open_ended->connect();
  chunked.send(kGet);
  chunked.read_head();
  EXPECT_EQ(unchunk(chunked.read_to_end()), "");
  RawSocket old = open_ended->connect();  // only a reset tells this client
  old.send(kGet10);
  old.read_head();
  EXPECT_FALSE(old.closed_cleanly());
}

}  // namespace
}  // namespace strata::test
