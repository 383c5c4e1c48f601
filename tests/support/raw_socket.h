#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::test {

// A TCP connection to 127.0.0.1 that sends exactly the given bytes and shows exactly what comes
// back. Every wait is bounded by `patience`.
class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port, int receive_buffer_bytes = 0);
  ~RawSocket();
  RawSocket(RawSocket&& other) noexcept;
  RawSocket& operator=(RawSocket&&) = delete;

  // All of it: true. False when the peer closed or stopped reading for `patience`.
  bool send(std::string_view bytes);
  void shutdown_send();
  void reset();  // closes with RST

  // What one recv(2) gives; empty at the end of the stream, nullopt on a reset or no patience left.
  std::optional<std::string> receive(std::size_t bytes_max = 65536);
  // Up to and including the blank line; empty when there is none.
  std::string read_head();
  // What has arrived and not been taken, after waiting for more.
  std::string_view peek();
  // Exactly `count` bytes after what was read, fewer when the stream ends.
  std::string read_exactly(std::size_t count);
  // The rest of the stream.
  std::string read_to_end();
  // Whether the stream ended by FIN (false: reset, or still open after `patience`).
  [[nodiscard]] bool closed_cleanly();

  // A whole response: head, and content by its Content-Length (none for HEAD).
  struct Reply {
    int status = 0;
    std::string head;
    std::string body;
    [[nodiscard]] std::string field(std::string_view name) const;
  };
  Reply read_reply(bool head_only = false);

  std::chrono::milliseconds patience{10'000};

 private:
  bool wait(short events);
  int descriptor_ = -1;
  std::string received_;
};

}  // namespace strata::test
