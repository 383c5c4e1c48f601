#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/metrics.h"
#include "strata/base/result.h"
#include "strata/http/message.h"
#include "strata/http/range.h"
#include "strata/io/worker_pool.h"

// strata-storage's HTTP/1.1 engine: C++20 coroutines on one io_context per network thread; a
// connection lives on one thread from accept to close, so a handler needs no lock for what is its
// own. Handlers never block (ARCHITECTURE rule 8).
namespace strata::http {

template <typename T>
using Awaitable = boost::asio::awaitable<T>;

// The content of a request, read by the handler straight into its own memory.
class RequestBody {
 public:
  virtual ~RequestBody() = default;
  // The length the client announced; nullopt for chunked. 0 when there is no content.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;
  // Reads some content into `out` (not empty); 0 = the content has ended, completely and with
  // correct framing. Sends 100 Continue before the first read if the client waits for it.
  // kConnectionLost: the peer went away early; kRequestTimeout: slower than
  // limits.body_rate_min_bytes_per_s; kMalformed: bad chunked framing.
  [[nodiscard]] virtual Awaitable<Result<std::size_t>> read_some(std::span<std::byte> out) = 0;
  // All of it as text; kTooLarge above `bytes_max`.
  [[nodiscard]] virtual Awaitable<Result<std::string>> read_all(std::size_t bytes_max) = 0;
  // Fields behind chunked content (RFC 9112 §7.1.2), once read_some() has answered 0; else empty.
  [[nodiscard]] virtual const Headers& trailers() const = 0;
  // From another coroutine on this connection's thread: a read_some() that waits for the client,
  // and every later one, ends with kCancelled (a newer request takes the upload over). The
  // connection still carries the answer, and closes behind it.
  virtual void interrupt() = 0;
  // An interim response (102 to 199, RFC 9110 §15.2) ahead of the final one, sent at once and on
  // its own; not while read_some() is under way. Fields as in Response. Nothing is sent to
  // HTTP/1.0, nor to a peer that leaves so much unread that sending would have to wait: it is only
  // news, and must not hold the upload up. 100 is the engine's own. After an error no answer can
  // be sent any more.
  [[nodiscard]] virtual Awaitable<Status> send_interim(int status, const Headers& headers) = 0;
};

struct Request {
  RequestHead head;
  RequestBody& body;
  std::string id;            // request id: in X-Request-Id, the log and every problem
  std::string peer_address;  // without port
};

// Bytes for a response that come from somewhere else. One reader at a time.
class ContentSource {
 public:
  virtual ~ContentSource() = default;
  struct Slice {
    int descriptor;
    std::uint64_t offset;
  };
  // When these bytes lie in a file: where. The engine then uses sendfile, reading ahead on the disk
  // pool what is not cached.
  [[nodiscard]] virtual std::optional<Slice> slice(std::uint64_t offset) const = 0;
  // Fills as much of `out` as it likes from the source's own position (sequential), 0 = end. Called
  // on the connection's thread; work that blocks is awaited on a pool.
  [[nodiscard]] virtual Awaitable<Result<std::size_t>> read_some(std::uint64_t offset,
                                                                 std::span<std::byte> out) = 0;
};

// A piece of a file-like source, or literal text (multipart heads).
struct ContentPart {
  std::string text;  // sent first
  ByteRange range{0, 0};
};

struct Response {
  int status = 200;
  Headers headers;
  // Small body, sent with the head in one write; or, when `source` is set, `parts` of it (with
  // Content-Length), or with `until_end` all of it in chunked coding.
  std::string body;
  std::shared_ptr<ContentSource> source;
  std::vector<ContentPart> parts;
  bool until_end = false;
  // Size of the representation for HEAD and 304, where nothing is sent: Content-Length.
  std::optional<std::uint64_t> content_length;
  // The request's content was not read to its end: say Connection: close and close after a short
  // drain, so that the client sees this answer. The engine sets it by itself in that case.
  bool close = false;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Called for every request that passes the framing guard, on the connection's thread. Exceptions
  // become 500 with the request id. HEAD: answer as for GET, the engine sends no body.
  [[nodiscard]] virtual Awaitable<Response> handle(Request& request) = 0;
  // The answer to a request that could not be parsed, or to any Error: a problem document.
  [[nodiscard]] virtual Response problem(const Error& error, const std::string& request_id) = 0;
  // The path as it may stand in the access log: capabilities in it are left out.
  [[nodiscard]] virtual std::string loggable_path(const RequestHead& head) const {
    return head.raw_path;
  }
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0 = pick one
  std::size_t threads = 2;
};

class Server {
 public:
  // `disk_pool` reads ahead for sendfile. All references must outlive the server.
  Server(ServerOptions options, const Limits& limits, Handler& handler, io::WorkerPool& disk_pool,
         Metrics& metrics);
  ~Server();
  [[nodiscard]] Status bind();   // binds and listens; kConflict: port taken. Then port() is known.
  [[nodiscard]] Status start();  // binds if bind() was not called, and starts the threads
  [[nodiscard]] std::uint16_t port() const;
  // Stops accepting and reading new requests; requests in flight may finish until
  // limits.drain_timeout, then connections are cut. Blocks until all are gone.
  void drain();
  // drain() without the wait. Both end with every network thread joined: after them nothing uses
  // the handler or the disk pool, which may go away before the server (its executors stay valid for
  // completions that pools still post, until destruction).
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Awaits a blocking function on a pool, from a connection's coroutine; resumes on its thread. What
// it throws is thrown here.
template <typename F>
auto run_on(io::WorkerPool& pool, F function) -> Awaitable<std::invoke_result_t<F>>;

}  // namespace strata::http

#include "storage/http/run_on.inl"
