#pragma once

#include <string>

#include "storage/http/server.h"

namespace strata::storage {

// A JSON body of any status.
[[nodiscard]] http::Response json_response(int status, std::string body);
// A problem document (RFC 9457) with the fields its status asks for: Retry-After, WWW-Authenticate.
[[nodiscard]] http::Response problem_response(const Error& error, const std::string& request_id);

}  // namespace strata::storage
