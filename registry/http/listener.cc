#include "registry/http/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace strata::registry_http {
namespace {

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address);
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

Result<std::uint16_t> bound_port(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return errno_error(errno, "getsockname");
  }
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

Result<Listener> listen_on(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string where = host + ":" + std::to_string(port);
  if (const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      code != 0) {
    return Error(Errc::kUsage, "cannot listen on " + where + ": " + gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> address(found, freeaddrinfo);

  Listener listener;
  listener.loopback = is_loopback(address->ai_addr);
  listener.descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener.descriptor < 0) return errno_error(errno, "socket");
  const int on = 1;
  (void)setsockopt(listener.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(listener.descriptor, address->ai_addr, address->ai_addrlen) != 0 ||
      listen(listener.descriptor, SOMAXCONN) != 0) {
    const int problem = errno;
    close(listener.descriptor);
    const Errc code = problem == EADDRINUSE ? Errc::kConflict : Errc::kUsage;
    return Error(code, "cannot listen on " + where + ": " + std::strerror(problem));
  }
  const auto real = bound_port(listener.descriptor);
  if (!real) {
    close(listener.descriptor);
    return real.error();
  }
  listener.port = *real;
  return listener;
}

}  // namespace strata::registry_http
