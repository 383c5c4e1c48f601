#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "strata/base/result.h"
#include "strata/http/url.h"

// The byte streams under http::Client: a TCP socket, in the clear or with TLS on it. Non-blocking,
// so that one thread can watch for an early answer while it sends; waiting is separate and ends
// when the stop token asks.
namespace strata::http {

struct Waiting {
  std::chrono::milliseconds timeout;
  std::stop_token stop;
};

// Waits until the socket has one of `events` (poll(2)) and returns those it has. kUnreachable after
// the timeout, kCancelled at most 200 ms after the stop token asked.
[[nodiscard]] Result<short> wait_for(int descriptor, short events, const Waiting& waiting);

class Transport {
 public:
  virtual ~Transport() = default;
  // How many bytes were read (0: the peer has closed its side); nullopt: none now, wait for
  // events(). kConnectionLost when the connection is gone.
  [[nodiscard]] virtual Result<std::optional<std::size_t>> read_some(std::span<std::byte> out) = 0;
  // How many bytes were taken; nullopt: none now, wait for events(). kConnectionLost as above.
  [[nodiscard]] virtual Result<std::optional<std::size_t>> write_some(
      std::span<const std::byte> data) = 0;
  // What the last call that answered nullopt waits for: POLLIN or POLLOUT.
  [[nodiscard]] virtual short events() const = 0;
  [[nodiscard]] virtual int descriptor() const = 0;
};

struct TransportOptions {
  std::chrono::milliseconds connect_timeout;
  std::string ca_file;
};

// Connects to the origin of `url`; tries each address of its host. kUnreachable, kVerification
// (TLS), kCancelled.
[[nodiscard]] Result<std::unique_ptr<Transport>> connect_transport(const Url& url,
                                                                   const TransportOptions& options,
                                                                   const std::stop_token& stop);

}  // namespace strata::http
