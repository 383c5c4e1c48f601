#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "metadata_forge.h"
#include "registry_process.h"

namespace strata::test {

// A real strata-registry with a configuration file of its own, for tests of whom it trusts.
class ConfiguredRegistry : public testing::Test {
 protected:
  // Writes the file; a registry that runs reads it at SIGHUP.
  void configure(const std::string& text) { std::ofstream(path("registry.toml")) << text; }
  void start(const std::string& text) {
    configure(text);
    daemon_ = std::make_unique<DaemonProcess>(
        registry_command(folder_.path() + "/data", {"--config", path("registry.toml")}));
  }
  void stop() {
    daemon_->signal(SIGTERM);
    EXPECT_EQ(daemon_->wait(), 0);
    daemon_.reset();
  }
  // Has the new file read; one more of this line in the log says that it was.
  void reload(const std::string& text, const std::string& line = "reloaded") {
    const auto count = [&] {
      const std::string log = daemon_->log();
      std::size_t lines = 0;
      for (std::size_t at = 0; (at = log.find(line, at)) != log.npos; at += line.size()) ++lines;
      return lines;
    };
    const std::size_t before = count();
    configure(text);
    daemon_->signal(SIGHUP);
    for (int i = 0; i < 1000 && count() == before; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_GT(count(), before) << daemon_->log();
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return folder_.path() + "/" + name;
  }
  // Writes a file and gives its path.
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  http::ClientResponse post(const std::string& document) {
    return daemon_->send(post_of(document));
  }
  void accepted(const std::string& document, int status = 201) {
    const auto response = post(document);
    EXPECT_EQ(response.head.status, status) << response.body;
  }
  void refused(const std::string& document, const std::string& reason, int status = 403) {
    const auto response = post(document);
    EXPECT_EQ(response.head.status, status) << reason << ": " << response.body;
    EXPECT_NE(response.body.find(reason), std::string::npos) << reason << ": " << response.body;
  }
  [[nodiscard]] boost::json::value search(const std::string& query = "") const {
    const auto response = daemon_->get("/v1/entries" + query);
    EXPECT_EQ(response.head.status, 200) << response.body;
    return boost::json::parse(response.body);
  }
  [[nodiscard]] std::uint64_t total(const std::string& query = "") const {
    return search(query).at("total").to_number<std::uint64_t>();
  }
  [[nodiscard]] boost::json::array entries(const std::string& query = "") const {
    return search(query).at("entries").as_array();
  }

  TemporaryDirectory folder_;
  std::unique_ptr<DaemonProcess> daemon_;
};

// An image of this content, signed now.
inline std::string document_by(const Identity& identity, std::string_view content,
                               std::string_view email = {},
                               UnixMillis created = SystemClock().now()) {
  const auto endorser = metadata::Endorser::load(identity.key, identity.certificate);
  check(endorser.has_value(), "a test identity cannot be loaded");
  auto document = metadata::sign(metadata::build(image_of(content)), *endorser, created, email);
  if (!document) check(false, "a test document cannot be signed: " + document.error().message());
  return std::move(*document);
}

}  // namespace strata::test
