#include "storage/digest/two_threads.h"

#include <condition_variable>
#include <memory>
#include <mutex>

#include "storage/digest/stream.h"
#include "storage/digest/thread_cpu_time.h"

namespace strata::digest {
namespace {

// Waking a thread takes 50 microseconds; this much of SHA-512 takes 80.
constexpr std::size_t kWorthBytes = std::size_t{64} << 10;

// The part of the second thread, which whoever comes first does.
class SecondPart {
 public:
  SecondPart(StreamState& state, std::span<const std::byte> data) : state_(state), data_(data) {}

  // False if the other thread has it. After that nothing of the stream is touched.
  bool claim_and_run() {
    {
      const std::lock_guard lock(mutex_);
      if (claimed_) return false;
      claimed_ = true;
    }
    const auto begun = thread_cpu_time();
    single_functions().pair(state_.sha1, state_.sha256, data_.data(), data_.size() / 64);
    const std::lock_guard lock(mutex_);
    done_ = true;
    cpu_ = thread_cpu_time() - begun;
    changed_.notify_one();
    return true;
  }

  // Until the other thread is through; its CPU time.
  [[nodiscard]] std::chrono::nanoseconds wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
    return cpu_;
  }

 private:
  StreamState& state_;
  const std::span<const std::byte> data_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool claimed_ = false;
  bool done_ = false;
  std::chrono::nanoseconds cpu_{0};
};

}  // namespace

double two_threads_cost(const KernelCosts& costs) {
  return costs.pair + costs.sha512;
}

std::optional<std::chrono::nanoseconds> update_on_two_threads(Hasher& hasher,
                                                              std::span<const std::byte> data,
                                                              const Start& start) {
  Stream* const stream = hasher.stream();
  if (stream == nullptr || stream->algorithms() != Algorithms::kAll) return {};
  if (single_functions().pair == nullptr || data.size() < kWorthBytes) return {};
  data = stream->complete_block(data);
  const auto whole = data.first(data.size() / kStreamBlockBytes * kStreamBlockBytes);
  StreamState& state = stream->state();
  // Shared with the task, which may come to it when everything is long over.
  const auto second = std::make_shared<SecondPart>(state, whole);
  start([second] { second->claim_and_run(); });
  single_functions().sha512(state.sha512, whole.data(), whole.size() / kStreamBlockBytes);
  std::chrono::nanoseconds others{0};
  if (!second->claim_and_run()) others = second->wait();
  stream->advance(whole.size());
  stream->keep_tail(data.subspan(whole.size()));
  return others;
}

}  // namespace strata::digest
