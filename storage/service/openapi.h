#pragma once

#include <string_view>

namespace strata::storage {

// The OpenAPI 3.1 description of what this version answers.
extern const std::string_view kOpenApi;

}  // namespace strata::storage
