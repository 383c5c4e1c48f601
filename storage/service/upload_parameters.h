#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/catalog/image.h"
#include "strata/base/digest.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"

namespace strata::storage {

// What a client says about an upload (API.md: "Parameters of an upload"), parsed and checked.
struct UploadParameters {
  std::string name;
  catalog::Visibility visibility = catalog::Visibility::kPrivate;
  std::vector<std::string> tags;
  std::map<std::string, std::string> metadata;
  ExpectedDigests stored, decoded;
};

// kMalformed names the key and what would be right; an unknown key is refused.
[[nodiscard]] Result<UploadParameters> parse_upload_parameters(
    const std::vector<std::pair<std::string, std::string>>& pairs, const Limits& limits);

// Whether the key is one that parse_upload_parameters knows.
[[nodiscard]] bool is_upload_parameter(std::string_view key);

// One word about an image, as an upload parameter or in a PATCH.
[[nodiscard]] bool is_metadata_key(std::string_view key);
[[nodiscard]] Status check_metadata_value(std::string_view key, std::string_view value,
                                          const Limits& limits);
// A name is a portable file name: valid UTF-8 without control characters or '/', not "." or "..".
[[nodiscard]] Status check_name(std::string_view name, const Limits& limits);
[[nodiscard]] Result<catalog::Visibility> parse_visibility(std::string_view text);
[[nodiscard]] std::string_view visibility_name(catalog::Visibility visibility);
[[nodiscard]] Result<std::vector<std::string>> check_tags(std::vector<std::string> tags,
                                                          const Limits& limits);

}  // namespace strata::storage
