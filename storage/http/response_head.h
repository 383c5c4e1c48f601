#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/http/byte_buffer.h"
#include "storage/http/server.h"

namespace strata::http {

// How the content of a response goes out, decided before its head is written.
struct Delivery {
  enum class Kind : std::uint8_t { kNothing, kBody, kParts, kChunked, kUntilClose };
  Kind kind = Kind::kNothing;
  std::optional<std::uint64_t> content_length;  // the field; for HEAD and 304 nothing follows
  std::uint64_t promised = 0;                   // content bytes that will follow, if known
};
[[nodiscard]] Delivery plan_delivery(const Response& response, std::string_view method,
                                     int minor_version);

struct ResponseFacts {
  std::string_view request_id;
  std::string_view date;
  bool keep_alive;
  int minor_version;  // of the request
};
// Appends status line, fields and the blank line. Date, Connection, Content-Length,
// Transfer-Encoding and X-Request-Id are the engine's: a handler's are left out, and so is (with a
// log line) a field that would break the framing.
void append_response_head(ByteBuffer& out, const Response& response, const Delivery& delivery,
                          const ResponseFacts& facts);

// An interim response, whole (RFC 9110 §15.2). `status` is 102 to 199: 100 is the engine's, and 101
// would end HTTP. It has no content and says nothing of the connection; fields as above.
void append_interim_head(ByteBuffer& out, int status, const Headers& headers,
                         std::string_view request_id);

}  // namespace strata::http
