#include "tests/support/raw_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "strata/base/result.h"
#include "strata/base/text.h"

namespace strata::test {

RawSocket::RawSocket(std::uint16_t port, int receive_buffer_bytes)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (receive_buffer_bytes > 0) {
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof(receive_buffer_bytes));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connected =
      ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  check(connected == 0, "cannot connect to the server under test");
}

RawSocket::RawSocket(RawSocket&& other) noexcept
    : patience(other.patience),
      descriptor_(std::exchange(other.descriptor_, -1)),
      received_(std::move(other.received_)) {}

RawSocket::~RawSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool RawSocket::wait(short events) {
  pollfd poll_item{descriptor_, events, 0};
  return ::poll(&poll_item, 1, static_cast<int>(patience.count())) == 1;
}

bool RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait(POLLOUT)) return false;
    const ssize_t n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void RawSocket::shutdown_send() {
  ::shutdown(descriptor_, SHUT_WR);
}

void RawSocket::reset() {
  const linger now{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(std::exchange(descriptor_, -1));
}

std::optional<std::string> RawSocket::receive(std::size_t bytes_max) {
  if (!wait(POLLIN)) return std::nullopt;
  std::string bytes(bytes_max, '\0');
  const ssize_t n = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
  if (n < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(n));
  return bytes;
}

std::string RawSocket::read_head() {
  for (;;) {
    const std::size_t end = received_.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::string head = received_.substr(0, end + 4);
      received_.erase(0, end + 4);
      return head;
    }
    const auto more = receive();
    if (!more || more->empty()) return {};
    received_ += *more;
  }
}

std::string_view RawSocket::peek() {
  if (const auto more = receive()) received_ += *more;
  return received_;
}

std::string RawSocket::read_exactly(std::size_t count) {
  while (received_.size() < count) {
    const auto more = receive();
    if (!more || more->empty()) break;
    received_ += *more;
  }
  std::string bytes = received_.substr(0, count);
  received_.erase(0, bytes.size());
  return bytes;
}

std::string RawSocket::read_to_end() {
  return read_exactly(std::string::npos);
}

bool RawSocket::closed_cleanly() {
  for (;;) {
    const auto more = receive();
    if (!more) return false;
    if (more->empty()) return true;
  }
}

std::string RawSocket::Reply::field(std::string_view name) const {
  for (const std::string_view line : split(head, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !iequals(line.substr(0, colon), name)) continue;
    std::string_view value = line.substr(colon + 1);
    if (value.ends_with('\r')) value.remove_suffix(1);
    return std::string(trim(value));
  }
  return {};
}

RawSocket::Reply RawSocket::read_reply(bool head_only) {
  Reply reply;
  reply.head = read_head();
  if (reply.head.size() < 12) return reply;
  reply.status = std::atoi(reply.head.substr(9, 3).c_str());
  const auto length = parse_decimal(reply.field("Content-Length"));
  if (length && !head_only) reply.body = read_exactly(static_cast<std::size_t>(*length));
  return reply;
}

}  // namespace strata::test
