#pragma once

#include <string_view>

#include "strata/base/result.h"

namespace strata::registry {

// The content of the first part with a file name in a multipart/form-data body (RFC 7578), as a
// view into it. kMalformed: no boundary, bad framing, or no such part.
[[nodiscard]] Result<std::string_view> first_file(std::string_view content_type,
                                                  std::string_view body);

}  // namespace strata::registry
