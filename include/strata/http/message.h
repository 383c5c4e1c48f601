#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/http/headers.h"

// HTTP/1.1 messages as values (RFC 9112), and the framing guard that makes a request head from
// bytes. The guard is the only request parser of strata-storage, so there is no second one to
// disagree with it; what is ambiguous is refused, never repaired.
namespace strata::http {

// How the content of a message is delimited.
struct Framing {
  enum class Kind : std::uint8_t { kNone, kLength, kChunked, kUntilClose /* responses only */ };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;  // kLength
};

struct RequestHead {
  std::string method;
  std::string
      target;        // as sent, origin-form ("/v1/images?limit=2"); absolute-form is reduced to it
  std::string path;  // percent-decoded, no query; never holds NUL; an escaped '/' stays "%2F"
  std::string raw_path;  // before decoding: segments are split here, then decoded one by one
  std::vector<std::pair<std::string, std::string>> query;  // decoded ('+' = space)
  std::string authority;  // Host, or the authority of an absolute-form target (must agree)
  int minor_version = 1;  // HTTP/1.x
  Headers headers;
  Framing framing;
  bool keep_alive = true;
  bool expects_continue = false;

  [[nodiscard]] std::optional<std::string_view> query_value(std::string_view key) const;
};

struct ResponseHead {
  int status = 0;
  std::string reason;
  int minor_version = 1;
  Headers headers;
  Framing framing;
  bool keep_alive = true;
};

// Bytes up to and including the blank line: nullopt = more are needed. kHeadersTooLarge when there
// is none within limits.header_bytes_max; kMalformed at the first bare LF. `searched`: how many of
// the bytes an earlier call has seen, so that a slow sender costs no second look at them.
[[nodiscard]] Result<std::optional<std::size_t>> find_head_end(std::string_view bytes,
                                                               const Limits& limits,
                                                               std::size_t searched = 0);

// `head` ends with the blank line. Refused with kMalformed (connection to be closed): bare CR or
// LF, obs-fold, space before the colon, control characters, a second Host or Content-Length (even
// an equal one), Content-Length with Transfer-Encoding, a missing Host in HTTP/1.1, userinfo,
// Content-Length that is no plain decimal; kNotImplemented: a transfer coding other than exactly
// "chunked"; kHttpVersion: not HTTP/1.0 or 1.1; kHeadersTooLarge, kTargetTooLong: limits.
[[nodiscard]] Result<RequestHead> parse_request_head(std::string_view head, const Limits& limits);

// `request_method` decides whether content follows (HEAD).
[[nodiscard]] Result<ResponseHead> parse_response_head(std::string_view head,
                                                       std::string_view request_method,
                                                       const Limits& limits);

[[nodiscard]] std::string_view reason_phrase(int status);

// Decodes the chunked transfer coding incrementally and strictly: chunk sizes of at most 16 hex
// digits without overflow, bounded extensions, trailers parsed and bounded, bare LF refused.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(const Limits& limits);
  struct Step {
    std::size_t consumed;   // bytes of `in` used up
    std::string_view data;  // content within `in`; may be empty
    bool done;              // the last chunk and the trailers have been read
  };
  // kMalformed on bad framing. Call again with the rest until consumed == in.size() or done.
  // At most `content_max` bytes of content are handed over: 0 reads framing only.
  [[nodiscard]] Result<Step> step(std::string_view in, std::size_t content_max = std::string::npos);
  // How many more content bytes the current chunk holds (to read them without a copy); when data
  // was read around step(), say so with skip_content().
  [[nodiscard]] std::uint64_t chunk_remaining() const { return remaining_; }
  void skip_content(std::uint64_t bytes);
  [[nodiscard]] const Headers& trailers() const { return trailers_; }

 private:
  enum class State : std::uint8_t { kSize, kContent, kContentEnd, kTrailers, kDone };
  [[nodiscard]] Result<bool> take_into_line(std::string_view in, std::size_t& consumed);
  [[nodiscard]] Status end_of_line();
  [[nodiscard]] Status end_of_trailer_line();

  const Limits& limits_;
  State state_ = State::kSize;
  std::uint64_t remaining_ = 0;
  std::string line_;
  std::uint64_t overhead_ = 0;  // bytes of size lines beyond what the content pays for
  std::size_t trailer_bytes_ = 0;
  Headers trailers_;
};

}  // namespace strata::http
