#pragma once

#include <string>
#include <string_view>

#include "strata/base/result.h"

namespace strata::http {

inline constexpr std::string_view kProblemType = "application/problem+json";

// RFC 9457 body of an error: type, title, status, detail, request_id.
[[nodiscard]] std::string problem_json(const Error& error, std::string_view request_id);

// The other direction, for clients: an Error from a response's status and body (a problem document
// or anything else), with the server's detail.
[[nodiscard]] Error error_from_response(int status, std::string_view content_type,
                                        std::string_view body);

}  // namespace strata::http
