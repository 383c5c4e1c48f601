#include "storage/client/push.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "strata/base/text.h"
#include "strata/digest/hasher.h"
#include "strata/http/message.h"
#include "tests/support/image_document.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temporary_directory.h"

// Uploading to a scripted server.
namespace strata::client {
namespace {

using test::kEvery;
using test::Peer;
using test::plain_response;
using test::ScriptedServer;
using ::testing::HasSubstr;

class Push : public testing::Test {
 protected:
  std::string make_file(const std::string& name, const std::string& content) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  static Endpoint endpoint_of(const ScriptedServer& server, std::stop_token stop = {}) {
    return {*http::Url::parse(server.url()), {}, std::move(stop)};
  }
  // Takes an upload as strata-storage does, then answers about `answer_about` (empty: the truth).
  ScriptedServer::Script storage(const std::string& answer_about = {}) {
    return [this, answer_about](Peer& peer) {
      const auto head = http::parse_request_head(peer.read_head(), Limits{});
      check(head.has_value(), "the client sent a bad request head");
      head_ = *head;
      peer.write("HTTP/1.1 100 Continue\r\n\r\n");
      body_ = peer.read_exactly(head_.framing.length);
      peer.write(plain_response(test::image_document(answer_about.empty() ? body_ : answer_about),
                                "201 Created", "Content-Type: application/json\r\n"));
      peer.read_to_end();
    };
  }

  test::TemporaryDirectory directory_;
  http::RequestHead head_;
  std::string body_;
};

TEST_F(Push, SendsTheFileAndWhatIsSaidOfIt) {
  const std::string content(3'000'001, 'x');
  const std::string path = make_file("disk.qcow2", content);
  const ScriptedServer server({storage()});
  PushOptions options;
  options.is_public = true;
  options.metadata = {{"os", "Debian"}, {"title", "a & b=c"}};
  options.tags = {"web", "ö"};
  options.expected.sha256 = digest::digest_of(content).sha256;
  std::uint64_t last = 0;
  const auto image =
      push(endpoint_of(server), path, options, [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_GE(done, last);
        EXPECT_EQ(total, content.size());
        last = done;
      });
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(last, content.size());
  EXPECT_TRUE(body_ == content);
  EXPECT_EQ(head_.method, "PUT");
  EXPECT_EQ(head_.path, "/v1/upload/disk.qcow2");
  EXPECT_TRUE(head_.expects_continue);
  EXPECT_EQ(head_.query_value("visibility"), "public");
  EXPECT_EQ(head_.query_value("os"), "Debian");
  EXPECT_EQ(head_.query_value("title"), "a & b=c");
  EXPECT_EQ(head_.query_value("tags"), "web,ö");
  EXPECT_EQ(head_.query_value("sha-256"), digest::digest_of(content).sha256.hex());
  EXPECT_EQ(image->stored, digest::digest_of(content));
  EXPECT_EQ(image->json, test::image_document(content)) << "the server's text, unchanged";
}

TEST_F(Push, NamesAreEncoded) {
  const ScriptedServer server({storage()});
  PushOptions options;
  options.name = "a/b?c#d %2f ä";
  ASSERT_TRUE(push(endpoint_of(server), make_file("x", "1"), options));
  EXPECT_EQ(head_.raw_path, "/v1/upload/a%2Fb%3Fc%23d%20%252f%20%C3%A4");
}

TEST_F(Push, AnEmptyFile) {
  const ScriptedServer server({storage()});
  const auto image = push(endpoint_of(server), make_file("empty", ""), {});
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->stored.bytes, 0U);
}

TEST_F(Push, AServerThatStoredOtherBytesIsFoundOut) {
  const std::string path = make_file("disk", "the bytes");
  for (const char* other : {"the bYtes", "the bytes and more"}) {
    const ScriptedServer server({storage(other)});
    const auto image = push(endpoint_of(server), path, {});
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code(), Errc::kVerification) << image.error().message();
  }
  PushOptions trusting;
  trusting.verify = false;
  const ScriptedServer same_size({storage("the bYtes")});
  EXPECT_TRUE(push(endpoint_of(same_size), path, trusting));
  const ScriptedServer other_size({storage("the bytes and more")});
  EXPECT_FALSE(push(endpoint_of(other_size), path, trusting))
      << "the size costs nothing to compare";
}

TEST_F(Push, ARefusalComesBackAsItself) {
  const ScriptedServer server({[](Peer& peer) {
    peer.read_head();
    peer.write(plain_response(R"({"type":"too-large","detail":"at most 5 bytes"})", "413 Too Large",
                              "Content-Type: application/problem+json\r\n"));
    peer.read_to_end();
  }});
  const auto image = push(endpoint_of(server), make_file("disk", "the bytes"), {});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code(), Errc::kTooLarge);
  EXPECT_EQ(image.error().detail(), "at most 5 bytes");
}

TEST_F(Push, WhatIsWrongHereReachesNoServer) {
  const ScriptedServer server({storage()});
  EXPECT_EQ(push(endpoint_of(server), directory_.path() + "/none", {}).error().code(),
            Errc::kNotFound);
  PushOptions comma;
  comma.tags = {"a,b"};
  EXPECT_EQ(push(endpoint_of(server), make_file("x", "1"), comma).error().code(), Errc::kUsage);
  EXPECT_EQ(push(endpoint_of(server), directory_.path(), {}).error().code(), Errc::kUsage);
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(Push, StopEndsIt) {
  std::stop_source stop;
  const ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    stop.request_stop();
    peer.read_to_end();
  }});
  const auto image =
      push(endpoint_of(server, stop.get_token()), make_file("disk", std::string(100, 'x')), {});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code(), Errc::kCancelled);
}

}  // namespace
}  // namespace strata::client
