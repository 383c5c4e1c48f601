#pragma once

#include <string_view>

#include "strata/base/result.h"
#include "strata/http/message.h"

// The request target and the authority it is meant for (RFC 9112 §3.2).
namespace strata::http {

// Reduces `target` (origin-form, absolute-form, or * for OPTIONS) to origin-form and fills target,
// path, raw_path, query and, for absolute-form, authority of `head`, whose method is known.
[[nodiscard]] Status parse_target(std::string_view target, RequestHead& head);

// Checks Host against the version and the authority that parse_target found, and fills authority.
[[nodiscard]] Status check_host(RequestHead& head);

}  // namespace strata::http
