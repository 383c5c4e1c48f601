#include "storage/client/retry.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

namespace strata::client {
namespace {

using std::chrono::milliseconds;

class RealTime final : public RetryTime {
 public:
  [[nodiscard]] Instant now() override { return std::chrono::steady_clock::now(); }
  void wait(milliseconds time, const std::stop_token& stop) override {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    (void)never.wait_for(lock, stop, time, [] { return false; });
  }
  [[nodiscard]] double jitter() override {
    thread_local std::minstd_rand engine{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(engine);
  }
};

// kIo and kNoSpace are of our own disk, unless a server says when to come back.
bool may_pass(const Error& error, bool asked_to_wait) {
  const Errc code = error.code();
  if (code == Errc::kCancelled || code == Errc::kIo) return false;
  if (code == Errc::kNoSpace) return asked_to_wait;
  return error.info().retryable;
}

}  // namespace

RetryTime& real_time() {
  static RealTime time;
  return time;
}

Retry::Verdict Retry::judge(const Error& error, std::optional<milliseconds> retry_after) {
  if (!may_pass(error, retry_after.has_value())) return {Verdict::Kind::kFinal};
  const auto now = time_.now();
  if (++failures_ == 1) first_failure_ = now;
  if (policy_.retries_max && failures_ > *policy_.retries_max) return {Verdict::Kind::kGiveUp};
  milliseconds wait = std::max(next_wait(), retry_after.value_or(milliseconds(0)));
  if (!policy_.patience) return {Verdict::Kind::kWait, wait};

  const auto since = headway_ ? std::max(first_failure_, headway_->last()) : first_failure_;
  const auto left = std::chrono::ceil<milliseconds>(since + *policy_.patience - now);
  // To ask earlier than the server wants is no use.
  if (left <= milliseconds(0) || (retry_after && *retry_after > left)) {
    return {Verdict::Kind::kGiveUp};
  }
  return {Verdict::Kind::kWait, std::min(wait, left)};
}

milliseconds Retry::next_wait() const {
  const auto doubled = policy_.wait_first * (1LL << std::min(failures_ - 1, 20));
  const auto wait = std::min<milliseconds>(doubled, policy_.wait_max);
  if (!policy_.jitter) return wait;
  const auto half = static_cast<double>(wait.count()) / 2;
  return milliseconds(static_cast<milliseconds::rep>(half + half * time_.jitter()));
}

bool Retry::again(const Error& error, const std::stop_token& stop) {
  const Verdict verdict = judge(error);
  if (verdict.kind != Verdict::Kind::kWait) return false;
  time_.wait(verdict.wait, stop);
  return !stop.stop_requested();
}

void Retry::advance(std::uint64_t bytes) {
  since_failure_ += bytes;
  if (since_failure_ < policy_.headway_bytes) return;
  since_failure_ = 0;
  failures_ = 0;
}

}  // namespace strata::client
