#include "strata/http/message.h"

#include <algorithm>

#include "storage/http/field_lines.h"
#include "storage/http/framing.h"
#include "storage/http/target.h"
#include "strata/base/text.h"

namespace strata::http {
namespace {

constexpr std::size_t kMethodBytesMax = 32;  // the longest registered one has 17

// "HTTP/1.0" or "HTTP/1.1" to 0 or 1.
Result<int> parse_version(std::string_view text) {
  const bool shaped = text.size() == 8 && text.starts_with("HTTP/") && text[5] >= '0' &&
                      text[5] <= '9' && text[6] == '.' && text[7] >= '0' && text[7] <= '9';
  if (!shaped) return Error(Errc::kMalformed, "the first line names no HTTP version");
  if (text == "HTTP/1.1") return 1;
  if (text == "HTTP/1.0") return 0;
  return Error(Errc::kHttpVersion, "only HTTP/1.1 and HTTP/1.0 are spoken here");
}

// Splits "METHOD SP target SP version" at exactly two spaces.
Status parse_request_line(std::string_view line, const Limits& limits, RequestHead& head,
                          std::string_view& target) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return Error(Errc::kMalformed, "the request line has no three parts");
  }
  const std::string_view method = line.substr(0, first);
  if (!is_token(method) || method.size() > kMethodBytesMax) {
    return Error(Errc::kMalformed, "the method is no token");
  }
  head.method = method;
  target = line.substr(first + 1, last - first - 1);
  if (target.size() > limits.target_bytes_max) {
    return Error(Errc::kTargetTooLong, "the request target is longer than " +
                                           std::to_string(limits.target_bytes_max) + " bytes");
  }
  STRATA_TRY(head.minor_version, parse_version(line.substr(last + 1)));
  return {};
}

// "HTTP/1.1 200 OK"; the reason may be empty, and some servers leave out the space before it.
Status parse_status_line(std::string_view line, ResponseHead& head) {
  STRATA_TRY(head.minor_version, parse_version(line.substr(0, 8)));
  const auto status = line.size() >= 12 ? parse_decimal(line.substr(9, 3)) : std::nullopt;
  const bool shaped = status && *status >= 100 && *status <= 599 && line[8] == ' ' &&
                      (line.size() == 12 || line[12] == ' ') && is_field_text(line);
  if (!shaped) return Error(Errc::kMalformed, "the status line is malformed");
  head.status = static_cast<int>(*status);
  head.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  return {};
}

}  // namespace

std::optional<std::string_view> RequestHead::query_value(std::string_view key) const {
  const auto found = std::ranges::find(query, key, &std::pair<std::string, std::string>::first);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

Result<std::optional<std::size_t>> find_head_end(std::string_view bytes, const Limits& limits,
                                                 std::size_t searched) {
  std::size_t from = std::min(searched, bytes.size());
  for (;;) {
    const std::size_t feed = bytes.find('\n', from);
    if (feed == std::string_view::npos) break;
    // Found here and not after the blank line, so that bare-LF heads are answered at once.
    if (feed == 0 || bytes[feed - 1] != '\r') {
      return Error(Errc::kMalformed, "a line does not end with CR LF");
    }
    if (feed >= 3 && bytes[feed - 2] == '\n') {
      if (feed + 1 > limits.header_bytes_max) break;
      return std::optional(feed + 1);
    }
    from = feed + 1;
  }
  if (bytes.size() >= limits.header_bytes_max) {
    return Error(Errc::kHeadersTooLarge,
                 "the header is longer than " + std::to_string(limits.header_bytes_max) + " bytes");
  }
  return std::optional<std::size_t>();
}

Result<RequestHead> parse_request_head(std::string_view bytes, const Limits& limits) {
  if (bytes.size() > limits.header_bytes_max) {
    return Error(Errc::kHeadersTooLarge, "the header is too long");
  }
  RequestHead head;
  std::string_view target;
  STRATA_TRY(const std::string_view line, take_line(bytes));
  if (const Status s = parse_request_line(line, limits, head, target); !s) return s.error();
  if (const Status s = parse_field_lines(bytes, limits, head.headers); !s) return s.error();
  if (const Status s = parse_target(target, head); !s) return s.error();
  if (const Status s = check_host(head); !s) return s.error();
  STRATA_TRY(head.framing, parse_framing(head.headers, head.minor_version));
  head.keep_alive = wants_keep_alive(head.headers, head.minor_version);
  const bool has_content = head.framing.kind == Framing::Kind::kChunked || head.framing.length > 0;
  const auto expect = head.headers.get("Expect");
  head.expects_continue =
      has_content && head.minor_version >= 1 && expect && iequals(*expect, "100-continue");
  return head;
}

Result<ResponseHead> parse_response_head(std::string_view bytes, std::string_view request_method,
                                         const Limits& limits) {
  if (bytes.size() > limits.header_bytes_max) {
    return Error(Errc::kHeadersTooLarge, "the header is too long");
  }
  ResponseHead head;
  STRATA_TRY(const std::string_view line, take_line(bytes));
  if (const Status s = parse_status_line(line, head); !s) return s.error();
  if (const Status s = parse_field_lines(bytes, limits, head.headers); !s) return s.error();
  head.keep_alive = wants_keep_alive(head.headers, head.minor_version);
  const bool bodyless =
      request_method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
  if (bodyless) return head;
  STRATA_TRY(head.framing, parse_framing(head.headers, head.minor_version));
  if (head.framing.kind == Framing::Kind::kNone) {
    head.framing.kind = Framing::Kind::kUntilClose;
    head.keep_alive = false;
  }
  return head;
}

std::string_view reason_phrase(int status) {
  struct Reason {
    int status;
    std::string_view text;
  };
  static constexpr Reason kReasons[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {103, "Early Hints"},
      {104, "Upload Resumption Supported"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {460, "Checksum Mismatch"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  const auto* found = std::ranges::lower_bound(kReasons, status, {}, &Reason::status);
  return found != std::end(kReasons) && found->status == status ? found->text : "Unknown";
}

}  // namespace strata::http
