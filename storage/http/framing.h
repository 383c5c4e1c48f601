#pragma once

#include <string_view>

#include "strata/base/result.h"
#include "strata/http/headers.h"
#include "strata/http/message.h"

// How long a message is and what happens to the connection after it (RFC 9112 §6.3, §9.3).
namespace strata::http {

// From Content-Length and Transfer-Encoding; kNone when there is neither. Refuses both together,
// repeated ones and every coding but exactly "chunked".
[[nodiscard]] Result<Framing> parse_framing(const Headers& headers, int minor_version);

[[nodiscard]] bool wants_keep_alive(const Headers& headers, int minor_version);

}  // namespace strata::http
