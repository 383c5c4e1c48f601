#include "storage/http/exchange.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>

namespace strata::http {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kContinueWait{1'000};
constexpr std::size_t kHeadReadBytes = 16 * kKiB;
// A request pays for an interim response with this much of itself. Counted over the whole request,
// not since the last write: megabytes may lie in the buffers between us and a server that reports.
constexpr std::uint64_t kInterimBytes = 16 * kKiB;
// Room before a chunk's content for its size line, and behind it for CR LF.
constexpr std::size_t kChunkLineRoom = 16;

Error lost(std::string_view why) {
  return {Errc::kConnectionLost, std::string(why)};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

struct Exchange::Receiver {
  const Client::Sink* sink;  // null: into `body`
  std::size_t body_bytes_max;
  bool may_cut;  // the body of a refusal, of which the beginning is enough
  std::string body;
  bool was_cut = false;

  // After was_cut nothing more needs to be read.
  Status take(std::span<const std::byte> data) {
    if (sink != nullptr) return (*sink)(data);
    if (data.size() > body_bytes_max - body.size()) {
      if (!may_cut) {
        return Error(Errc::kTooLarge,
                     "the response is longer than " + std::to_string(body_bytes_max) + " bytes");
      }
      data = data.first(body_bytes_max - body.size());
      was_cut = true;
    }
    body.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  }
};

Result<ClientResponse> Exchange::run(const ClientRequest& request, const std::string& head,
                                     const Client::Sink& sink, std::size_t body_bytes_max) {
  request_ = &request;
  const Status sent = send_request(request, head);
  if (!sent && !peer_gone_) return sent.error();
  // A peer that refused and closed: its answer may be in the socket's buffer.
  if (!final_) {
    if (auto status = await_final_head(); !status) return sent ? status.error() : sent.error();
  }
  ClientResponse response{*final_, {}};
  if (request.on_head) {
    if (auto status = request.on_head(response.head); !status) return status.error();
  }
  const bool success = response.head.status >= 200 && response.head.status < 300;
  Receiver receiver{success && sink ? &sink : nullptr, body_bytes_max, !success, {}};
  const Status read = read_body(receiver);
  // After an early refusal the close may overtake the rest of its body; the status is what counts.
  const bool refused = !success && !request_complete_;
  if (!read && !(refused && read.error().code() == Errc::kConnectionLost)) return read.error();
  response.body = std::move(receiver.body);
  reusable_ = read.has_value() && request_complete_ && response.head.keep_alive &&
              !receiver.was_cut && input_.empty() &&
              response.head.framing.kind != Framing::Kind::kUntilClose;
  return response;
}

// ---- sending

Status Exchange::send_request(const ClientRequest& request, const std::string& head) {
  if (request.source) {
    if (auto status = write(head); !status) return status;
    if (request.expect_continue && !final_) {
      if (auto status = wait_for_continue(); !status) return status;
    }
    if (final_) return {};
    return request.length ? send_source(request) : send_source_chunked(request);
  }
  if (request.expect_continue && !request.body.empty()) {
    if (auto status = write(head); !status) return status;
    if (auto status = wait_for_continue(); !status) return status;
    if (auto status = write(request.body); !status) return status;
  } else if (auto status = write(head + request.body); !status) {
    return status;
  }
  request_complete_ = !final_;
  return {};
}

Result<std::size_t> Exchange::fill_from(const ClientRequest& request, std::span<std::byte> out) {
  source_used_ = true;
  if (context_.stop.stop_requested()) return Error(Errc::kCancelled, "stopped");
  STRATA_TRY(const std::size_t count, request.source(out));
  check(count <= out.size(), "a source returned more bytes than there was room for");
  return count;
}

Status Exchange::send_source(const ClientRequest& request) {
  std::uint64_t left = *request.length;
  while (left > 0 && !final_) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBufferBytes));
    STRATA_TRY(const std::size_t count, fill_from(request, context_.buffer.first(room)));
    if (count == 0) {
      return Error(Errc::kIo, "the source ended " + std::to_string(left) + " bytes too early");
    }
    if (auto status = write(context_.buffer.first(count)); !status) return status;
    left -= count;
  }
  request_complete_ = !final_;
  return {};
}

Status Exchange::send_source_chunked(const ClientRequest& request) {
  const std::span<std::byte> content =
      context_.buffer.subspan(kChunkLineRoom, kBufferBytes - 2 * kChunkLineRoom);
  for (;;) {
    STRATA_TRY(const std::size_t count, fill_from(request, content));
    if (count == 0) break;
    char line[kChunkLineRoom + 1];
    const int size = std::snprintf(line, sizeof(line), "%zx\r\n", count);
    const std::size_t start = kChunkLineRoom - static_cast<std::size_t>(size);
    const auto size_line = bytes_of({line, static_cast<std::size_t>(size)});
    std::ranges::copy(size_line, context_.buffer.subspan(start).begin());
    const auto end = bytes_of("\r\n");
    std::ranges::copy(end, context_.buffer.subspan(kChunkLineRoom + count).begin());
    const std::size_t total = static_cast<std::size_t>(size) + count + end.size();
    if (auto status = write(context_.buffer.subspan(start, total)); !status) return status;
    if (final_) return {};
  }
  if (auto status = write("0\r\n\r\n"); !status) return status;
  request_complete_ = !final_;
  return {};
}

Status Exchange::write(std::string_view text) {
  return write(bytes_of(text));
}

// Ends early, with success, when a final response has arrived.
Status Exchange::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    if (auto status = look(); !status || final_) return status;
    const auto count = context_.transport.write_some(data);
    if (!count) {
      peer_gone_ = true;
      return count.error();
    }
    if (*count) {
      data = data.subspan(**count);
      bytes_sent_ += **count;
      continue;
    }
    const auto events = static_cast<short>(POLLIN | context_.transport.events());
    if (auto ready = wait(events, context_.options.io_timeout); !ready) return ready.error();
  }
  return {};
}

// 100, a final response, or a server that says neither for a second (RFC 9110 §10.1.1).
Status Exchange::wait_for_continue() {
  const auto deadline = std::chrono::steady_clock::now() + kContinueWait;
  while (!continue_seen_ && !final_) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left <= milliseconds(0)) return {};
    if (auto ready = wait(POLLIN, left); !ready) {
      if (ready.error().code() == Errc::kUnreachable) return {};
      return ready.error();
    }
    if (auto status = look(); !status) return status;
  }
  return {};
}

// ---- receiving heads

Result<short> Exchange::wait(short events, milliseconds timeout) const {
  return wait_for(context_.transport.descriptor(), events, {timeout, context_.stop});
}

// Takes what has arrived, without waiting. kConnectionLost (and peer_gone_) when the peer closed.
Status Exchange::look() {
  if (context_.stop.stop_requested()) return Error(Errc::kCancelled, "stopped");
  pollfd polled{context_.transport.descriptor(), POLLIN, 0};
  if (::poll(&polled, 1, 0) <= 0) return {};
  STRATA_TRY([[maybe_unused]] const bool some, receive_head_bytes());
  return {};
}

// One read into `input_`, parsed; false when nothing was there.
Result<bool> Exchange::receive_head_bytes() {
  // Not the shared buffer: while the request is sent, that one holds its bytes.
  std::byte piece[kHeadReadBytes];
  const auto count = context_.transport.read_some(piece);
  if (!count || (*count && **count == 0)) {
    peer_gone_ = true;
    return count ? lost("the server closed the connection before it answered") : count.error();
  }
  if (!*count) return false;
  received_any_ = true;
  input_.append(reinterpret_cast<const char*>(piece), **count);
  if (auto status = parse_heads(); !status) return status.error();
  return true;
}

Status Exchange::parse_heads() {
  while (!final_) {
    STRATA_TRY(const std::optional<std::size_t> end, find_head_end(input_, context_.limits));
    if (!end) return {};
    STRATA_TRY(ResponseHead head, parse_response_head(std::string_view(input_).substr(0, *end),
                                                      request_->method, context_.limits));
    input_.erase(0, *end);
    if (head.status == 101) return Error(Errc::kMalformed, "the server switches protocols unasked");
    if (head.status >= 200) {
      final_ = std::move(head);
      return {};
    }
    if (auto status = take_interim(head); !status) return status;
  }
  return {};
}

Status Exchange::take_interim(const ResponseHead& head) {
  const std::uint64_t paid_for = bytes_sent_ / kInterimBytes;
  if (++interim_count_ > context_.options.interim_responses_max + paid_for) {
    return Error(Errc::kMalformed, "the server sends interim responses without end");
  }
  if (head.status == 100) {
    continue_seen_ = true;
  } else if (request_->on_interim) {
    request_->on_interim(head);
  }
  return {};
}

Status Exchange::await_final_head() {
  while (!final_) {
    STRATA_TRY(const bool some, receive_head_bytes());
    if (some) continue;
    const short events = context_.transport.events();
    if (auto ready = wait(events, context_.options.io_timeout); !ready) return ready.error();
  }
  return {};
}

// ---- receiving the body

Result<std::size_t> Exchange::read_blocking(std::span<std::byte> out) {
  if (context_.stop.stop_requested()) return Error(Errc::kCancelled, "stopped");
  for (;;) {
    STRATA_TRY(const std::optional<std::size_t> count, context_.transport.read_some(out));
    if (count) return *count;
    const short events = context_.transport.events();
    if (auto ready = wait(events, context_.options.io_timeout); !ready) return ready.error();
  }
}

Status Exchange::read_body(Receiver& receiver) {
  switch (final_->framing.kind) {
    case Framing::Kind::kNone:
      return {};
    case Framing::Kind::kLength:
      return read_length(receiver);
    case Framing::Kind::kChunked:
      return read_chunked(receiver);
    case Framing::Kind::kUntilClose:
      return read_until_close(receiver);
  }
  return {};
}

Status Exchange::read_length(Receiver& receiver) {
  const std::uint64_t length = final_->framing.length;
  const auto ready = static_cast<std::size_t>(std::min<std::uint64_t>(length, input_.size()));
  std::uint64_t left = length - ready;
  if (ready > 0) {
    if (auto status = receiver.take(bytes_of(input_).first(ready)); !status) return status;
    input_.erase(0, ready);
  }
  while (left > 0 && !receiver.was_cut) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBufferBytes));
    STRATA_TRY(const std::size_t count, read_blocking(context_.buffer.first(room)));
    if (count == 0) {
      return lost("the response ended after " + std::to_string(length - left) + " of " +
                  std::to_string(length) + " bytes");
    }
    if (auto status = receiver.take(context_.buffer.first(count)); !status) return status;
    left -= count;
  }
  return {};
}

Status Exchange::read_chunked(Receiver& receiver) {
  ChunkedDecoder decoder(context_.limits);
  std::string first = std::move(input_);
  input_.clear();
  std::string_view pending = first;
  while (!receiver.was_cut) {
    if (pending.empty()) {
      STRATA_TRY(const std::size_t count, read_blocking(context_.buffer));
      if (count == 0) return lost("the response ended before its last chunk");
      pending = {reinterpret_cast<const char*>(context_.buffer.data()), count};
    }
    STRATA_TRY(const ChunkedDecoder::Step step, decoder.step(pending));
    if (!step.data.empty()) {
      if (auto status = receiver.take(bytes_of(step.data)); !status) return status;
    }
    pending.remove_prefix(step.consumed);
    if (step.done) {
      input_ = pending;
      return {};
    }
  }
  return {};
}

Status Exchange::read_until_close(Receiver& receiver) {
  if (!input_.empty()) {
    if (auto status = receiver.take(bytes_of(input_)); !status) return status;
    input_.clear();
  }
  while (!receiver.was_cut) {
    STRATA_TRY(const std::size_t count, read_blocking(context_.buffer));
    if (count == 0) return {};
    if (auto status = receiver.take(context_.buffer.first(count)); !status) return status;
  }
  return {};
}

}  // namespace strata::http
