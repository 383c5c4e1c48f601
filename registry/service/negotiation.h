#pragma once

#include <optional>
#include <string_view>

#include "registry/service/parameters.h"
#include "strata/http/headers.h"

namespace strata::registry {

enum class Media : std::uint8_t { kXml, kJson, kHtml };

// ?media= wins (kMalformed for one that does not exist), else Accept (RFC 9110 §12.5.1: highest
// weight, then most specific, then XML, JSON, HTML); without both, or when nothing fits, XML.
[[nodiscard]] Result<Media> negotiate(const Parameters& parameters, const http::Headers& headers);

// Whether a problem should be a page: the client asks for HTML before anything else.
[[nodiscard]] bool prefers_html(const http::Headers& headers);

}  // namespace strata::registry
