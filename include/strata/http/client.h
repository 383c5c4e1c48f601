#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/http/message.h"
#include "strata/http/url.h"

// A blocking HTTP/1.1 client: one origin, keep-alive, one request at a time. Used by the command,
// by storage's outbox and by tests; never on a network thread. Every wait ends at a timeout or
// when the stop token asks.
namespace strata::http {

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds io_timeout{60'000};  // one read or write that makes no progress
  std::string user_agent = "strata/0.1";
  std::string bearer_token;  // sent as Authorization when not empty
  std::string ca_file;       // https: trusted beside the system's bundle (PEM)
  // 1xx answers to one request: so many, and one more for each 16 KiB of it that were sent, so that
  // a server may tell how a long upload gets on, and one that never comes to an answer is left.
  std::size_t interim_responses_max = 64;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target;
  Headers headers;
  std::string body;  // or, when set, `source`:
  // Fills its argument, returns how many bytes (0 = end). With `length` the body is sent with
  // Content-Length, else chunked. A source that fails, or ends before `length`, closes the
  // connection in mid-body, and its error (kIo for the early end) is returned.
  std::function<Result<std::size_t>(std::span<std::byte>)> source;
  std::optional<std::uint64_t> length;
  bool expect_continue = false;  // waits up to 1 s for 100 before the body
  // Called with the head of the final response before any of its body is read; an error from it
  // ends the transfer and is returned. A ranged GET looks here for 206 before bytes are written.
  std::function<Status(const ResponseHead&)> on_head;
  // Called with each interim response but 100 (a 104 says where an upload can be resumed and how
  // far it got), in the order of arrival and before on_head; while the body is being sent, too.
  std::function<void(const ResponseHead&)> on_interim;
};

struct ClientResponse {
  ResponseHead head;
  std::string body;  // when no sink was given; at most body_bytes_max
};

class Client {
 public:
  Client(Url origin, ClientOptions options = {}, std::stop_token stop = {});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Sends and reads the final response. With a sink, the body of a 2xx answer goes there in pieces
  // (an error from the sink ends the transfer and is returned), others stay in `body`: a 2xx one
  // above `body_bytes_max` is kTooLarge, any other is cut there. A final response that arrives
  // while the body is being sent ends the sending. Any status is a value, a redirect too.
  // Errors: kUnreachable (no connection, or a wait that took too long), kConnectionLost (cut, also
  // in mid-body), kVerification (https: the certificate), kMalformed (no HTTP), kCancelled, kUsage
  // (a request that cannot be written). An idle connection found dead is reopened once; a request
  // is repeated for that only when it is idempotent and none of its source was read.
  using Sink = std::function<Status(std::span<const std::byte>)>;
  [[nodiscard]] Result<ClientResponse> send(const ClientRequest& request, const Sink& sink = {},
                                            std::size_t body_bytes_max = 16 * kMiB);
  [[nodiscard]] const Url& origin() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::http
