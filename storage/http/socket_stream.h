#pragma once

#include <sys/uio.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "storage/http/byte_buffer.h"
#include "storage/http/rate_guard.h"
#include "storage/http/server.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"

namespace strata::http {

// One accepted connection as a byte stream: each operation tries the system call first and waits
// for the socket only on EAGAIN (Asio's composed operations move 64 KiB at a time). All calls on
// the connection's thread. Errors: kConnectionLost (reset or closed by the peer), kRequestTimeout
// (a deadline or the minimum rate), kCancelled (cut() was called).
class SocketStream {
 public:
  using Clock = std::chrono::steady_clock;
  SocketStream(boost::asio::ip::tcp::socket socket, const Limits& limits);

  // Waits at most until `deadline` for some bytes; 0 = the peer has finished sending.
  [[nodiscard]] Awaitable<Result<std::size_t>> read_until(std::span<char> out,
                                                          Clock::time_point deadline);
  // The same under the minimum rate of content.
  [[nodiscard]] Awaitable<Result<std::size_t>> read_content(std::span<std::byte> out);
  // What is there already; 0 when nothing is.
  [[nodiscard]] std::size_t read_now(std::span<char> out);
  // Reads and throws away until the peer closes, `bytes_max` or `deadline`.
  [[nodiscard]] Awaitable<void> drain(std::uint64_t bytes_max, Clock::time_point deadline);

  // Sends all; `more`: further bytes follow at once, so a partial segment may wait for them.
  [[nodiscard]] Awaitable<Status> send(std::span<iovec> pieces, bool more);
  [[nodiscard]] Awaitable<Status> send(std::string_view bytes, bool more);
  // The same for something short that may be left out: nothing is sent, with success, to a peer
  // that has left so much unread that it might have to be waited for.
  [[nodiscard]] Awaitable<Status> send_if_room(std::string_view bytes);
  // Sends `count` bytes of a file; kCorruptData when the file ends before, kIo when it fails.
  [[nodiscard]] Awaitable<Status> send_file(int descriptor, std::uint64_t offset,
                                            std::uint64_t count);

  void shutdown_send();
  void close();
  void abort();  // RST: the peer must not take what it has for the whole

  // From the thread's tick: ends a wait whose deadline has passed.
  void check_deadline(Clock::time_point now);
  // Ends the wait and every later one with kCancelled.
  void cut();
  // Ends the current read_until with kCancelled, if there is one.
  void interrupt();
  // Ends the current read_content, if it waits, and every later one with kCancelled. Sending is not
  // touched: half an interim response would spoil the answer behind it.
  void interrupt_content();

  [[nodiscard]] std::uint64_t bytes_received() const { return bytes_received_; }
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  using Wait = boost::asio::ip::tcp::socket::wait_type;
  [[nodiscard]] Awaitable<Status> wait(Wait what, Clock::time_point deadline);
  [[nodiscard]] Awaitable<Status> wait_writable();
  [[nodiscard]] Awaitable<Status> send_all(std::span<iovec> pieces, bool more);
  [[nodiscard]] Status after_wait(const boost::system::error_code& error);
  [[nodiscard]] std::uint64_t unacknowledged();

  boost::asio::ip::tcp::socket socket_;
  RateGuard read_rate_;
  RateGuard write_rate_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool timed_out_ = false;
  bool interrupted_ = false;
  bool cut_ = false;
  bool content_waits_ = false;
  bool content_interrupted_ = false;
  std::optional<Error> send_failure_;  // what left before may be half a message: nothing follows it
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t immediate_bytes_ = 0;  // read without a wait since the last one
};

}  // namespace strata::http
