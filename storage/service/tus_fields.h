#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/base/digest.h"
#include "strata/base/ids.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"

// The fields of tus 1.0.0 whose values have a grammar of their own. All pure; kMalformed says which
// field is wrong and what would be right.
namespace strata::storage::tus {

// Upload-Metadata: `key base64,key base64,...`, a value may be missing; keys are unique.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> parse_metadata(
    std::string_view value);
// Of these the parameters that API.md names; clients send others too ("filetype", ...), which mean
// nothing here. `name` stands for `filename` where that is missing (uppy).
[[nodiscard]] std::vector<std::pair<std::string, std::string>> known_parameters(
    const std::vector<std::pair<std::string, std::string>>& metadata);

// Upload-Checksum: `sha1|sha256|sha512 base64`.
[[nodiscard]] Result<ExpectedDigests> parse_checksum(std::string_view value);

// Upload-Concat: `partial`, or `final;URL URL ...` with URLs of this server (`public_url`, or
// paths).
struct Concat {
  bool is_final = false;
  std::vector<RandomId> parts;
};
[[nodiscard]] Result<Concat> parse_concat(std::string_view value, std::string_view public_url,
                                          const Limits& limits);

// Upload-Offset, Upload-Length: a decimal number, nothing else.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view field, std::string_view value);

}  // namespace strata::storage::tus
