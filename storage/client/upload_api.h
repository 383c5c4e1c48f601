#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/client/endpoint.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"

namespace strata::client {

// What strata-storage says of an upload that tus has no words for (GET /v1/uploads/{token}).
struct UploadStatus {
  enum class State : std::uint8_t { kReceiving, kVerifying, kComplete, kFailed };
  State state = State::kReceiving;
  std::optional<ImageId> image;  // kComplete
  std::optional<Error> error;    // kFailed
};
// kMalformed when it is none.
[[nodiscard]] Result<UploadStatus> parse_upload_status(std::string_view json);

// Resumable uploads (tus 1.0.0 with creation, concatenation and termination) as typed calls. An
// upload is known by its target, the path of its Location: the public URL in it may differ from
// the address that was asked. Blocking; one thread at a time; keeps its connection. Errors of the
// server come back as themselves, those of the way to it as http::Client's.
class UploadApi {
 public:
  explicit UploadApi(const Endpoint& endpoint) : client_(endpoint.connect()) {}

  // Upload-Metadata; empty: none.
  [[nodiscard]] Result<std::string> create(std::uint64_t length, const std::string& metadata);
  // A piece of an upload that create_final() makes of several.
  [[nodiscard]] Result<std::string> create_partial(std::uint64_t length);
  [[nodiscard]] Result<std::string> create_final(const std::vector<std::string>& partials,
                                                 const std::string& metadata);

  // How many bytes the server has for good. kNotFound, kGone: it does not know the upload.
  [[nodiscard]] Result<std::uint64_t> offset(const std::string& target);
  // Sends `length` bytes that belong at `offset`, and returns the offset then. A refusal for the
  // offset is kOffsetMismatch. An error of `source` comes back as itself.
  using Source = std::function<Result<std::size_t>(std::span<std::byte>)>;
  [[nodiscard]] Result<std::uint64_t> append(const std::string& target, std::uint64_t offset,
                                             std::uint64_t length, Source source);
  [[nodiscard]] Result<UploadStatus> status(const std::string& target);
  [[nodiscard]] Status remove(const std::string& target);

  // The Retry-After of the last call's answer.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const {
    return retry_after_;
  }

 private:
  [[nodiscard]] Result<http::ClientResponse> call(http::ClientRequest request);
  [[nodiscard]] Result<std::string> post(const http::Headers& headers);

  http::Client client_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

}  // namespace strata::client
