// B34 (peers.md §5.3): deletion at every moment behind the last byte of an upload. Either its image
// is there with all its bytes, or it never was; nothing of it stays on the disk beside.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/support/tool.h"
#include "tests/support/upload_daemon.h"

namespace strata::test {
namespace {

class UploadDeletionTest : public UploadDaemonTest {
 protected:
  // Bytes that belong to no image.
  [[nodiscard]] std::size_t staged() const {
    std::size_t files = 0;
    for (const auto& each : std::filesystem::directory_iterator(config.data + "/store/staging")) {
      if (each.is_regular_file()) ++files;
    }
    return files;
  }
  // What became of the upload whose deletion is answered; `last` answered its last byte.
  void expect_all_or_nothing(const Reply& last, const std::string& location,
                             const std::string& bytes) {
    EXPECT_TRUE(last.status == 204 || last.status == 404 || last.status == 409 ||
                last.status == 410 || last.status == 503)
        << last.head << last.body;
    EXPECT_EQ(tus("HEAD", location).status, 404);
    const std::size_t images = image_count();
    EXPECT_LE(images, images_ + 1);
    if (const std::string image = last.field("Strata-Image"); !image.empty()) {
      EXPECT_EQ(images, images_ + 1);
      EXPECT_TRUE(image_bytes(image) == bytes);
    }
    images_ = images;
  }
  std::size_t images_ = 0;
};

TEST_F(UploadDeletionTest, B34DuringVerification) {
  start();
  const std::string bytes = run_tool("head -c 3M /dev/urandom | xz -0");
  for (int round = 0; round < 30; ++round) {
    const std::string location = tus_create({{"Upload-Length", std::to_string(bytes.size())}});
    RawSocket client = hang("PATCH", location, chunk_fields(0), bytes, bytes.size());
    std::this_thread::sleep_for(std::chrono::microseconds(700 * round));
    EXPECT_EQ(tus("DELETE", location).status, 204) << round;
    expect_all_or_nothing(final_reply(client), location, bytes);
  }
  EXPECT_EQ(staged(), 0u);
  start();
  EXPECT_EQ(image_count(), images_);  // also for the one who comes after a restart
}

TEST_F(UploadDeletionTest, B34DuringConcatenation) {
  start();
  const std::string bytes = pattern(6 << 20);
  const std::string_view all = bytes;
  const std::size_t third = bytes.size() / 3;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> parts;
    std::string list = "final;";
    for (int i = 0; i < 3; ++i) {
      parts.push_back(
          tus_create({{"Upload-Concat", "partial"}, {"Upload-Length", std::to_string(third)}}));
      list += parts.back() + " ";
    }
    EXPECT_EQ(tus_patch(parts[0], 0, all.substr(0, third)).status, 204);
    EXPECT_EQ(tus_patch(parts[2], 0, all.substr(2 * third)).status, 204);
    const std::string whole = tus_create({{"Upload-Concat", list}});
    // The part that was waited for: the rest is copied, verified and published while it is deleted.
    RawSocket client = hang("PATCH", parts[1], chunk_fields(0), all.substr(third, third), third);
    std::this_thread::sleep_for(std::chrono::microseconds(900 * round));
    EXPECT_EQ(tus("DELETE", whole).status, 204) << round;
    expect_all_or_nothing(final_reply(client), whole, bytes);
    for (const std::string& part : parts) EXPECT_EQ(tus("HEAD", part).status, 404) << round;
  }
  EXPECT_EQ(staged(), 0u);
  start();
  EXPECT_EQ(image_count(), images_);
}

// Who has begun to read an image gets it whole, whatever is deleted meanwhile.
TEST_F(UploadDeletionTest, B34DuringDownload) {
  start();
  const std::string bytes = pattern(8 << 20);
  const std::string location = tus_create({{"Upload-Length", std::to_string(bytes.size())}});
  const std::string image = tus_patch(location, 0, bytes).field("Strata-Image");
  ASSERT_NE(image, "");
  RawSocket slow = connect(4096);
  slow.send(head("GET", "/v1/images/" + image + "/content", {}));
  EXPECT_NE(slow.read_head().find(" 200 "), std::string::npos);
  EXPECT_EQ(tus("DELETE", location).status, 204);
  EXPECT_EQ(ask("DELETE", "/v1/images/" + image, {}).status, 204);
  EXPECT_EQ(ask("GET", "/v1/images/" + image + "/content", {}).status, 404);
  EXPECT_TRUE(slow.read_exactly(bytes.size()) == bytes);
}

}  // namespace
}  // namespace strata::test
