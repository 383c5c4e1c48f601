#pragma once

#include <array>
#include <string_view>

namespace strata::registry {

// Parts of the OpenAPI document, each a JSON object.
[[nodiscard]] std::array<std::string_view, 4> openapi_paths();
[[nodiscard]] std::string_view openapi_components();

}  // namespace strata::registry
