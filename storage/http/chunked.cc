#include <algorithm>
#include <array>

#include "storage/http/field_lines.h"
#include "strata/base/text.h"
#include "strata/http/message.h"

// chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF (RFC 9112 §7.1).
namespace strata::http {
namespace {

constexpr std::size_t kSizeDigitsMax = 16;

// Fields that frame, route or authorise a message are never taken from a trailer (RFC 9110 §6.5.1).
bool is_forbidden_trailer(std::string_view name) {
  static constexpr std::array<std::string_view, 16> kForbidden = {
      "Content-Length", "Transfer-Encoding",
      "Host",           "Trailer",
      "Connection",     "TE",
      "Expect",         "Range",
      "Authorization",  "Cookie",
      "Content-Type",   "Content-Encoding",
      "Content-Range",  "Cache-Control",
      "Upgrade",        "Max-Forwards"};
  return std::ranges::any_of(kForbidden, [&](std::string_view f) { return iequals(f, name); });
}

Result<std::uint64_t> parse_size_line(std::string_view line) {
  const std::string_view digits = line.substr(0, line.find(';'));
  if (digits.empty() || digits.size() > kSizeDigitsMax) {
    return Error(Errc::kMalformed, "a chunk size is missing or too long");
  }
  std::uint64_t size = 0;
  for (const char c : digits) {
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      size = size << 4 | static_cast<std::uint64_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      size = size << 4 | static_cast<std::uint64_t>(lower - 'a' + 10);
    } else {
      return Error(Errc::kMalformed, "a chunk size is not hexadecimal");
    }
  }
  if (!is_field_text(line))
    return Error(Errc::kMalformed, "a chunk extension holds a control character");
  return size;
}

}  // namespace

ChunkedDecoder::ChunkedDecoder(const Limits& limits) : limits_(limits) {}

Result<ChunkedDecoder::Step> ChunkedDecoder::step(std::string_view in, std::size_t content_max) {
  std::size_t consumed = 0;
  while (state_ != State::kDone && consumed < in.size()) {
    if (state_ == State::kContent) {
      const auto take = static_cast<std::size_t>(
          std::min<std::uint64_t>(remaining_, std::min(in.size() - consumed, content_max)));
      skip_content(take);
      return Step{consumed + take, in.substr(consumed, take), false};
    }
    STRATA_TRY(const bool complete, take_into_line(in, consumed));
    if (!complete) break;
    if (const Status s = end_of_line(); !s) return s.error();
    line_.clear();
  }
  return Step{consumed, {}, state_ == State::kDone};
}

void ChunkedDecoder::skip_content(std::uint64_t bytes) {
  check(state_ == State::kContent && bytes <= remaining_, "skip_content beyond the chunk");
  remaining_ -= bytes;
  if (remaining_ == 0) state_ = State::kContentEnd;
}

// Moves bytes up to the next LF into line_; true when the line (without CRLF) is whole.
Result<bool> ChunkedDecoder::take_into_line(std::string_view in, std::size_t& consumed) {
  const std::string_view rest = in.substr(consumed);
  const std::size_t feed = rest.find('\n');
  const std::string_view piece = rest.substr(0, feed);
  const std::size_t line_max =
      state_ == State::kTrailers ? limits_.header_bytes_max : limits_.chunk_line_bytes_max;
  if (line_.size() + piece.size() > line_max) {
    return Error(Errc::kMalformed, "a line of the chunked coding is too long");
  }
  line_ += piece;
  if (feed == std::string_view::npos) {
    consumed = in.size();
    return false;
  }
  consumed += feed + 1;
  if (!line_.ends_with('\r')) {
    return Error(Errc::kMalformed, "a line of the chunked coding does not end with CR LF");
  }
  line_.pop_back();
  return true;
}

Status ChunkedDecoder::end_of_line() {
  switch (state_) {
    case State::kSize: {
      STRATA_TRY(remaining_, parse_size_line(line_));
      // Tiny chunks with long extensions would make much traffic of little content.
      overhead_ += line_.size();
      overhead_ -= std::min<std::uint64_t>(
          overhead_, kSizeDigitsMax + 2 * std::min<std::uint64_t>(remaining_, kMiB));
      if (overhead_ > limits_.header_bytes_max) {
        return Error(Errc::kMalformed, "too many chunk extensions");
      }
      state_ = remaining_ == 0 ? State::kTrailers : State::kContent;
      return {};
    }
    case State::kContentEnd:
      if (!line_.empty()) return Error(Errc::kMalformed, "a chunk is longer than its size");
      state_ = State::kSize;
      return {};
    case State::kTrailers:
      return end_of_trailer_line();
    case State::kContent:
    case State::kDone:
      break;
  }
  check(false, "no line is read in this state");
  return {};
}

Status ChunkedDecoder::end_of_trailer_line() {
  if (line_.empty()) {
    state_ = State::kDone;
    return {};
  }
  trailer_bytes_ += line_.size() + 2;
  if (trailer_bytes_ > limits_.header_bytes_max ||
      trailers_.fields().size() >= limits_.header_count_max) {
    return Error(Errc::kHeadersTooLarge, "too many trailer fields");
  }
  if (const Status s = add_field_line(line_, trailers_); !s) return s.error();
  const std::string& name = trailers_.fields().back().first;
  if (is_forbidden_trailer(name)) {
    return Error(Errc::kMalformed, "a trailer may not hold this field: " + name);
  }
  return {};
}

}  // namespace strata::http
