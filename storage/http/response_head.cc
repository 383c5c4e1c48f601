#include "storage/http/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "storage/http/field_lines.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::http {
namespace {

bool is_engine_field(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kEngine = {
      "Content-Length", "Connection", "Date", "Keep-Alive", "X-Request-Id", "Transfer-Encoding"};
  return std::ranges::any_of(kEngine, [&](std::string_view f) { return iequals(f, name); });
}

void append_field(ByteBuffer& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(": ");
  out.append(value);
  out.append("\r\n");
}

void append_number(ByteBuffer& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void append_status_line(ByteBuffer& out, int status) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(status));
  out.append(" ");
  out.append(reason_phrase(status));
  out.append("\r\n");
}

// Without what is the engine's to say, and without what would break the framing.
void append_fields(ByteBuffer& out, const Headers& headers, std::string_view request_id) {
  for (const auto& [name, value] : headers.fields()) {
    if (is_engine_field(name)) continue;
    if (!is_token(name) || !is_field_text(value)) {
      log::error("response.field", {{"id", request_id}, {"name", name}});
      continue;
    }
    append_field(out, name, value);
  }
}

}  // namespace

Delivery plan_delivery(const Response& response, std::string_view method, int minor_version) {
  using Kind = Delivery::Kind;
  Delivery plan;
  std::uint64_t length = response.body.size();
  if (response.source) {
    length = 0;
    for (const ContentPart& part : response.parts) length += part.text.size() + part.range.length;
  }
  const bool open_ended = response.source && response.until_end;
  if (response.status == 204 || response.status == 304 || method == "HEAD") {
    if (response.status == 204) return plan;
    plan.content_length = response.content_length;
    if (!plan.content_length && response.status != 304 && !open_ended) plan.content_length = length;
    return plan;
  }
  if (open_ended) {
    plan.kind = minor_version >= 1 ? Kind::kChunked : Kind::kUntilClose;
    return plan;
  }
  plan.kind = response.source ? Kind::kParts : Kind::kBody;
  plan.content_length = plan.promised = length;
  return plan;
}

void append_response_head(ByteBuffer& out, const Response& response, const Delivery& delivery,
                          const ResponseFacts& facts) {
  append_status_line(out, response.status);
  append_fields(out, response.headers, facts.request_id);
  if (delivery.content_length) {
    out.append("Content-Length: ");
    append_number(out, *delivery.content_length);
    out.append("\r\n");
  }
  if (delivery.kind == Delivery::Kind::kChunked) {
    append_field(out, "Transfer-Encoding", "chunked");
  }
  if (!facts.keep_alive) {
    append_field(out, "Connection", "close");
  } else if (facts.minor_version == 0) {
    append_field(out, "Connection", "keep-alive");
  }
  append_field(out, "Date", facts.date);
  append_field(out, "X-Request-Id", facts.request_id);
  out.append("\r\n");
}

void append_interim_head(ByteBuffer& out, int status, const Headers& headers,
                         std::string_view request_id) {
  check(status > 101 && status < 200, "not an interim response of a handler");
  append_status_line(out, status);
  append_fields(out, headers, request_id);
  out.append("\r\n");
}

}  // namespace strata::http
