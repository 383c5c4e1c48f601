#include "storage/http/socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace strata::http {

Result<std::optional<std::size_t>> Socket::read_some(std::span<std::byte> out) const {
  for (;;) {
    const ssize_t n = ::recv(descriptor_, out.data(), out.size(), 0);
    if (n >= 0) return std::optional(static_cast<std::size_t>(n));
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<std::size_t>();
    if (errno != EINTR) return Error(Errc::kConnectionLost, std::generic_category().message(errno));
  }
}

Result<std::optional<std::size_t>> Socket::write_some(std::span<const std::byte> data) const {
  for (;;) {
    const ssize_t n = ::send(descriptor_, data.data(), data.size(), MSG_NOSIGNAL);
    if (n >= 0) return std::optional(static_cast<std::size_t>(n));
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<std::size_t>();
    if (errno != EINTR) return Error(Errc::kConnectionLost, std::generic_category().message(errno));
  }
}

}  // namespace strata::http
