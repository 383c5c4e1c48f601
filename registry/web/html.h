#pragma once

#include <string>
#include <string_view>

// What the pages are made of. Texts are escaped here; `content` is HTML.
namespace strata::web {

[[nodiscard]] std::string page(std::string_view title, std::string_view content);
[[nodiscard]] std::string link(std::string_view target, std::string_view text);
[[nodiscard]] std::string badge(std::string_view kind);
// A location: a link where it may be one.
[[nodiscard]] std::string place(std::string_view uri);
[[nodiscard]] std::string time(std::string_view rfc3339);
// Empty without a target.
[[nodiscard]] std::string next_link(std::string_view target);

}  // namespace strata::web
