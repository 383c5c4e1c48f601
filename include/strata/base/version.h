#pragma once

#include <string_view>

namespace strata {

inline constexpr std::string_view kVersion = "0.1.0";  // as in CMakeLists.txt

}  // namespace strata
