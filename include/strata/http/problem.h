#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "strata/base/result.h"

namespace strata::http {

inline constexpr std::string_view kProblemType = "application/problem+json";

// The types of draft-ietf-httpbis-resumable-upload; clients compare them as they stand.
inline constexpr std::string_view kMismatchingOffsetType =
    "https://iana.org/assignments/http-problem-types#mismatching-upload-offset";
inline constexpr std::string_view kCompletedUploadType =
    "https://iana.org/assignments/http-problem-types#completed-upload";
inline constexpr std::string_view kInconsistentLengthType =
    "https://iana.org/assignments/http-problem-types#inconsistent-upload-length";

// What a problem says beyond its Error.
struct ProblemExtras {
  using Value = std::variant<std::uint64_t, std::string>;
  std::string type;  // a URI instead of the Error's own type; empty: that one
  // Extension members (RFC 9457 §3.2), in this order behind the five: {"expected-offset", 100}.
  // None has the name of another.
  std::vector<std::pair<std::string, Value>> members;
};

// RFC 9457 body of an error: type, title, status, detail, request_id, and the extras.
[[nodiscard]] std::string problem_json(const Error& error, std::string_view request_id,
                                       const ProblemExtras& extras = {});

// The other direction, for clients: an Error from a response's status and body (a problem document
// or anything else), with the server's detail. The types above become kOffsetMismatch, kGone and
// kMalformed.
[[nodiscard]] Error error_from_response(int status, std::string_view content_type,
                                        std::string_view body);

}  // namespace strata::http
