#include "storage/http/request_content.h"

#include <algorithm>
#include <cstring>

#include "storage/http/response_head.h"

namespace strata::http {
namespace {

constexpr std::size_t kFramingBytes = 2 * kKiB;  // read when chunk sizes are looked for

// The stream has one wait at a time, so reads and interim responses exclude each other.
class Busy {
 public:
  explicit Busy(bool& flag) : flag_(flag) {
    check(!flag_, "one read or interim response at a time");
    flag_ = true;
  }
  ~Busy() { flag_ = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  bool& flag_;
};

}  // namespace

RequestContent::RequestContent(const RequestHead& head, SocketStream& stream, ByteBuffer& input,
                               const Limits& limits, std::string request_id)
    : stream_(stream),
      input_(input),
      limits_(limits),
      request_id_(std::move(request_id)),
      minor_version_(head.minor_version),
      framing_(head.framing),
      remaining_(head.framing.length),
      chunks_(limits),
      continue_wanted_(head.expects_continue),
      ended_(head.framing.kind != Framing::Kind::kChunked && head.framing.length == 0) {}

std::optional<std::uint64_t> RequestContent::length() const {
  if (framing_.kind == Framing::Kind::kChunked) return std::nullopt;
  return framing_.length;
}

Awaitable<Result<std::size_t>> RequestContent::read_some(std::span<std::byte> out) {
  if (failure_) co_return *failure_;
  if (ended_) co_return std::size_t{0};
  const Busy busy(busy_);
  auto n = co_await read(out);
  if (!n && !failure_) failure_ = n.error();
  co_return n;
}

Awaitable<Result<std::size_t>> RequestContent::read(std::span<std::byte> out) {
  if (continue_wanted_) {
    continue_wanted_ = false;
    // A client that did not wait has sent content already; it needs no 100 (RFC 9110 §10.1.1).
    if (input_.empty()) {
      const Status sent = co_await stream_.send("HTTP/1.1 100 Continue\r\n\r\n", false);
      if (!sent) co_return sent.error();
    }
  }
  if (framing_.kind == Framing::Kind::kChunked) co_return co_await read_chunked(out);
  co_return co_await read_with_length(out);
}

const Headers& RequestContent::trailers() const {
  static const Headers kNone;
  return ended_ ? chunks_.trailers() : kNone;
}

void RequestContent::interrupt() {
  if (answered_) return;  // the connection may already be the next request's
  interrupted_ = true;
  if (!failure_) failure_ = Error(Errc::kCancelled, "a newer request took over");
  stream_.interrupt_content();
}

Awaitable<Status> RequestContent::send_interim(int status, const Headers& headers) {
  if (answered_) co_return Error(Errc::kCancelled, "the answer is on its way");
  if (minor_version_ == 0) co_return Status();
  const Busy busy(busy_);
  ByteBuffer head;
  append_interim_head(head, status, headers, request_id_);
  const Status sent = co_await stream_.send_if_room(head.view());
  if (!sent && !failure_) failure_ = sent.error();
  co_return sent;
}

// Bytes of the message body as they are on the wire, never 0.
Awaitable<Result<std::size_t>> RequestContent::read_raw(std::span<std::byte> out) {
  if (!input_.empty()) {
    const std::size_t n = std::min(out.size(), input_.size());
    std::memcpy(out.data(), input_.view().data(), n);
    input_.consume(n);
    co_return n;
  }
  STRATA_CO_TRY(const std::size_t n, co_await stream_.read_content(out));
  if (n == 0) co_return Error(Errc::kConnectionLost, "the content ended early");
  co_return n;
}

Awaitable<Result<std::size_t>> RequestContent::read_with_length(std::span<std::byte> out) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), remaining_));
  STRATA_CO_TRY(const std::size_t n, co_await read_raw(out.first(wanted)));
  remaining_ -= n;
  ended_ = remaining_ == 0;
  co_return n;
}

Awaitable<Result<std::size_t>> RequestContent::read_chunked(std::span<std::byte> out) {
  while (chunks_.chunk_remaining() == 0) {
    const Status status = co_await read_framing();
    if (!status) co_return status.error();
    if (ended_) co_return std::size_t{0};
  }
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), chunks_.chunk_remaining()));
  STRATA_CO_TRY(const std::size_t n, co_await read_raw(out.first(wanted)));
  chunks_.skip_content(n);
  co_return n;
}

// Feeds bytes to the decoder up to the next content.
Awaitable<Status> RequestContent::read_framing() {
  if (input_.empty()) {
    const std::span<char> room = input_.reserve(kFramingBytes).first(kFramingBytes);
    const auto n = co_await stream_.read_content(std::as_writable_bytes(room));
    if (!n) co_return n.error();
    if (*n == 0) co_return Error(Errc::kConnectionLost, "the content ended before its last chunk");
    input_.commit(*n);
  }
  const auto step = chunks_.step(input_.view(), 0);
  if (!step) co_return step.error();
  input_.consume(step->consumed);
  ended_ = step->done;
  co_return Status();
}

Awaitable<Result<std::string>> RequestContent::read_all(std::size_t bytes_max) {
  const Error too_large(Errc::kTooLarge,
                        "the content is longer than " + std::to_string(bytes_max) + " bytes");
  if (length().value_or(0) > bytes_max) co_return too_large;
  std::string text;
  for (;;) {
    constexpr std::size_t kStep = 16 * kKiB;
    const std::size_t held = text.size();
    if (held > bytes_max) co_return too_large;
    const std::uint64_t wanted = length() ? std::max<std::uint64_t>(remaining_, 1) : kStep;
    text.resize(held + static_cast<std::size_t>(std::min<std::uint64_t>(wanted, kMiB)));
    const auto n = co_await read_some(std::as_writable_bytes(std::span(text).subspan(held)));
    if (!n) co_return n.error();
    text.resize(held + *n);
    if (*n == 0) co_return text;
  }
}

bool RequestContent::worth_discarding() const {
  return !failure_ && !continue_wanted_ && framing_.kind == Framing::Kind::kLength &&
         remaining_ <= limits_.discard_bytes_max;
}

Awaitable<Status> RequestContent::discard() {
  std::array<std::byte, 4096> scratch;
  while (!ended_) {
    const auto n = co_await read_some(scratch);
    if (!n) co_return n.error();
  }
  co_return Status();
}

}  // namespace strata::http
