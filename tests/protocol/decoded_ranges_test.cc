// Ranges of the decoded view of encoded images, and its extents, as clients see them.
#include <boost/json.hpp>

#include "strata/digest/hasher.h"
#include "strata/http/digest_fields.h"
#include "tests/support/tool.h"
#include "tests/support/upload_daemon.h"

namespace strata::test {
namespace {

namespace json = boost::json;

constexpr std::size_t kDataBytes = 3 << 20;
constexpr std::size_t kZeroBytes = 6 << 20;

class DecodedRangesTest : public UploadDaemonTest {
 protected:
  // The path of the image.
  std::string upload(const std::string& name, const std::string& bytes) const {
    const Reply made = ask("PUT", "/v1/upload/" + name + "?visibility=public", {}, bytes);
    EXPECT_EQ(made.status, 201) << made.body;
    return "/v1/images/" + std::string(json::parse(made.body).at("id").as_string());
  }
  [[nodiscard]] Reply ranged(const std::string& image, const std::string& range,
                             Fields more = {}) const {
    more.emplace_back("Range", "bytes=" + range);
    return ask("GET", image + "/decoded", std::move(more));
  }
  static std::string extent(std::size_t start, std::size_t length, bool zero) {
    return R"({"start":)" + std::to_string(start) + R"(,"length":)" + std::to_string(length) +
           R"(,"zero":)" + (zero ? "true}" : "false}");
  }
  static std::string page(const std::vector<std::string>& extents) {
    std::string text = "{\"extents\":[";
    for (const std::string& one : extents) text += (text.back() == '[' ? "" : ",") + one;
    return text + "]}";
  }

  // Data without zeros at its ends, zeros, data.
  const std::string plain_ =
      pattern(kDataBytes) + std::string(kZeroBytes, '\0') + pattern(kDataBytes, 2);
};

struct Encoder {
  const char* command;
  const char* suffix;
};
const Encoder kEncoders[] = {{"gzip -1", ".gz"},
                             {"xz -0", ".xz"},
                             {"xz -0 -T2 --block-size=1MiB", ".xz"},
                             {"zstd -q -1", ".zst"}};

TEST_F(DecodedRangesTest, RangesOfEveryEncoding) {
  start();
  for (const Encoder& encoder : kEncoders) {
    SCOPED_TRACE(encoder.command);
    const std::string image =
        upload(std::string("disk.img") + encoder.suffix, run_tool(encoder.command, plain_));
    const std::size_t size = plain_.size();
    for (const auto& [first, length] : {std::pair<std::size_t, std::size_t>{0, 1},
                                        {1000, 70'000},
                                        {kDataBytes - 5, 10},
                                        {kDataBytes + 77, 4096},
                                        {kDataBytes - 100'000, kZeroBytes + 200'000},
                                        {size - 1, 1},
                                        {0, size}}) {
      const Reply part =
          ranged(image, std::to_string(first) + "-" + std::to_string(first + length - 1));
      EXPECT_EQ(part.status, 206);
      EXPECT_TRUE(part.body == plain_.substr(first, length)) << first << " + " << length;
      EXPECT_EQ(part.field("Content-Range"), "bytes " + std::to_string(first) + "-" +
                                                 std::to_string(first + length - 1) + "/" +
                                                 std::to_string(size));
    }
    EXPECT_EQ(ranged(image, "-5").body, plain_.substr(size - 5));
    EXPECT_EQ(ranged(image, std::to_string(size) + "-").status, 416);
    const Reply whole = ask("GET", image + "/decoded", {});
    EXPECT_EQ(whole.status, 200);
    EXPECT_TRUE(whole.body == plain_);
  }
}

TEST_F(DecodedRangesTest, SeveralRangesAreOneMultipart) {
  start();
  const std::string image = upload("disk.img.gz", run_tool("gzip -1", plain_));
  const Reply parts = ranged(image, "5000000-5000009,10-19,-4");
  EXPECT_EQ(parts.status, 206);
  EXPECT_TRUE(parts.field("Content-Type").starts_with("multipart/byteranges; boundary="));
  std::size_t at = 0;
  for (const auto& [range, bytes] :
       {std::pair{"5000000-5000009", plain_.substr(5'000'000, 10)},
        std::pair{"10-19", plain_.substr(10, 10)},
        std::pair{"12582908-12582911", plain_.substr(plain_.size() - 4)}}) {
    at =
        parts.body.find("bytes " + std::string(range) + "/12582912\r\n\r\n" + bytes + "\r\n--", at);
    ASSERT_NE(at, std::string::npos) << range;
  }
}

TEST_F(DecodedRangesTest, TheViewHasItsOwnValidators) {
  start();
  const std::string image = upload("disk.img.xz", run_tool("xz -0", plain_));
  const auto digests = digest::digest_of(plain_);
  const Reply head = ask("HEAD", image + "/decoded", {});
  const std::string etag = "\"decoded-sha256:" + digests.sha256.hex() + "\"";
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("ETag"), etag);
  EXPECT_EQ(head.field("Accept-Ranges"), "bytes");
  EXPECT_EQ(head.field("Content-Length"), std::to_string(plain_.size()));
  EXPECT_EQ(head.field("Repr-Digest"), http::repr_digest(digests));

  const Reply part = ranged(image, "0-9", {{"If-Range", etag}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.field("Repr-Digest"), http::repr_digest(digests));  // of the whole view
  const std::string other = ask("HEAD", image + "/content", {}).field("ETag");
  EXPECT_NE(other, etag);
  EXPECT_EQ(ranged(image, "0-9", {{"If-Range", other}}).status, 200);
  EXPECT_EQ(ranged(image, "0-9", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(ranged(image, "0-9", {{"If-Match", other}}).status, 412);
}

// HEAD and 304 send nothing, and decode nothing.
TEST_F(DecodedRangesTest, NothingIsDecodedForNobody) {
  start();
  const std::string image = upload("disk.img.gz", run_tool("gzip -1", plain_));
  const std::string etag = ask("HEAD", image + "/decoded", {}).field("ETag");
  EXPECT_EQ(ranged(image, "0-9", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(ask("GET", image + "/extents", {}).status, 200);
  const std::string metrics = ask("GET", "/metrics", {}).body;
  EXPECT_NE(metrics.find("strata_block_cache_requests_total{result=\"miss\"} 0\n"),
            std::string::npos)
      << metrics;
}

TEST_F(DecodedRangesTest, WithoutASeekableCopyOneXzBlockHasNoRanges) {
  config.limits.seek_copy_bytes_max = 0;
  start();
  const std::string image = upload("disk.img.xz", run_tool("xz -0 -T1", plain_));
  const Reply whole = ask("GET", image + "/decoded", {});
  EXPECT_EQ(whole.status, 200);
  EXPECT_TRUE(whole.body == plain_);
  EXPECT_EQ(whole.field("Accept-Ranges"), "");
  const Reply range = ranged(image, "0-9");
  EXPECT_EQ(range.status, 409);
  EXPECT_EQ(problem_type(range), "not-seekable");
  // What is known of its zeros is known nevertheless.
  EXPECT_NE(ask("GET", image + "/extents", {}).body.find("\"zero\":true"), std::string::npos);
}

// Loads and responses under way end with the daemon, in whatever order they do.
TEST_F(DecodedRangesTest, TheDaemonMayStopWhileBlocksAreDecoded) {
  start();
  const std::string image = upload("disk.img.gz", run_tool("gzip -1", plain_));
  for (int round = 0; round < 5; ++round) {
    std::vector<RawSocket> readers;
    for (int i = 0; i < 8; ++i) {
      readers.push_back(connect(4096));
      const std::string first = std::to_string(i * 1'000'000);
      readers.back().send(head("GET", image + "/decoded", {{"Range", "bytes=" + first + "-"}}));
    }
    if (round % 2 == 0) {
      EXPECT_NE(readers.front().read_head().find(" 206 "), std::string::npos);
    }
    stop();
    start();
  }
  EXPECT_EQ(ranged(image, "0-9").body, plain_.substr(0, 10));
}

TEST_F(DecodedRangesTest, ExtentsOfEveryEncoding) {
  start();
  const std::string all = page({extent(0, kDataBytes, false), extent(kDataBytes, kZeroBytes, true),
                                extent(kDataBytes + kZeroBytes, kDataBytes, false)});
  std::vector<std::string> images = {upload("disk.img", plain_)};
  for (const Encoder& encoder : kEncoders) {
    images.push_back(
        upload(std::string("disk.img") + encoder.suffix, run_tool(encoder.command, plain_)));
  }
  for (const std::string& image : images) {
    const Reply reply = ask("GET", image + "/extents", {});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, all);
    EXPECT_EQ(reply.field("ETag"), "W/" + ask("HEAD", image + "/decoded", {}).field("ETag"));
    EXPECT_EQ(reply.field("Link"), "");
    EXPECT_EQ(ask("HEAD", image + "/extents", {}).field("Content-Length"),
              std::to_string(all.size()));
  }
}

TEST_F(DecodedRangesTest, ExtentsOfAWindowAndInPages) {
  start();
  const std::string image = upload("disk.img", plain_);
  const std::string target = image + "/extents";
  const std::size_t size = plain_.size();
  EXPECT_EQ(ask("GET", target + "?start=3145720&length=16", {}).body,
            page({extent(3'145'720, 8, false), extent(kDataBytes, 8, true)}));
  EXPECT_EQ(ask("GET", target + "?start=12582911&length=99999999999", {}).body,
            page({extent(size - 1, 1, false)}));
  EXPECT_EQ(ask("GET", target + "?start=12582912", {}).body, page({}));
  EXPECT_EQ(ask("GET", target + "?length=0", {}).body, page({}));

  std::string next = target + "?limit=1";
  std::vector<std::string> bodies;
  while (!next.empty() && bodies.size() < 4) {
    const Reply reply = ask("GET", next, {});
    bodies.push_back(reply.body);
    const std::string link = reply.field("Link");
    next = link.empty() ? "" : link.substr(1, link.find('>') - 1);
    if (!link.empty()) {
      EXPECT_TRUE(link.ends_with(">; rel=\"next\""));
    }
  }
  EXPECT_EQ(bodies,
            (std::vector<std::string>{page({extent(0, kDataBytes, false)}),
                                      page({extent(kDataBytes, kZeroBytes, true)}),
                                      page({extent(kDataBytes + kZeroBytes, kDataBytes, false)})}));
}

TEST_F(DecodedRangesTest, ParametersOfExtentsAreChecked) {
  start();
  const std::string target = upload("disk.img", plain_) + "/extents";
  for (const char* query :
       {"?start=-1", "?start=", "?start=x", "?length=1.5", "?limit=0", "?limit=65537",
        "?start=18446744073709551616", "?start=1&start=1", "?offset=1"}) {
    const Reply reply = ask("GET", target + query, {});
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(problem_type(reply), "malformed") << query;
  }
  EXPECT_EQ(ask("GET", target + "?start=12582913", {}).status, 416);
  EXPECT_EQ(ask("GET", "/v1/images/0193f1c0-0000-7000-8000-000000000000/extents", {}).status, 404);
  EXPECT_EQ(ask("POST", target, {}, "{}").status, 405);
}

}  // namespace
}  // namespace strata::test
