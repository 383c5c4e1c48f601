#include "storage/http/admission.h"

namespace strata::http {
namespace {

// Connections over the limit that may wait at one time for their 503 to arrive.
constexpr std::size_t kRefusalsMax = 64;

}  // namespace

Admission::Slot Admission::enter(std::string address) {
  const std::lock_guard lock(mutex_);
  const auto found = per_address_.find(address);
  const std::size_t of_address = found == per_address_.end() ? 0 : found->second;
  const bool refused =
      total_ >= limits_.connections_max || of_address >= limits_.connections_per_address_max;
  if (refused) {
    if (refusals_ >= kRefusalsMax) return {};
    ++refusals_;
  } else {
    ++total_;
    ++per_address_[address];
  }
  gauge_.add(1);
  return {this, std::move(address), refused};
}

void Admission::leave(const std::string& address, bool refused) {
  const std::lock_guard lock(mutex_);
  gauge_.add(-1);
  if (refused) {
    --refusals_;
  } else {
    --total_;
    const auto found = per_address_.find(address);
    if (--found->second == 0) per_address_.erase(found);
  }
  if (total_ + refusals_ == 0) empty_.notify_all();
}

void Admission::wait_empty() {
  std::unique_lock lock(mutex_);
  empty_.wait(lock, [this] { return total_ + refusals_ == 0; });
}

bool Admission::wait_empty_for(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, timeout, [this] { return total_ + refusals_ == 0; });
}

}  // namespace strata::http
