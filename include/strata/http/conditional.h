#pragma once

#include <string_view>

#include "strata/base/clock.h"
#include "strata/http/headers.h"

// Conditional requests (RFC 9110 §13): the order If-Match, If-Unmodified-Since, If-None-Match,
// If-Modified-Since, If-Range.
namespace strata::http {

struct Validators {
  std::string_view etag;  // strong, quoted
  UnixMillis last_modified;
};

enum class Precondition : unsigned char { kProceed, kNotModified /* 304 */, kFailed /* 412 */ };

// For GET and HEAD of an existing representation.
[[nodiscard]] Precondition evaluate_preconditions(const Headers& request, const Validators& now);

// Whether Range may be acted on: no If-Range, or one that holds (strong ETag equality, or the exact
// Last-Modified date).
[[nodiscard]] bool if_range_holds(const Headers& request, const Validators& now);

}  // namespace strata::http
