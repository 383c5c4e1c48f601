#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "strata/base/limits.h"
#include "strata/base/metrics.h"

namespace strata::http {

// Counts connections, in all and per address, and says when the last has gone. Thread-safe.
class Admission {
 public:
  // A place held by one connection; gives it back when destroyed.
  class Slot {
   public:
    Slot() = default;
    Slot(Admission* owner, std::string address, bool refused)
        : owner_(owner), address_(std::move(address)), refused_(refused) {}
    Slot(Slot&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          address_(std::move(other.address_)),
          refused_(other.refused_) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (owner_ != nullptr) owner_->leave(address_, refused_);
    }
    explicit operator bool() const { return owner_ != nullptr; }
    [[nodiscard]] bool refused() const { return refused_; }  // to be told 503
    [[nodiscard]] const std::string& address() const { return address_; }

   private:
    Admission* owner_ = nullptr;
    std::string address_;
    bool refused_ = false;
  };

  Admission(const Limits& limits, Gauge& gauge) : limits_(limits), gauge_(gauge) {}
  // An empty slot: not even a refusal can be afforded, close at once.
  [[nodiscard]] Slot enter(std::string address);
  void wait_empty();
  [[nodiscard]] bool wait_empty_for(std::chrono::milliseconds timeout);

 private:
  void leave(const std::string& address, bool refused);

  const Limits& limits_;
  Gauge& gauge_;
  std::mutex mutex_;
  std::condition_variable empty_;
  std::size_t total_ = 0;
  std::size_t refusals_ = 0;
  std::unordered_map<std::string, std::size_t> per_address_;
};

}  // namespace strata::http
