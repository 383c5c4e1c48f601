// strata-storage as clients see it: the whole daemon in this process, over real sockets, on a real
// data folder.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/service/daemon.h"
#include "strata/base/ids.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/digest/hasher.h"
#include "strata/http/client.h"

namespace strata::storage {
namespace {

namespace json = boost::json;

std::string shell(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof(buffer), pipe)) out.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return out;
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = 88172645463325252ULL;
  for (char& c : bytes) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    c = static_cast<char>(state);
  }
  return bytes;
}

class StorageDaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    log::configure(log::Level::kError, log::Format::kText);
    std::string name = (std::filesystem::temp_directory_path() / "strata-daemon-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    config_.data = folder_ + "/data";
    config_.port = 0;
  }
  void TearDown() override {
    client_.reset();
    daemon_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    client_.reset();
    daemon_.reset();
    daemon_ = std::make_unique<Daemon>(config_);
    const Status status = daemon_->start();
    ASSERT_TRUE(status) << status.error().message();
    client_ = std::make_unique<http::Client>(*http::Url::parse(daemon_->url()));
  }

  http::ClientResponse send(const std::string& method, const std::string& target,
                            const std::string& body = {}, const http::Headers& headers = {}) {
    http::ClientRequest request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.headers = headers;
    auto response = client_->send(request, {}, 256 * kMiB);
    EXPECT_TRUE(response) << method << " " << target << ": "
                          << (response ? "" : response.error().message());
    return response ? std::move(*response) : http::ClientResponse{};
  }
  static http::Headers with(const std::string& name, const std::string& value) {
    http::Headers headers;
    headers.add(name, value);
    return headers;
  }
  static std::string problem_type(const http::ClientResponse& response) {
    const auto value = json::parse(response.body);
    EXPECT_TRUE(value.at("request_id").as_string() == response.head.headers.get("X-Request-Id"));
    EXPECT_EQ(value.at("status").as_int64(), response.head.status);
    return std::string(value.at("type").as_string());
  }
  json::value upload(const std::string& name, const std::string& bytes) {
    const auto response = send("PUT", "/v1/upload/" + name, bytes);
    EXPECT_EQ(response.head.status, 201) << response.body;
    return json::parse(response.body);
  }
  static std::string id_of(const json::value& image) {
    return std::string(image.at("id").as_string());
  }

  std::string folder_;
  Config config_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<http::Client> client_;
};

TEST_F(StorageDaemonTest, UploadsOfEverySizeComeBackByteForByte) {
  start();
  for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 1u << 20, (5u << 20) + 77}) {
    const std::string bytes = pattern(size);
    const auto image = upload("disk.img?visibility=public", bytes);
    const auto found = digest::digest_of(bytes);
    EXPECT_EQ(image.at("stored").at("bytes").to_number<std::uint64_t>(), size);
    EXPECT_EQ(image.at("stored").at("digests").at("sha-512").as_string(), found.sha512.hex());
    EXPECT_EQ(image.at("identifier").as_string(), Identifier::from_sha1(found.sha1).text());
    for (const char* view : {"content", "decoded"}) {
      const auto response = send("GET", "/v1/images/" + id_of(image) + "/" + view);
      EXPECT_EQ(response.head.status, 200);
      EXPECT_TRUE(response.body == bytes) << view << " of " << size << " bytes";
      EXPECT_EQ(response.head.headers.get("Accept-Ranges"), "bytes");
    }
  }
}

TEST_F(StorageDaemonTest, EncodedUploadsHaveBothViews) {
  start();
  const std::string plain = pattern(3 << 20) + std::string(5 << 20, '\0');
  std::ofstream(folder_ + "/plain", std::ios::binary) << plain;
  for (const auto& [command, encoding, suffix] : {std::tuple{"gzip -1", "gzip", ".gz"},
                                                  {"xz -0", "xz", ".xz"},
                                                  {"zstd -q -1", "zstd", ".zst"}}) {
    const std::string stored = shell(std::string(command) + " -c " + folder_ + "/plain");
    const auto image = upload(std::string("disk.img") + suffix, stored);
    EXPECT_EQ(image.at("encoding").as_string(), encoding);
    EXPECT_EQ(image.at("decoded").at("digests").at("sha-256").as_string(),
              digest::digest_of(plain).sha256.hex());
    const std::string base = "/v1/images/" + id_of(image);
    EXPECT_TRUE(send("GET", base + "/content").body == stored);
    const auto whole = send("GET", base + "/decoded");
    EXPECT_EQ(whole.head.status, 200);
    EXPECT_TRUE(whole.body == plain);
    EXPECT_EQ(whole.head.headers.get("Accept-Ranges"), "bytes");
    EXPECT_EQ(whole.head.headers.get("Content-Length"), std::to_string(plain.size()));
    EXPECT_NE(whole.head.headers.get("Content-Disposition")->find("\"disk.img\""),
              std::string::npos);
    const auto range = send("GET", base + "/decoded", {}, with("Range", "bytes=0-9"));
    EXPECT_EQ(range.head.status, 206);
    EXPECT_EQ(range.body, plain.substr(0, 10));
    const auto head = send("HEAD", base + "/decoded");
    EXPECT_EQ(head.head.headers.get("ETag"), whole.head.headers.get("ETag"));
    EXPECT_NE(head.head.headers.get("ETag"),
              send("HEAD", base + "/content").head.headers.get("ETag"));
  }
}

TEST_F(StorageDaemonTest, RangesAndConditionals) {
  start();
  const std::string bytes = pattern(300'000);
  const std::string target = "/v1/images/" + id_of(upload("d", bytes)) + "/content";
  const auto ranged = [&](const std::string& range) {
    return send("GET", target, {}, with("Range", range));
  };
  auto response = ranged("bytes=10-19");
  EXPECT_EQ(response.head.status, 206);
  EXPECT_EQ(response.body, bytes.substr(10, 10));
  EXPECT_EQ(response.head.headers.get("Content-Range"), "bytes 10-19/300000");
  EXPECT_EQ(ranged("bytes=262144-524288").body, bytes.substr(262144));  // nbdkit asks too much
  EXPECT_EQ(ranged("bytes=-5").body, bytes.substr(bytes.size() - 5));
  EXPECT_EQ(ranged("bytes=300000-").head.status, 416);
  EXPECT_EQ(ranged("bytes=300000-").head.headers.get("Content-Range"), "bytes */300000");
  EXPECT_EQ(ranged("items=0-1").head.status, 200);
  response = ranged("bytes=0-9,100-109");
  EXPECT_EQ(response.head.status, 206);
  EXPECT_EQ(response.head.headers.get("Content-Length"), std::to_string(response.body.size()));
  EXPECT_NE(response.body.find(bytes.substr(100, 10)), std::string::npos);

  const auto head = send("HEAD", target);
  const std::string etag(*head.head.headers.get("ETag"));
  EXPECT_EQ(etag, "\"sha256:" + digest::digest_of(bytes).sha256.hex() + "\"");
  EXPECT_EQ(head.head.headers.get("Content-Length"), "300000");
  EXPECT_NE(head.head.headers.get("Digest")->find(digest::digest_of(bytes).sha256.base64()),
            std::string::npos);
  EXPECT_EQ(send("GET", target, {}, with("If-None-Match", etag)).head.status, 304);
  EXPECT_EQ(send("GET", target, {}, with("If-Match", "\"other\"")).head.status, 412);
  http::Headers stale = with("Range", "bytes=0-9");
  stale.add("If-Range", "\"other\"");
  EXPECT_EQ(send("GET", target, {}, stale).head.status, 200);
}

// B13: what is stored is what is sent, whatever the client would decode. B45: magic, not the name.
TEST_F(StorageDaemonTest, NeverCodesOnTheFlyAndNeverBelievesAName) {
  start();
  const std::string bytes = pattern(5000);
  const auto image = upload("raw.gz", bytes);
  EXPECT_EQ(image.at("encoding").as_string(), "identity");
  http::Headers headers = with("Accept-Encoding", "gzip");
  headers.add("Range", "bytes=5-9");
  const auto part = send("GET", "/v1/images/" + id_of(image) + "/content", {}, headers);
  EXPECT_EQ(part.head.status, 206);
  EXPECT_EQ(part.body, bytes.substr(5, 5));
  EXPECT_FALSE(part.head.headers.get("Content-Encoding"));
}

TEST_F(StorageDaemonTest, ListsInPagesAndFilters) {
  start();
  for (int i = 0; i < 5; ++i) upload("image-" + std::to_string(i), pattern(10 + i));
  auto page = json::parse(send("GET", "/v1/images?limit=2").body);
  std::vector<std::string> names;
  for (int pages = 0; pages < 10; ++pages) {
    for (const auto& image : page.at("images").as_array()) {
      names.emplace_back(image.at("name").as_string());
    }
    if (page.at("next").is_null()) break;
    page = json::parse(send("GET", std::string(page.at("next").as_string())).body);
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"image-0", "image-1", "image-2", "image-3", "image-4"}));
  const auto one = json::parse(send("GET", "/v1/images?name=image-3").body);
  ASSERT_EQ(one.at("images").as_array().size(), 1u);
  EXPECT_EQ(send("GET", "/v1/images?colour=red").head.status, 400);
  EXPECT_EQ(send("GET", "/v1/images?limit=1000000000").head.status, 400);
}

TEST_F(StorageDaemonTest, PatchAndDelete) {
  start();
  const std::string target = "/v1/images/" + id_of(upload("old", "bytes"));
  const auto merge = with("Content-Type", "application/merge-patch+json");
  const auto patched = send(
      "PATCH", target,
      R"({"name":"new","tags":["a"],"metadata":{"os":"debian"},"visibility":"public"})", merge);
  ASSERT_EQ(patched.head.status, 200) << patched.body;
  const auto shown = json::parse(send("GET", target).body);
  EXPECT_EQ(shown.at("name").as_string(), "new");
  EXPECT_EQ(shown.at("metadata").at("os").as_string(), "debian");
  EXPECT_EQ(shown.at("visibility").as_string(), "public");
  EXPECT_EQ(send("PATCH", target, R"({"owner":"me"})", merge).head.status, 400);
  EXPECT_EQ(send("PATCH", target, "{", merge).head.status, 400);
  EXPECT_EQ(send("GET", target + "/content").body, "bytes");
  EXPECT_EQ(send("DELETE", target).head.status, 204);
  EXPECT_EQ(send("GET", target).head.status, 404);
  EXPECT_EQ(send("GET", target + "/content").head.status, 404);
  EXPECT_EQ(send("DELETE", target).head.status, 404);
}

TEST_F(StorageDaemonTest, WhatIsPromisedIsChecked) {
  start();
  const std::string bytes = pattern(5000);
  const auto found = digest::digest_of(bytes);
  EXPECT_EQ(send("PUT", "/v1/upload/a?sha-512=" + found.sha512.hex(), bytes).head.status, 201);
  EXPECT_EQ(send("PUT", "/v1/upload/a", bytes,
                 with("Repr-Digest", "sha-256=:" + found.sha256.base64() + ":"))
                .head.status,
            201);
  const std::string wrong = digest::digest_of("other").sha256.base64();
  auto response =
      send("PUT", "/v1/upload/b", bytes, with("Repr-Digest", "sha-256=:" + wrong + ":"));
  EXPECT_EQ(response.head.status, 422);
  EXPECT_EQ(problem_type(response), "digest-mismatch");
  // B38: sha-256 right, sha-512 wrong.
  response = send("PUT",
                  "/v1/upload/b?sha-256=" + found.sha256.hex() +
                      "&sha-512=" + digest::digest_of("other").sha512.hex(),
                  bytes);
  EXPECT_EQ(problem_type(response), "digest-mismatch");
  response = send("PUT", "/v1/upload/b?decoded-bytes=4", bytes);
  EXPECT_EQ(problem_type(response), "size-mismatch");
  response = send("PUT", "/v1/upload/b?bytes=4", bytes);
  EXPECT_EQ(problem_type(response), "size-mismatch");
  EXPECT_EQ(json::parse(send("GET", "/v1/images?name=b").body).at("images").as_array().size(), 0u);
}

TEST_F(StorageDaemonTest, RefusesWhatIsNoWholeUpload) {
  start();
  auto response = send("PUT", "/v1/upload/a", "x", with("Content-Range", "bytes 0-0/2"));
  EXPECT_EQ(problem_type(response), "partial-put");
  response = send("PUT", "/v1/upload/a", "x", with("Content-Encoding", "gzip"));
  EXPECT_EQ(response.head.status, 415);
  response = send("PUT", "/v1/upload/a?colour=red", "x");
  EXPECT_EQ(response.head.status, 400);
  response = send("PUT", "/v1/upload/..%2fa", "x");
  EXPECT_EQ(response.head.status, 400);
  response = send("PUT", "/v1/upload/a", std::string("\x1f\x8b\x08\x00garbage", 11));
  EXPECT_EQ(response.head.status, 422);
  EXPECT_EQ(problem_type(response), "corrupt-gzip");
  EXPECT_EQ(send("POST", "/v1/upload/a", "x").head.status, 405);
  EXPECT_EQ(json::parse(send("GET", "/v1/images").body).at("images").as_array().size(), 0u);
}

TEST_F(StorageDaemonTest, LimitsHold) {
  config_.limits.stored_bytes_max = 100'000;
  config_.limits.decoded_bytes_max = 1 << 20;
  start();
  auto response = send("PUT", "/v1/upload/a", pattern(100'001));
  EXPECT_EQ(response.head.status, 413);
  http::ClientRequest chunked;
  chunked.method = "PUT";
  chunked.target = "/v1/upload/a";
  std::size_t left = 10 << 20;
  chunked.source = [&left](std::span<std::byte> out) -> Result<std::size_t> {
    const std::size_t n = std::min(left, out.size());
    left -= n;
    return n;
  };
  auto answer = client_->send(chunked);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->head.status, 413);
  std::ofstream(folder_ + "/zeros", std::ios::binary) << std::string(2 << 20, '\0');
  response = send("PUT", "/v1/upload/a", shell("gzip -c " + folder_ + "/zeros"));
  EXPECT_EQ(response.head.status, 422);
  EXPECT_EQ(problem_type(response), "decompression-limit");
  EXPECT_EQ(send("PUT", "/v1/upload/a", pattern(100'000)).head.status, 201);
}

// The limit counts uploads that are open: one that stalls keeps its place, until it goes.
TEST_F(StorageDaemonTest, OpenUploadsAreBounded) {
  config_.limits.open_uploads_per_user = 1;
  start();
  std::atomic<bool> refused = false;
  http::ClientRequest stalled;
  stalled.method = "PUT";
  stalled.target = "/v1/upload/stalled";
  int calls = 0;
  stalled.source = [&](std::span<std::byte> out) -> Result<std::size_t> {
    if (++calls == 1) {
      out[0] = std::byte{'x'};
      return std::size_t{1};
    }
    refused.wait(false);  // in mid-body until the other request has its answer
    return std::size_t{0};
  };
  std::thread first([&] {
    http::Client client(*http::Url::parse(daemon_->url()));
    const auto answer = client.send(stalled);
    EXPECT_TRUE(answer && answer->head.status == 201);
  });
  while (send("GET", "/metrics").body.find("strata_uploads_in_progress 1\n") == std::string::npos) {
  }
  const auto second = send("PUT", "/v1/upload/second", "y");
  EXPECT_EQ(second.head.status, 429);
  EXPECT_TRUE(second.head.headers.get("Retry-After"));
  refused = true;
  refused.notify_all();
  first.join();
  EXPECT_EQ(send("PUT", "/v1/upload/third", "z").head.status, 201);
}

TEST_F(StorageDaemonTest, HostOriginAndCredential) {
  start();
  // B18: the Location is ours whatever the request says.
  http::Headers headers = with("X-Forwarded-Host", "evil.example");
  const auto made = send("PUT", "/v1/upload/a", "x", headers);
  EXPECT_TRUE(made.head.headers.get("Location")->starts_with(daemon_->url() + "/v1/images/"));
  EXPECT_EQ(send("GET", "/v1/images", {}, with("Host", "evil.example")).head.status, 421);
  EXPECT_EQ(send("GET", "/v1/images", {}, with("Authorization", "Bearer wrong")).head.status, 401);
  std::ifstream file(config_.data + "/admin.token");
  std::string token;
  file >> token;
  EXPECT_EQ(send("GET", "/v1/images", {}, with("Authorization", "Bearer " + token)).head.status,
            200);
  // B62: a page of another origin cannot delete.
  EXPECT_EQ(send("DELETE", "/v1/images/x", {}, with("Origin", "http://evil.example")).head.status,
            403);
  EXPECT_FALSE(send("GET", "/v1/images", {}, with("Origin", "http://evil.example"))
                   .head.headers.get("Access-Control-Allow-Origin"));
}

TEST_F(StorageDaemonTest, AuthenticationWhenRequired) {
  config_.auth_required = true;
  start();
  std::ifstream file(config_.data + "/admin.token");
  std::string token;
  file >> token;
  EXPECT_EQ(send("PUT", "/v1/upload/a", "x").head.status, 401);
  http::Headers two = with("Authorization", "Bearer " + token);
  two.add("Authorization", "Bearer other");
  EXPECT_EQ(send("GET", "/v1/images", {}, two).head.status, 401);
  const auto bearer = with("Authorization", "Bearer " + token);
  const auto hidden = json::parse(send("PUT", "/v1/upload/a", "hidden", bearer).body);
  const auto shown =
      json::parse(send("PUT", "/v1/upload/b?visibility=public", "shown", bearer).body);
  EXPECT_EQ(send("GET", "/v1/images/" + id_of(hidden) + "/content").head.status, 404);
  EXPECT_EQ(send("GET", "/v1/images/" + id_of(shown) + "/content").body, "shown");
  EXPECT_EQ(json::parse(send("GET", "/v1/images").body).at("images").as_array().size(), 1u);
  const std::string pair = "user:" + token;  // QEMU, wget, curl
  const std::string basic =
      "Basic " + to_base64({reinterpret_cast<const std::uint8_t*>(pair.data()), pair.size()});
  EXPECT_EQ(
      send("GET", "/v1/images/" + id_of(hidden) + "/content", {}, with("Authorization", basic))
          .body,
      "hidden");
}

TEST_F(StorageDaemonTest, PreflightsOfListedOriginsOnly) {
  config_.auth_required = true;
  config_.anonymous_read = false;
  config_.cors_origins = {"https://ui.example"};
  start();
  auto answer = send("OPTIONS", "/v1/upload/a", {}, with("Origin", "https://ui.example"));
  EXPECT_EQ(answer.head.status, 204);
  EXPECT_EQ(answer.head.headers.get("Access-Control-Allow-Origin"), "https://ui.example");
  EXPECT_EQ(answer.head.headers.get("Allow"), "PUT");
  answer = send("OPTIONS", "/v1/upload/a", {}, with("Origin", "https://evil.example"));
  EXPECT_FALSE(answer.head.headers.get("Access-Control-Allow-Origin"));
  EXPECT_EQ(send("GET", "/v1/images").head.status, 401);
}

TEST_F(StorageDaemonTest, TheSameBytesAreKeptOnceAndSurviveOneDelete) {
  start();
  const std::string bytes = pattern(200'000);
  const auto first = upload("one", bytes);
  const auto second = upload("two", bytes);
  EXPECT_NE(id_of(first), id_of(second));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(config_.data + "/store")) {
    if (entry.is_regular_file() && entry.file_size() == bytes.size()) ++files;
  }
  EXPECT_EQ(files, 1u);
  EXPECT_EQ(send("DELETE", "/v1/images/" + id_of(first)).head.status, 204);
  EXPECT_TRUE(send("GET", "/v1/images/" + id_of(second) + "/content").body == bytes);
}

TEST_F(StorageDaemonTest, ARestartKeepsImagesAndALostCatalogueIsRebuilt) {
  start();
  const std::string bytes = pattern(70'000);
  const std::string id = id_of(upload("kept?visibility=public", bytes));
  const std::string gone = id_of(upload("gone", "deleted bytes"));
  EXPECT_EQ(send("DELETE", "/v1/images/" + gone).head.status, 204);
  start();
  EXPECT_TRUE(send("GET", "/v1/images/" + id + "/content").body == bytes);
  const std::string before = send("GET", "/v1/images/" + id).body;
  client_.reset();
  daemon_.reset();
  std::filesystem::remove_all(config_.data + "/catalog");
  start();
  EXPECT_EQ(send("GET", "/v1/images/" + id).body, before);
  EXPECT_TRUE(send("GET", "/v1/images/" + id + "/content").body == bytes);
  EXPECT_EQ(send("GET", "/v1/images/" + gone).head.status, 404);
}

TEST_F(StorageDaemonTest, OneProcessPerDataFolder) {
  start();
  Daemon second(config_);
  const Status status = second.start();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), Errc::kInUse);
}

TEST_F(StorageDaemonTest, HealthAndMetrics) {
  start();
  upload("a", pattern(1000));
  EXPECT_EQ(send("GET", "/healthz").head.status, 200);
  EXPECT_EQ(send("GET", "/readyz").head.status, 200);
  const std::string metrics = send("GET", "/metrics").body;
  EXPECT_NE(metrics.find("strata_upload_bytes_total 1000\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("strata_uploads_total{result=\"published\"} 1\n"), std::string::npos);
  for (const char* name :
       {"strata_digest_bytes_total{way=\"together\"}", "strata_digest_turns_total",
        "strata_digest_lane_bytes_total", "strata_digest_lane_filled_bytes_total",
        "strata_digest_queue_seconds_count", "strata_digest_threads_allowed"}) {
    EXPECT_NE(metrics.find(std::string("\n") + name + " "), std::string::npos) << name;
  }
  const auto openapi = json::parse(send("GET", "/openapi.json").body);
  EXPECT_TRUE(openapi.at("paths").as_object().contains("/v1/upload/{filename}"));
}

}  // namespace
}  // namespace strata::storage
