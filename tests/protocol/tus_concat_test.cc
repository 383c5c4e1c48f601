// Concatenation of tus 1.0.0: parts that are uploaded side by side become one image.
#include <gtest/gtest.h>

#include "strata/digest/hasher.h"
#include "tests/support/tool.h"
#include "tests/support/upload_daemon.h"

namespace strata::test {
namespace {

class TusConcatTest : public UploadDaemonTest {
 protected:
  std::string part(std::size_t length) const {
    return tus_create({{"Upload-Concat", "partial"}, {"Upload-Length", std::to_string(length)}});
  }
  std::string whole_part(std::string_view bytes) const {
    std::string location = part(bytes.size());
    const Reply reply = tus_patch(location, 0, bytes);
    EXPECT_EQ(reply.status, 204) << reply.body;
    EXPECT_EQ(reply.field("Strata-Image"), "");  // a part is no image
    return location;
  }
  Reply join(const std::vector<std::string>& parts, Fields fields = {}) const {
    std::string list = "final;";
    for (const std::string& location : parts) list += location + " ";
    fields.emplace_back("Upload-Concat", list);
    return tus("POST", "/v1/uploads", std::move(fields));
  }
};

TEST_F(TusConcatTest, WholePartsBecomeOneImage) {
  start();
  const std::string bytes = pattern(5'000'000);
  const std::string_view all = bytes;
  const std::string third = whole_part(all.substr(3'000'000));  // in any order
  const std::string first = whole_part(all.substr(0, 1'234'567));
  const std::string second = whole_part(all.substr(1'234'567, 3'000'000 - 1'234'567));
  EXPECT_EQ(tus("HEAD", first).field("Upload-Concat"), "partial");
  EXPECT_EQ(tus("HEAD", first).field("Upload-Offset"), "1234567");
  EXPECT_EQ(image_count(), 0u);

  // One by its path, the others by URL; with metadata of its own.
  const Reply made = join({first, second.substr(url().size()), third},
                          {{"Upload-Metadata", "filename " + base64("joined.img")}});
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string image = made.field("Strata-Image");
  EXPECT_TRUE(image_bytes(image) == bytes);
  EXPECT_NE(ask("GET", "/v1/images/" + image, {}).body.find("\"joined.img\""), std::string::npos);
  EXPECT_EQ(image_count(), 1u);

  const Reply shown = tus("HEAD", made.field("Location"));
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.field("Upload-Offset"), "5000000");
  EXPECT_EQ(shown.field("Upload-Length"), "5000000");
  EXPECT_TRUE(shown.field("Upload-Concat").starts_with("final;" + first)) << shown.head;
}

// The other protocol has no words for a part, nor for what is still being joined.
TEST_F(TusConcatTest, TheIetfProtocolDoesNotSpeakOfParts) {
  start();
  const std::string first = part(5);
  const Reply whole = join({first});
  for (const std::string& location : {first, whole.field("Location")}) {
    const Reply head = ask("HEAD", location, {{"Upload-Draft-Interop-Version", "8"}});
    EXPECT_EQ(head.status, 409) << head.head;
    EXPECT_EQ(head.field("Upload-Offset"), "");
    const Reply refused = ask("PATCH", location,
                              {{"Upload-Complete", "?1"},
                               {"Upload-Offset", "0"},
                               {"Content-Type", "application/partial-upload"}},
                              "01234");
    EXPECT_EQ(refused.status, 409) << refused.body;
    EXPECT_NE(refused.body.find("Tus-Resumable"), std::string::npos) << refused.body;
  }
  EXPECT_EQ(tus("HEAD", first).field("Upload-Offset"), "0");
  EXPECT_EQ(tus_patch(first, 0, "01234").status, 204);
  EXPECT_EQ(settled_state(whole.field("Location")), "complete");
  EXPECT_EQ(image_count(), 1u);
}

TEST_F(TusConcatTest, AConcatenationTakesNoBytesAndNoLength) {
  start();
  const std::string first = part(5);
  const Reply made = join({first});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(tus_patch(made.field("Location"), 0, "01234").status, 403);
  EXPECT_EQ(tus_patch(first, 0, "01234").status, 204);
  EXPECT_EQ(settled_state(made.field("Location")), "complete");
  EXPECT_EQ(tus_patch(made.field("Location"), 5, "x").status, 403);

  const std::string other = whole_part("abc");
  EXPECT_EQ(join({other}, {{"Upload-Length", "3"}}).status, 400);
  EXPECT_EQ(join({other}, {{"Upload-Defer-Length", "1"}}).status, 400);
  const Reply carrying = tus(
      "POST", "/v1/uploads",
      {{"Upload-Concat", "final;" + other}, {"Content-Type", "application/offset+octet-stream"}},
      "x");
  EXPECT_EQ(carrying.status, 403);
  EXPECT_EQ(join({other}).status, 201);  // none of these has taken the part
}

// concatenation-unfinished: no Upload-Offset until all is there, then offset and length.
TEST_F(TusConcatTest, PartsMayStillBeOnTheirWay) {
  start();
  const std::string bytes = pattern(3'000'000);
  const std::string_view all = bytes;
  const std::string first = part(1'000'000);
  const std::string second =
      tus_create({{"Upload-Concat", "partial"}, {"Upload-Defer-Length", "1"}});
  const Reply made = join({first, second});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.field("Strata-Image"), "");
  const std::string location = made.field("Location");
  const auto expect_unfinished = [&] {
    const Reply shown = tus("HEAD", location);
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(shown.field("Upload-Offset"), "") << shown.head;
    EXPECT_EQ(shown.field("Upload-Length"), "");
    EXPECT_NE(shown.field("Upload-Concat"), "");
    EXPECT_EQ(shown.field("Cache-Control"), "no-store");
  };
  expect_unfinished();
  EXPECT_EQ(tus_patch(second, 0, all.substr(1'000'000, 500'000)).status, 204);
  EXPECT_EQ(tus_patch(first, 0, all.substr(0, 1'000'000)).status, 204);
  expect_unfinished();
  start();  // and goes on in another process
  const auto here = [](const std::string& old) { return old.substr(old.find("/v1/")); };
  const Reply last =
      tus_patch(here(second), 500'000, all.substr(1'500'000), {{"Upload-Length", "2000000"}});
  EXPECT_EQ(last.status, 204) << last.body;
  ASSERT_EQ(settled_state(here(location)), "complete");
  const Reply shown = tus("HEAD", here(location));
  EXPECT_EQ(shown.field("Upload-Offset"), "3000000");
  EXPECT_EQ(shown.field("Upload-Length"), "3000000");
  EXPECT_TRUE(image_bytes(shown.field("Strata-Image")) == bytes);
}

// The parts' order says what the image is, also where it is encoded and parts cut a block.
TEST_F(TusConcatTest, AnEncodedWholeIsDecodedAndChecked) {
  start();
  const std::string stored = run_tool("head -c 4M /dev/urandom | xz -0 --block-size=1MiB");
  const std::size_t half = stored.size() / 2 + 1;
  const std::string sum = digest::digest_of(stored).sha512.hex();
  const auto two = [&] {
    return std::vector{whole_part(std::string_view(stored).substr(0, half)),
                       whole_part(std::string_view(stored).substr(half))};
  };
  const Reply made = join(two(), {{"Upload-Metadata", "sha-512 " + base64(sum)}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(image_bytes(made.field("Strata-Image")) == stored);
  auto turned = two();
  std::swap(turned[0], turned[1]);
  const Reply wrong = join(turned, {{"Upload-Metadata", "sha-512 " + base64(sum)}});
  EXPECT_EQ(wrong.status, 422) << wrong.body;
  EXPECT_EQ(image_count(), 1u);
}

TEST_F(TusConcatTest, TerminationOfTheWholeFreesItsParts) {
  config.limits.open_uploads_per_user = 3;
  start();
  for (int round = 0; round < 3; ++round) {
    const std::string first = part(5);
    const std::string second = whole_part("abc");
    const Reply made = join({first, second});
    ASSERT_EQ(made.status, 201) << round << made.body;
    EXPECT_EQ(tus("DELETE", first).status, 409);  // belongs to the whole
    EXPECT_EQ(tus("DELETE", made.field("Location")).status, 204);
    for (const std::string& location : {first, second, made.field("Location")}) {
      EXPECT_EQ(tus("HEAD", location).status, 404);
    }
  }
  EXPECT_EQ(image_count(), 0u);
}

}  // namespace
}  // namespace strata::test
