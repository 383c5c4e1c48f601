// A newer request of an upload takes it from an older one that hangs (a client that lost its
// network comes back before its old connection has timed out): never 423, never 404, and what the
// old one had sent counts.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/upload_daemon.h"

namespace strata::test {
namespace {

class UploadTakeoverTest : public UploadDaemonTest {
 protected:
  static Fields ietf_fields(std::uint64_t offset, bool complete) {
    return {{"Content-Type", "application/partial-upload"},
            {"Upload-Offset", std::to_string(offset)},
            {"Upload-Complete", complete ? "?1" : "?0"}};
  }
  const std::string bytes_ = pattern(2'000'000);
  const std::string_view all_ = bytes_;
};

TEST_F(UploadTakeoverTest, HeadInterruptsAPatchThatHangs) {
  start();
  const std::string location = tus_create({{"Upload-Length", "2000000"}});
  RawSocket old = hang("PATCH", location, chunk_fields(0), all_.substr(0, 700'000), 2'000'000);
  wait_for_bytes(700'000);
  const auto begin = std::chrono::steady_clock::now();
  const Reply shown = tus("HEAD", location);
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.field("Upload-Offset"), "700000");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  const Reply cut = final_reply(old);
  EXPECT_EQ(cut.status, 409) << cut.body;
  EXPECT_EQ(cut.field("Upload-Offset"), "700000");
  EXPECT_EQ(cut.field("Connection"), "close");
  EXPECT_EQ(old.read_to_end(), "");
  const Reply done = tus_patch(location, 700'000, all_.substr(700'000));
  ASSERT_EQ(done.status, 204) << done.body;
  EXPECT_TRUE(image_bytes(done.field("Strata-Image")) == bytes_);
}

// What the old one sends afterwards counts for nothing.
TEST_F(UploadTakeoverTest, ANewerPatchTakesOver) {
  start();
  const std::string location = tus_create({{"Upload-Length", "2000000"}});
  RawSocket old = hang("PATCH", location, chunk_fields(0), all_.substr(0, 700'000), 2'000'000);
  wait_for_bytes(700'000);
  // At the offset that only the interruption makes true.
  RawSocket newer =
      hang("PATCH", location, chunk_fields(700'000), all_.substr(700'000, 300'000), 1'300'000);
  const Reply cut = final_reply(old);
  EXPECT_EQ(cut.status, 409) << cut.body;
  (void)old.send(pattern(100'000, 2));
  wait_for_bytes(1'000'000);
  EXPECT_TRUE(newer.send(all_.substr(1'000'000)));
  const Reply done = final_reply(newer);
  ASSERT_EQ(done.status, 204) << done.body;
  EXPECT_TRUE(image_bytes(done.field("Strata-Image")) == bytes_);
}

// At an offset that was true before: the old one still gives way, and the answer says where to go
// on.
TEST_F(UploadTakeoverTest, ANewerPatchAtAnOldOffsetIsToldTheNewOne) {
  start();
  const std::string location = tus_create({{"Upload-Length", "2000000"}});
  RawSocket old = hang("PATCH", location, chunk_fields(0), all_.substr(0, 700'000), 2'000'000);
  wait_for_bytes(700'000);
  const Reply newer = tus_patch(location, 0, all_);
  EXPECT_EQ(newer.status, 409);
  EXPECT_EQ(newer.field("Upload-Offset"), "700000");
  EXPECT_EQ(final_reply(old).status, 409);
  EXPECT_EQ(tus_patch(location, 700'000, all_.substr(700'000)).status, 204);
}

TEST_F(UploadTakeoverTest, DeleteInterruptsToo) {
  start();
  const std::string location = tus_create({{"Upload-Length", "2000000"}});
  RawSocket old = hang("PATCH", location, chunk_fields(0), all_.substr(0, 700'000), 2'000'000);
  wait_for_bytes(700'000);
  EXPECT_EQ(tus("DELETE", location).status, 204);
  const Reply cut = final_reply(old);
  EXPECT_TRUE(cut.status == 409 || cut.status == 410) << cut.head;
  EXPECT_EQ(tus("HEAD", location).status, 404);
}

TEST_F(UploadTakeoverTest, TheIetfProtocolTakesOverAsWell) {
  start();
  const std::string location = ietf_create({{"Upload-Length", "2000000"}});
  RawSocket old = hang("PATCH", location, ietf_fields(0, true), all_.substr(0, 700'000), 2'000'000);
  wait_for_bytes(700'000);
  const Reply shown = ask("HEAD", location, {});
  EXPECT_EQ(shown.status, 204);
  EXPECT_EQ(shown.field("Upload-Offset"), "700000");
  EXPECT_EQ(shown.field("Upload-Complete"), "?0");
  const Reply cut = final_reply(old);
  EXPECT_EQ(cut.status, 409) << cut.body;
  RawSocket second =
      hang("PATCH", location, ietf_fields(700'000, false), all_.substr(700'000, 300'000), 500'000);
  wait_for_bytes(1'000'000);
  const Reply done = ietf_patch(location, 1'000'000, true, all_.substr(1'000'000));
  ASSERT_EQ(done.status, 201) << done.body;
  EXPECT_EQ(final_reply(second).status, 409);
  EXPECT_TRUE(image_bytes(done.field("Strata-Image")) == bytes_);
}

// Checked bytes are believed only as a whole: a chunk that is cut leaves the offset where it was.
TEST_F(UploadTakeoverTest, APartOfACheckedChunkIsNotKept) {
  start();
  const std::string location = tus_create({{"Upload-Length", "2000000"}});
  EXPECT_EQ(tus_patch(location, 0, all_.substr(0, 100)).status, 204);
  RawSocket old =
      hang("PATCH", location,
           chunk_fields(100, {{"Upload-Checksum", "sha1 " + base64(std::string(20, 'x'))}}),
           all_.substr(100, 700'000), 1'000'000);
  wait_for_bytes(700'100);
  EXPECT_EQ(tus("HEAD", location).field("Upload-Offset"), "100");
  EXPECT_EQ(final_reply(old).status, 409);
  const Reply done = tus_patch(location, 100, all_.substr(100));
  ASSERT_EQ(done.status, 204) << done.body;
  EXPECT_TRUE(image_bytes(done.field("Strata-Image")) == bytes_);
}

// A connection that breaks is no takeover: its bytes are kept, as far as they came.
TEST_F(UploadTakeoverTest, ABrokenBodyIsKeptAsFarAsItCame) {
  start();
  for (const bool reset : {false, true}) {
    const std::string location = tus_create({{"Upload-Length", "2000000"}});
    const std::uint64_t before = reset ? 700'000 : 0;
    {
      RawSocket old = hang("PATCH", location, chunk_fields(0), all_.substr(0, 700'000), 2'000'000);
      wait_for_bytes(before + 700'000);
      if (reset) {
        old.reset();
      } else {
        old.shutdown_send();
        EXPECT_EQ(final_reply(old).status, 503);  // clients try 5xx again
      }
    }
    EXPECT_EQ(tus("HEAD", location).field("Upload-Offset"), "700000");
  }
}

// Many at once: each gets an answer, none of them 423 or 404, and the bytes are right at the end.
TEST_F(UploadTakeoverTest, AStormOfRequestsEndsWithTheRightBytes) {
  start();
  const std::string location = tus_create({{"Upload-Length", "2000000"}});
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const Reply shown = tus("HEAD", location);
        // 503: a still newer one came meanwhile. Never 4xx, after which clients begin again.
        ASSERT_TRUE(shown.status == 200 || shown.status == 503) << shown.head;
        if (shown.status != 200) continue;
        const auto offset = std::strtoull(shown.field("Upload-Offset").c_str(), nullptr, 10);
        const std::size_t size =
            1 + static_cast<std::size_t>((i * 7919 + round * 104'729) % 40'000);
        const Reply sent = tus_patch(location, offset, all_.substr(offset, size));
        // 410: somebody else has sent the last byte.
        ASSERT_TRUE(sent.status == 204 || sent.status == 409 || sent.status == 410) << sent.head;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  const Reply shown = tus("HEAD", location);
  const auto offset = std::strtoull(shown.field("Upload-Offset").c_str(), nullptr, 10);
  EXPECT_GT(offset, 0u);
  const Reply done = tus_patch(location, offset, all_.substr(offset));
  ASSERT_EQ(done.status, 204) << done.head;
  EXPECT_TRUE(image_bytes(done.field("Strata-Image")) == bytes_);
}

}  // namespace
}  // namespace strata::test
