#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "storage/http/transport.h"
#include "strata/http/client.h"

namespace strata::http {

// One request and its response on one connection. While the request is being sent, the other
// direction is watched: a server that refuses early (413, 401, 507) says so before it has read
// everything, and then closes; its answer must not be lost to the EPIPE that follows.
class Exchange {
 public:
  struct Context {
    Transport& transport;
    const ClientOptions& options;
    const Limits& limits;
    const std::stop_token& stop;
    std::span<std::byte> buffer;  // scratch for both directions; kBufferBytes
  };
  static constexpr std::size_t kBufferBytes = 1 * kMiB;

  explicit Exchange(Context context) : context_(context) {}

  // `head` is the request head as text, with the blank line.
  [[nodiscard]] Result<ClientResponse> run(const ClientRequest& request, const std::string& head,
                                           const Client::Sink& sink, std::size_t body_bytes_max);

  // After run(): whether the connection can carry another request.
  [[nodiscard]] bool reusable() const { return reusable_; }
  // Whether nothing came back and nothing of the source was used, so that the same request can be
  // sent again.
  [[nodiscard]] bool untouched() const { return !received_any_ && !source_used_; }

 private:
  struct Receiver;  // where the response's content goes

  [[nodiscard]] Status send_request(const ClientRequest& request, const std::string& head);
  [[nodiscard]] Status send_source(const ClientRequest& request);
  [[nodiscard]] Status send_source_chunked(const ClientRequest& request);
  [[nodiscard]] Result<std::size_t> fill_from(const ClientRequest& request,
                                              std::span<std::byte> out);
  [[nodiscard]] Status write(std::span<const std::byte> data);
  [[nodiscard]] Status write(std::string_view text);
  [[nodiscard]] Status wait_for_continue();

  [[nodiscard]] Result<short> wait(short events, std::chrono::milliseconds timeout) const;
  [[nodiscard]] Status look();
  [[nodiscard]] Result<bool> receive_head_bytes();
  [[nodiscard]] Status parse_heads();
  [[nodiscard]] Status take_interim(const ResponseHead& head);
  [[nodiscard]] Status await_final_head();

  [[nodiscard]] Result<std::size_t> read_blocking(std::span<std::byte> out);
  [[nodiscard]] Status read_body(Receiver& receiver);
  [[nodiscard]] Status read_length(Receiver& receiver);
  [[nodiscard]] Status read_chunked(Receiver& receiver);
  [[nodiscard]] Status read_until_close(Receiver& receiver);

  Context context_;
  const ClientRequest* request_ = nullptr;  // during run()
  std::string input_;                       // received and not yet used
  std::optional<ResponseHead> final_;
  std::uint64_t interim_count_ = 0;
  std::uint64_t bytes_sent_ = 0;
  bool continue_seen_ = false;
  bool request_complete_ = false;
  bool source_used_ = false;
  bool received_any_ = false;
  bool peer_gone_ = false;  // the connection is lost; what it sent before may still be readable
  bool reusable_ = false;
};

}  // namespace strata::http
