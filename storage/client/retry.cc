#include "storage/client/retry.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace strata::client {
namespace {

// Less than this between two cuts is no headway: a server that sends single bytes is given up.
constexpr std::uint64_t kHeadwayBytes = 1 * kMiB;

void wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  (void)never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

bool Retry::again(const Error& error, const std::stop_token& stop) {
  // kIo and kNoSpace are of our own disk here.
  const Errc code = error.code();
  if (code == Errc::kCancelled || code == Errc::kIo || code == Errc::kNoSpace) return false;
  if (!error.info().retryable) return false;
  if (++failures_ > options_.retries_max) return false;
  const auto doubled = options_.retry_wait_first * (1LL << std::min(failures_ - 1, 20));
  wait(std::min<std::chrono::milliseconds>(doubled, options_.retry_wait_max), stop);
  return !stop.stop_requested();
}

void Retry::advance(std::uint64_t bytes) {
  since_failure_ += bytes;
  if (since_failure_ < kHeadwayBytes) return;
  since_failure_ = 0;
  failures_ = 0;
}

}  // namespace strata::client
