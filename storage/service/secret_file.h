#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "strata/base/result.h"

namespace strata::storage {

// Small secrets (a token, a private key) in files of mode 0600.

// Without the line end; nullopt when it cannot be read.
[[nodiscard]] std::optional<std::string> read_secret(const std::string& path);
// Creates the file, durably; kConflict when it exists.
[[nodiscard]] Status write_secret(const std::string& path, std::string_view contents);

}  // namespace strata::storage
