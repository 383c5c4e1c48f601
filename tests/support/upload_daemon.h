#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/service/daemon.h"
#include "tests/support/raw_socket.h"
#include "tests/support/temporary_directory.h"

namespace strata::test {

// The whole of strata-storage in the test's process, and requests of resumable uploads that are
// written byte for byte. A test sets `config`, calls start() and speaks.
class UploadDaemonTest : public testing::Test {
 protected:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  using Reply = RawSocket::Reply;

  UploadDaemonTest();
  void TearDown() override;
  // Also once more: the daemon goes and a new one takes over its data.
  void start();
  void stop() { daemon_.reset(); }
  [[nodiscard]] RawSocket connect(int receive_buffer_bytes = 0) const {
    return RawSocket(daemon_->port(), receive_buffer_bytes);
  }
  [[nodiscard]] std::string url() const { return daemon_->url(); }
  [[nodiscard]] std::string admin_token() const;

  // Request line and fields; Host is ours, whatever else is needed stands in `fields`.
  [[nodiscard]] static std::string head(std::string_view method, std::string_view target,
                                        const Fields& fields, std::string_view version = "1.1");
  // The final answer; the interim ones before it go to `interims`.
  static Reply final_reply(RawSocket& socket, std::vector<Reply>* interims = nullptr,
                           bool head_only = false);
  // A request with a whole body on a connection of its own. `target` may be an absolute URL of this
  // server. Content-Length is added, unless it or Transfer-Encoding is in `fields`.
  Reply ask(std::string_view method, std::string_view target, Fields fields,
            std::string_view body = {}, std::vector<Reply>* interims = nullptr) const;
  // A request whose body stops short: `sent` of `announced` bytes.
  [[nodiscard]] RawSocket hang(std::string_view method, std::string_view target, Fields fields,
                               std::string_view sent, std::size_t announced) const;

  // tus: a request with Tus-Resumable; a PATCH of `body` at `offset`; a creation, whose URL.
  Reply tus(std::string_view method, std::string_view target, Fields fields = {},
            std::string_view body = {}) const;
  Reply tus_patch(const std::string& location, std::uint64_t offset, std::string_view body,
                  Fields fields = {}) const;
  std::string tus_create(Fields fields) const;
  [[nodiscard]] static Fields chunk_fields(std::uint64_t offset, Fields more = {});
  // IETF: an append, by the rules of draft -12.
  Reply ietf_patch(const std::string& location, std::uint64_t offset, bool complete,
                   std::string_view body, Fields fields = {}) const;
  // An empty POST with Upload-Complete: ?0 ("careful creation"); its URL.
  std::string ietf_create(Fields fields = {}) const;

  // Upload-Offset as either protocol's HEAD tells it; nullopt when there is none.
  [[nodiscard]] std::optional<std::uint64_t> offset_of(const std::string& location) const;
  // Waits until the server has taken `bytes` of upload content in all (its metrics).
  void wait_for_bytes(std::uint64_t bytes) const;
  // The `state` that GET gives, once it is neither receiving nor verifying.
  [[nodiscard]] std::string settled_state(const std::string& location) const;
  [[nodiscard]] std::size_t image_count() const;
  [[nodiscard]] std::string image_bytes(const std::string& image) const;
  [[nodiscard]] static std::string problem_type(const Reply& reply);
  [[nodiscard]] static std::string base64(std::string_view text);
  [[nodiscard]] static std::string pattern(std::size_t size, std::uint64_t seed = 1);

  storage::Config config;

 private:
  TemporaryDirectory folder_;
  std::unique_ptr<storage::Daemon> daemon_;
};

}  // namespace strata::test
