#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "strata/base/result.h"

namespace strata::http {

// An http or https URL (RFC 3986), no userinfo, no fragment.
struct Url {
  std::string scheme;
  std::string host;  // without brackets
  std::uint16_t port = 0;
  std::string target;  // path and query, at least "/"

  [[nodiscard]] static Result<Url> parse(std::string_view text);
  [[nodiscard]] std::string authority() const;  // for Host: the port only when not the default
  [[nodiscard]] std::string origin() const;     // scheme://authority
  [[nodiscard]] std::string text() const { return origin() + target; }
  // Resolves a Location against this URL: absolute, or starting with '/'.
  [[nodiscard]] Result<Url> resolve(std::string_view location) const;
};

[[nodiscard]] bool is_loopback_host(
    std::string_view host);  // localhost, 127/8, ::1; with [] or not

}  // namespace strata::http
