#include "storage/http/socket_stream.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace strata::http {
namespace {

namespace asio = boost::asio;

// A connection that always finds bytes lets the others of its thread have their turn.
constexpr std::uint64_t kTurnBytes = 8 * kMiB;

Error lost(const char* what) {
  return {Errc::kConnectionLost, what};
}
bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

// Drops what has been sent from the front of `pieces`.
std::span<iovec> drop_sent(std::span<iovec> pieces, std::size_t sent) {
  while (!pieces.empty() && sent >= pieces.front().iov_len) {
    sent -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (sent > 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + sent;
    pieces.front().iov_len -= sent;
  }
  return pieces;
}

}  // namespace

SocketStream::SocketStream(asio::ip::tcp::socket socket, const Limits& limits)
    : socket_(std::move(socket)), read_rate_(limits), write_rate_(limits) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
}

Status SocketStream::after_wait(const boost::system::error_code& error) {
  deadline_ = Clock::time_point::max();
  immediate_bytes_ = 0;
  if (cut_) return Error(Errc::kCancelled, "the server is stopping");
  if (timed_out_) return Error(Errc::kRequestTimeout, "the peer was too slow");
  if (interrupted_) return Error(Errc::kCancelled, "the server is draining");
  if (error && error != asio::error::eof) return lost("the connection was lost");
  return {};
}

Awaitable<Status> SocketStream::wait(Wait what, Clock::time_point deadline) {
  if (cut_) co_return Error(Errc::kCancelled, "the server is stopping");
  deadline_ = deadline;
  timed_out_ = interrupted_ = false;
  boost::system::error_code error;
  co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
  co_return after_wait(error);
}

Awaitable<Result<std::size_t>> SocketStream::read_until(std::span<char> out,
                                                        Clock::time_point deadline) {
  if (cut_) co_return Error(Errc::kCancelled, "the server is stopping");
  deadline_ = deadline;
  timed_out_ = interrupted_ = false;
  boost::system::error_code error;
  const std::size_t n = co_await socket_.async_read_some(
      asio::buffer(out.data(), out.size()), asio::redirect_error(asio::use_awaitable, error));
  const Status status = after_wait(error);
  bytes_received_ += n;
  if (n == 0 && !status) co_return status.error();
  co_return n;
}

std::size_t SocketStream::read_now(std::span<char> out) {
  const ssize_t n = ::recv(socket_.native_handle(), out.data(), out.size(), MSG_DONTWAIT);
  if (n <= 0) return 0;
  bytes_received_ += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

Awaitable<Result<std::size_t>> SocketStream::read_content(std::span<std::byte> out) {
  if (immediate_bytes_ >= kTurnBytes) {
    immediate_bytes_ = 0;
    co_await asio::post(asio::use_awaitable);
  }
  Clock::time_point begin{};
  for (;;) {
    if (cut_) co_return Error(Errc::kCancelled, "the server is stopping");
    if (content_interrupted_) co_return Error(Errc::kCancelled, "the content is not read further");
    const ssize_t n = ::recv(socket_.native_handle(), out.data(), out.size(), MSG_DONTWAIT);
    if (n == 0) co_return std::size_t{0};
    const auto bytes = n > 0 ? static_cast<std::uint64_t>(n) : 0;
    const auto waited = begin == Clock::time_point{} ? Clock::duration{} : Clock::now() - begin;
    const bool in_time = read_rate_.record(waited, bytes);
    if (n > 0) {
      bytes_received_ += bytes;
      immediate_bytes_ += bytes;
      co_return static_cast<std::size_t>(n);
    }
    if (errno == EINTR) continue;
    if (!would_block()) co_return lost("the connection was lost in mid-body");
    if (!in_time) co_return Error(Errc::kRequestTimeout, "the content came too slowly");
    begin = Clock::now();
    content_waits_ = true;
    const Status ready = co_await wait(asio::socket_base::wait_read, read_rate_.deadline(begin));
    content_waits_ = false;
    if (!ready && ready.error().code() != Errc::kRequestTimeout) co_return ready.error();
  }
}

Awaitable<void> SocketStream::drain(std::uint64_t bytes_max, Clock::time_point deadline) {
  std::uint64_t drained = 0;
  while (drained < bytes_max && Clock::now() < deadline && !cut_) {
    // MSG_TRUNC on TCP: thrown away without a copy.
    const ssize_t n =
        ::recv(socket_.native_handle(), nullptr, kMiB, MSG_DONTWAIT | MSG_TRUNC | MSG_NOSIGNAL);
    if (n > 0) {
      drained += static_cast<std::uint64_t>(n);
      continue;
    }
    if (n == 0 || (!would_block() && errno != EINTR)) co_return;
    const Status ready = co_await wait(asio::socket_base::wait_read, deadline);
    if (!ready) co_return;
  }
}

std::uint64_t SocketStream::unacknowledged() {
  int bytes = 0;
  if (::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

// The kernel says "writable" only when a third of its buffer is free, which a slow but honest peer
// may not reach within the window; what the peer has acknowledged is what counts.
Awaitable<Status> SocketStream::wait_writable() {
  for (;;) {
    const Clock::time_point begin = Clock::now();
    const std::uint64_t before = unacknowledged();
    const Status ready = co_await wait(asio::socket_base::wait_write, write_rate_.deadline(begin));
    if (!ready && ready.error().code() != Errc::kRequestTimeout) co_return ready.error();
    const std::uint64_t after = unacknowledged();
    const bool in_time =
        write_rate_.record(Clock::now() - begin, before > after ? before - after : 0);
    if (ready) co_return ready;
    if (!in_time) co_return Error(Errc::kRequestTimeout, "the peer reads too slowly");
  }
}

Awaitable<Status> SocketStream::send(std::span<iovec> pieces, bool more) {
  if (send_failure_) co_return *send_failure_;
  const Status sent = co_await send_all(pieces, more);
  if (!sent) send_failure_ = sent.error();
  co_return sent;
}

Awaitable<Status> SocketStream::send_all(std::span<iovec> pieces, bool more) {
  pieces = drop_sent(pieces, 0);
  while (!pieces.empty()) {
    if (cut_) co_return Error(Errc::kCancelled, "the server is stopping");
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t n = ::sendmsg(socket_.native_handle(), &message,
                                MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (n >= 0) {
      bytes_sent_ += static_cast<std::uint64_t>(n);
      pieces = drop_sent(pieces, static_cast<std::size_t>(n));
    } else if (would_block()) {
      const Status ready = co_await wait_writable();
      if (!ready) co_return ready.error();
    } else if (errno != EINTR) {
      co_return lost("the peer closed while it was answered");
    }
  }
  co_return Status();
}

Awaitable<Status> SocketStream::send(std::string_view bytes, bool more) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  co_return co_await send(std::span(&piece, 1), more);
}

// The kernel says "writable" when a third of its buffer is free, so a short message fits as a
// whole: one begun on less room would have to be waited for after all.
Awaitable<Status> SocketStream::send_if_room(std::string_view bytes) {
  pollfd polled{socket_.native_handle(), POLLOUT, 0};
  if (::poll(&polled, 1, 0) == 0) co_return Status();
  co_return co_await send(bytes, false);
}

Awaitable<Status> SocketStream::send_file(int descriptor, std::uint64_t offset,
                                          std::uint64_t count) {
  auto position = static_cast<off_t>(offset);
  while (count > 0) {
    if (cut_) co_return Error(Errc::kCancelled, "the server is stopping");
    const ssize_t n = ::sendfile(socket_.native_handle(), descriptor, &position, count);
    if (n > 0) {
      bytes_sent_ += static_cast<std::uint64_t>(n);
      count -= static_cast<std::uint64_t>(n);
    } else if (n == 0) {
      co_return Error(Errc::kCorruptData, "a file ended before its content was sent");
    } else if (would_block()) {
      const Status ready = co_await wait_writable();
      if (!ready) co_return ready.error();
    } else if (errno == EIO || errno == ENOMEM || errno == EINVAL) {
      co_return errno_error(errno, "sendfile");
    } else if (errno != EINTR) {
      co_return lost("the peer closed while it was answered");
    }
  }
  co_return Status();
}

void SocketStream::shutdown_send() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void SocketStream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void SocketStream::abort() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

void SocketStream::check_deadline(Clock::time_point now) {
  if (now < deadline_) return;
  deadline_ = Clock::time_point::max();
  timed_out_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void SocketStream::cut() {
  cut_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void SocketStream::interrupt() {
  interrupted_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void SocketStream::interrupt_content() {
  content_interrupted_ = true;
  if (content_waits_) interrupt();
}

}  // namespace strata::http
