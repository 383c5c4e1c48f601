#include "storage/client/push_context.h"

namespace strata::client {
namespace {

using std::chrono::milliseconds;

RetryPolicy policy_of(const PushOptions& options) {
  RetryPolicy policy;
  policy.patience = options.retry_for;
  policy.wait_first = milliseconds(500);
  policy.wait_max = milliseconds(30'000);
  policy.jitter = true;
  return policy;
}

std::string time_text(milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  if (seconds >= 60 && seconds % 60 == 0) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds) + " s";
}

}  // namespace

PushContext::PushContext(const Endpoint& server, const PushOptions& chosen, std::uint64_t total)
    : endpoint(server), options(chosen), log(chosen.note, total), policy_(policy_of(chosen)) {}

std::string PushContext::why_given_up(std::optional<milliseconds> retry_after) const {
  const milliseconds most = options.retry_for;
  if (most <= milliseconds(0)) return {};
  if (retry_after && *retry_after > most) {
    return "; given up, the server asks to wait for " + time_text(*retry_after);
  }
  return "; given up, nothing moved for " + time_text(most);
}

Status PushContext::pause(Retry& retry, const Error& error, const UploadApi& api,
                          std::optional<std::uint64_t> done, const std::stop_token& stop) {
  const Error stopped(Errc::kCancelled, "stopped");
  if (stop.stop_requested()) return stopped;
  const Retry::Verdict verdict = retry.judge(error, api.retry_after());
  if (verdict.kind == Retry::Verdict::Kind::kFinal) return error;
  if (verdict.kind == Retry::Verdict::Kind::kGiveUp) {
    return Error(Errc::kUnreachable, error.detail() + why_given_up(api.retry_after()));
  }
  if (done) log.lost(error, *done, verdict.wait);
  log.write();
  options.time->wait(verdict.wait, stop);
  if (stop.stop_requested()) return stopped;
  return {};
}

}  // namespace strata::client
