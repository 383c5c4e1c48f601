#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/limits.h"
#include "strata/base/metrics.h"
#include "strata/base/result.h"
#include "strata/http/message.h"

// strata-registry's HTTP/1.1 engine: libmicrohttpd with a pool of threads, each of which runs the
// handler of its connections, so a handler may block. libmicrohttpd parses for itself; what it read
// is written out again and passed through the same strict guard as in strata-storage. What that
// cannot see is in registry/DESIGN.md.
namespace strata::registry_http {

struct Request {
  http::RequestHead head;
  std::string body;                             // complete
  std::string id;                               // in X-Request-Id, the log and every problem
  std::string peer_address;                     // without port
  std::chrono::steady_clock::time_point begin;  // when its request line was read
};

struct Response {
  int status = 200;
  http::Headers headers;
  std::string body;
  // Set: there is nothing to say yet. Until then the request waits, without a thread, and its
  // handler runs again after each Server::wake(). This response is sent as it is when the time is
  // over, when too many wait already (limits.long_polls_max), and while draining.
  std::optional<std::chrono::steady_clock::time_point> hold_until = {};
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Before the body is read: how many bytes of it are acceptable, or the refusal. An announced
  // length above that is answered 413 at once. Any thread, must not block.
  [[nodiscard]] virtual Result<std::uint64_t> admit(const http::RequestHead& head) = 0;
  // The path as the log shows it: what is a secret in it is left out.
  [[nodiscard]] virtual std::string loggable_path(const http::RequestHead& head) const {
    return head.raw_path;
  }
  // Any thread; may block. An exception becomes a 500 with the request id. HEAD: answer as for
  // GET, the engine sends no body.
  [[nodiscard]] virtual Response handle(const Request& request) = 0;
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;   // 0 = pick one
  std::size_t threads = 8;  // handlers that may run at the same time
  // On a loopback address any other Host than a loopback name or one of these (without port) is
  // refused with 421, so that no web page can reach the registry through DNS rebinding.
  std::vector<std::string> hosts;
};

// Adds X-Request-Id, X-Content-Type-Options and Content-Length to every response, and
// Connection: close while draining.
class Server {
 public:
  // All references must outlive the server.
  Server(ServerOptions options, const Limits& limits, Handler& handler, Metrics& metrics,
         Random& random);
  ~Server();  // as stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and listens; clients wait in the backlog. kConflict: the port is taken; kUsage: no such
  // address.
  [[nodiscard]] Status bind();
  [[nodiscard]] std::uint16_t port() const;  // after bind(): the real one
  [[nodiscard]] Status start();              // after bind(): starts the threads
  // Something happened that held requests may be waiting for. Any thread; does not wait for them.
  void wake();
  // Stops accepting; requests in flight may finish until limits.drain_timeout, then connections are
  // cut. Blocks until all are gone. True when none had to be cut.
  bool drain();
  void stop();  // at once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::registry_http
