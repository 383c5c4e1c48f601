#pragma once

#include <string>

namespace strata::registry {

// OpenAPI 3.1 description of this program's routes.
[[nodiscard]] std::string openapi_document(const std::string& public_url);

}  // namespace strata::registry
