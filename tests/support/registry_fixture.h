#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "registry_process.h"

// A test with a real strata-registry of its own.
namespace strata::test {

inline std::string header(const http::ClientResponse& response, std::string_view name) {
  return std::string(response.head.headers.get(name).value_or(""));
}

class RegistryFixture : public testing::Test {
 protected:
  RegistryFixture() { start(); }

  void start(std::vector<std::string> more = {}) {
    daemon_ = std::make_unique<DaemonProcess>(registry_command(folder_.path(), std::move(more)));
  }
  void stop() {
    daemon_->signal(SIGTERM);
    EXPECT_EQ(daemon_->wait(), 0);
  }
  // Starts it anew with a configuration file of these lines.
  void restart_with(const std::string& text) {
    stop();
    start({"--config", config(text)});
  }
  // A configuration file with these lines.
  std::string config(const std::string& text) {
    const std::string path = folder_.path() + "/registry.toml";
    std::ofstream(path) << text;
    return path;
  }
  http::ClientResponse post(const std::string& document,
                            const std::string& type = "application/rdf+xml") {
    return daemon_->send(post_of(document, type));
  }
  std::string sign(const metadata::ImageMetadata& image, UnixMillis created = kSampleTime) {
    return signed_document(image, endorser_, created);
  }
  void publish(const metadata::ImageMetadata& image, UnixMillis created = kSampleTime) {
    const auto response = post(sign(image, created));
    ASSERT_EQ(response.head.status, 201) << response.body;
  }
  // The answer to a target that has to be a JSON object.
  boost::json::object get_json(const std::string& target) {
    const auto response = daemon_->get(target);
    EXPECT_EQ(response.head.status, 200) << target << ": " << response.body;
    return response.head.status == 200 ? boost::json::parse(response.body).as_object()
                                       : boost::json::object();
  }
  boost::json::object search(const std::string& query) { return get_json("/v1/entries" + query); }
  int status_of(const std::string& target) { return daemon_->get(target).head.status; }
  // Status of a post, and that its problem's detail holds `reason`.
  void refused(const std::string& document, int status, const std::string& reason) {
    const auto response = post(document);
    EXPECT_EQ(response.head.status, status) << reason << ": " << response.body;
    EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
    EXPECT_THAT(response.body, testing::HasSubstr(reason));
    EXPECT_THAT(response.body, testing::HasSubstr(header(response, "X-Request-Id")));
  }

  TemporaryDirectory folder_;
  metadata::Endorser endorser_ = sample_endorser();
  std::unique_ptr<DaemonProcess> daemon_;
};

}  // namespace strata::test
