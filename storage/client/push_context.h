#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "storage/client/push.h"
#include "storage/client/push_log.h"
#include "storage/client/retry.h"
#include "storage/client/upload_api.h"

namespace strata::client {

// What the parts of one push share. References outlive it.
class PushContext {
 public:
  PushContext(const Endpoint& endpoint, const PushOptions& options, std::uint64_t total);

  [[nodiscard]] Retry make_retry() { return Retry(policy_, *options.time, &headway); }
  // After a failed call of `api`: waits if another try makes sense (success), else says why not:
  // the error itself, kUnreachable when nothing moved for long enough, kCancelled. `done`: bytes
  // sent, for a line in the log; nullopt: without a line.
  [[nodiscard]] Status pause(Retry& retry, const Error& error, const UploadApi& api,
                             std::optional<std::uint64_t> done, const std::stop_token& stop);

  // Tries `call`, a function without arguments that uses `api`, until it succeeds or pause() says
  // no. On the thread that made this.
  template <typename Call>
  [[nodiscard]] auto persist(const UploadApi& api, std::uint64_t done, Call call)
      -> decltype(call()) {
    Retry retry = make_retry();
    for (bool again = false;; again = true) {
      auto result = call();
      if (result) {
        if (again) log.back(std::nullopt);
        log.write();
        return result;
      }
      const auto line = again ? std::nullopt : std::optional(done);
      if (auto status = pause(retry, result.error(), api, line, endpoint.stop); !status) {
        return status.error();
      }
    }
  }

  const Endpoint& endpoint;
  const PushOptions& options;
  Headway headway;
  PushLog log;

 private:
  [[nodiscard]] std::string why_given_up(
      std::optional<std::chrono::milliseconds> retry_after) const;

  RetryPolicy policy_;
};

// The server does not know the upload any more.
[[nodiscard]] inline bool is_lost(const Error& error) {
  return error.code() == Errc::kNotFound || error.code() == Errc::kGone;
}

}  // namespace strata::client
