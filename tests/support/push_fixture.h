#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/client/push.h"
#include "strata/digest/hasher.h"
#include "tests/support/retry_time.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upload_server.h"

namespace strata::test {

// A push of a file of random bytes to an UploadServer, in time that takes none.
class PushFixture : public testing::Test {
 protected:
  using Fault = UploadServer::Fault;
  using Request = UploadServer::Request;

  PushFixture() {
    options_.state_folder = directory_.path() + "/state/uploads";
    options_.note = [this](const std::string& line) { notes_.push_back(line); };
    options_.time = &time_;
  }

  static std::string random_content(std::size_t size, unsigned seed = 1) {
    std::mt19937_64 random(seed);
    std::string content(size, '\0');
    for (char& byte : content) byte = static_cast<char>(random());
    return content;
  }
  void make_file(std::size_t size) { write_file(random_content(size)); }
  void write_file(const std::string& content) {
    content_ = content;
    std::ofstream(path_, std::ios::binary) << content;
  }

  void start(UploadServer::Settings settings = {}) {
    server_ = std::make_unique<UploadServer>(std::move(settings));
  }
  // The index-th PATCH meets `fault`, the others none.
  static UploadServer::Settings patch_fault(std::size_t index, const Fault& fault) {
    UploadServer::Settings settings;
    auto patches = std::make_shared<std::atomic<std::size_t>>(0);  // copies of the function share
    settings.fault = [=](const Request& request) {
      return request.method == "PATCH" && (*patches)++ == index ? fault : Fault{};
    };
    return settings;
  }
  static Fault cut(std::uint64_t after) {
    Fault fault;
    fault.cut_after = after;
    return fault;
  }
  static Fault answer(int status, const std::string& headers = {}, const std::string& body = {}) {
    Fault fault;
    fault.status = status;
    fault.headers = headers;
    fault.body = body;
    return fault;
  }

  client::Endpoint endpoint() { return {*http::Url::parse(server_->url()), {}, stop_.get_token()}; }
  Result<client::ImageInfo> push(const client::Progress& progress = {}) {
    return client::push(endpoint(), path_, options_, progress);
  }
  void expect_pushed() {
    const auto image = push();
    ASSERT_TRUE(image) << image.error().message();
    expect_image(*image);
  }
  void expect_image(const client::ImageInfo& image) {
    EXPECT_EQ(image.stored, digest::digest_of(content_));
    ASSERT_EQ(server_->images().size(), 1U);
    EXPECT_TRUE(server_->images()[0] == content_);
    EXPECT_EQ(server_->open_uploads(), 0U);
    EXPECT_TRUE(state_files().empty()) << "a finished push is forgotten";
  }
  Error failed_push() {
    const auto image = push();
    EXPECT_FALSE(image) << "an error was expected";
    return image ? Error(Errc::kInternal, "none") : image.error();
  }
  // A push that ends early and leaves its state: `sent` bytes are at the server.
  void interrupt_a_push(std::uint64_t sent) {
    UploadServer::Settings settings = patch_fault(0, cut(sent));
    start(settings);
    options_.retry_for = std::chrono::milliseconds(0);
    EXPECT_EQ(failed_push().code(), Errc::kUnreachable);
    EXPECT_EQ(state_files().size(), 1U);
    options_.retry_for = std::chrono::minutes(5);
    notes_.clear();
  }

  [[nodiscard]] std::vector<std::string> state_files() const {
    std::vector<std::string> files;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(options_.state_folder, missing)) {
      files.push_back(entry.path().string());
    }
    return files;
  }
  // Offsets of the PATCH requests so far.
  [[nodiscard]] std::vector<std::uint64_t> patches() const {
    std::vector<std::uint64_t> offsets;
    for (const Request& request : server_->requests()) {
      if (request.method == "PATCH") offsets.push_back(request.offset);
    }
    return offsets;
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/disk.qcow2";
  std::string content_;
  std::stop_source stop_;
  QuickTime time_;
  client::PushOptions options_;
  std::vector<std::string> notes_;
  std::unique_ptr<UploadServer> server_;
};

}  // namespace strata::test
