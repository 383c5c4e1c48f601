#include "storage/http/transport.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "storage/http/socket.h"
#include "storage/http/tls_transport.h"

namespace strata::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kStopCheckInterval{100};  // the contract promises 200 ms

std::string errno_text(int value) {
  return std::generic_category().message(value);
}

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {}
  Result<std::optional<std::size_t>> read_some(std::span<std::byte> out) override {
    events_ = POLLIN;
    return socket_.read_some(out);
  }
  Result<std::optional<std::size_t>> write_some(std::span<const std::byte> data) override {
    events_ = POLLOUT;
    return socket_.write_some(data);
  }
  short events() const override { return events_; }
  int descriptor() const override { return socket_.descriptor(); }

 private:
  Socket socket_;
  short events_ = POLLIN;
};

Result<Socket> connect_address(const addrinfo& address, const Waiting& waiting) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.descriptor() < 0) return Error(Errc::kUnreachable, errno_text(errno));
  if (::connect(socket.descriptor(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) {
      return Error(Errc::kUnreachable, errno_text(errno));
    }
    STRATA_TRY([[maybe_unused]] const short events,
               wait_for(socket.descriptor(), POLLOUT, waiting));
    int failure = 0;
    socklen_t size = sizeof(failure);
    if (::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
      failure = errno;
    }
    if (failure != 0) return Error(Errc::kUnreachable, errno_text(failure));
  }
  const int on = 1;
  ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return socket;
}

Result<Socket> connect_host(const Url& url, const Waiting& waiting) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure =
      ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (failure != 0) return Error(Errc::kUnreachable, ::gai_strerror(failure));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  Error last(Errc::kUnreachable, "it has no address");
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    auto socket = connect_address(*each, waiting);
    if (socket || socket.error().code() == Errc::kCancelled) return socket;
    last = socket.error();
  }
  return last;
}

}  // namespace

Result<short> wait_for(int descriptor, short events, const Waiting& waiting) {
  const auto deadline = steady_clock::now() + waiting.timeout;
  for (;;) {
    if (waiting.stop.stop_requested()) return Error(Errc::kCancelled, "stopped");
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    const auto slice = std::clamp(left, milliseconds(0), kStopCheckInterval);
    pollfd polled{descriptor, events, 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(slice.count()));
    if (ready > 0) return polled.revents;
    if (ready < 0 && errno != EINTR) return Error(Errc::kUnreachable, errno_text(errno));
    if (ready == 0 && left <= slice) {
      return Error(Errc::kUnreachable,
                   "nothing happened for " + std::to_string(waiting.timeout.count()) + " ms");
    }
  }
}

Result<std::unique_ptr<Transport>> connect_transport(const Url& url,
                                                     const TransportOptions& options,
                                                     const std::stop_token& stop) {
  const Waiting waiting{options.connect_timeout, stop};
  auto socket = connect_host(url, waiting);
  if (!socket) return socket.error().in(url.origin());
  if (url.scheme != "https") {
    return std::unique_ptr<Transport>(std::make_unique<PlainTransport>(*std::move(socket)));
  }
  auto tls = make_tls_transport(*std::move(socket), url.host, options.ca_file, waiting);
  if (!tls) return tls.error().in(url.origin());
  return tls;
}

}  // namespace strata::http
