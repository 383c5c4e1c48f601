#pragma once

#include <unistd.h>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "strata/base/result.h"

namespace strata::http {

// Owns a non-blocking stream socket.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  // As Transport's. No SIGPIPE.
  [[nodiscard]] Result<std::optional<std::size_t>> read_some(std::span<std::byte> out) const;
  [[nodiscard]] Result<std::optional<std::size_t>> write_some(
      std::span<const std::byte> data) const;

 private:
  int descriptor_ = -1;
};

}  // namespace strata::http
