#pragma once

#include <string_view>

#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/http/headers.h"

// Lines of a header or trailer section, strictly (RFC 9112 §5): what other parsers read in two ways
// is refused here, so that nothing in front of us or behind us can see another message.
namespace strata::http {

[[nodiscard]] bool is_token(std::string_view text);  // RFC 9110 §5.6.2, not empty
// SP, HTAB, VCHAR and obs-text: no NUL, CR, LF or other control character.
[[nodiscard]] bool is_field_text(std::string_view text);

// One line without its CRLF, added to `headers`.
[[nodiscard]] Status add_field_line(std::string_view line, Headers& headers);

// All lines up to the blank one; `lines` ends with CRLF CRLF or is just CRLF.
[[nodiscard]] Status parse_field_lines(std::string_view lines, const Limits& limits,
                                       Headers& headers);

// Takes the next line, without its CRLF, from the front of `text`; kMalformed on a bare CR or LF.
[[nodiscard]] Result<std::string_view> take_line(std::string_view& text);

}  // namespace strata::http
