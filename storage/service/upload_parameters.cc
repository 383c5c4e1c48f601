#include "storage/service/upload_parameters.h"

#include <algorithm>
#include <array>

#include "strata/base/clock.h"
#include "strata/base/text.h"

namespace strata::storage {
namespace {

constexpr std::array<std::string_view, 8> kMetadataKeys = {
    "kind", "title", "description", "os", "os-version", "os-arch", "version", "valid"};

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

template <typename D>
Status set_digest(std::optional<D>& field, std::string_view key, std::string_view value) {
  const auto digest = D::from_hex(value);
  if (!digest) return digest.error().in(key);
  field = *digest;
  return {};
}

// "sha-256" or "bytes", with the "decoded-" already taken off.
Status set_expected(ExpectedDigests& expected, std::string_view what, std::string_view key,
                    std::string_view value) {
  if (what == "sha-1") return set_digest(expected.sha1, key, value);
  if (what == "sha-256") return set_digest(expected.sha256, key, value);
  if (what == "sha-512") return set_digest(expected.sha512, key, value);
  if (what != "bytes") {
    return Error(Errc::kMalformed, "unknown parameter '" + std::string(key) + "'");
  }
  const auto bytes = parse_decimal(value);
  if (!bytes) return Error(Errc::kMalformed, std::string(key) + " must be a decimal number");
  expected.bytes = *bytes;
  return {};
}

Status set_parameter(UploadParameters& parameters, const std::string& key, const std::string& value,
                     const Limits& limits) {
  if (key == "filename") {
    parameters.name = value;
    return check_name(value, limits);
  }
  if (key == "visibility") {
    STRATA_TRY(parameters.visibility, parse_visibility(value));
    return {};
  }
  if (key == "tags") {
    std::vector<std::string> tags;
    for (const std::string_view tag : split(value, ',')) {
      if (!trim(tag).empty()) tags.emplace_back(trim(tag));
    }
    STRATA_TRY(parameters.tags, check_tags(std::move(tags), limits));
    return {};
  }
  if (is_metadata_key(key)) {
    parameters.metadata[key] = value;
    return check_metadata_value(key, value, limits);
  }
  constexpr std::string_view kDecoded = "decoded-";
  if (key.starts_with(kDecoded)) {
    return set_expected(parameters.decoded, std::string_view(key).substr(kDecoded.size()), key,
                        value);
  }
  return set_expected(parameters.stored, key, key, value);
}

}  // namespace

bool is_upload_parameter(std::string_view key) {
  constexpr std::string_view kDecoded = "decoded-";
  if (key == "filename" || key == "visibility" || key == "tags" || is_metadata_key(key)) {
    return true;
  }
  if (key.starts_with(kDecoded)) key.remove_prefix(kDecoded.size());
  return key == "bytes" || algorithm_from_name(key).has_value();
}

bool is_metadata_key(std::string_view key) {
  return std::find(kMetadataKeys.begin(), kMetadataKeys.end(), key) != kMetadataKeys.end();
}

Status check_metadata_value(std::string_view key, std::string_view value, const Limits& limits) {
  const std::string name(key);
  if (value.size() > limits.metadata_value_bytes_max) {
    return Error(Errc::kMalformed, name + " is longer than " +
                                       std::to_string(limits.metadata_value_bytes_max) + " bytes");
  }
  const bool lines = key == "description";
  std::string flat(value);
  if (lines)
    std::replace_if(
        flat.begin(), flat.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  if (!is_valid_utf8(value) || has_control(flat)) {
    return Error(Errc::kMalformed, name + " must be UTF-8 text without control characters");
  }
  if (key == "kind" && value != "machine" && value != "disk") {
    return Error(Errc::kMalformed, "kind must be machine or disk");
  }
  if (key == "valid" && !parse_rfc3339(value)) {
    return Error(Errc::kMalformed, "valid must be a time like 2027-01-31T00:00:00Z");
  }
  return {};
}

Status check_name(std::string_view name, const Limits& limits) {
  if (name.empty() || name.size() > limits.name_bytes_max) {
    return Error(Errc::kMalformed,
                 "a name has 1 to " + std::to_string(limits.name_bytes_max) + " bytes");
  }
  if (!is_valid_utf8(name) || has_control(name) || name.find('/') != std::string_view::npos ||
      name == "." || name == "..") {
    return Error(Errc::kMalformed,
                 "a name is UTF-8 text without control characters or '/', and not '.' or '..'");
  }
  return {};
}

Result<catalog::Visibility> parse_visibility(std::string_view text) {
  if (text == "private") return catalog::Visibility::kPrivate;
  if (text == "public") return catalog::Visibility::kPublic;
  return Error(Errc::kMalformed, "visibility must be private or public");
}

std::string_view visibility_name(catalog::Visibility visibility) {
  return visibility == catalog::Visibility::kPublic ? "public" : "private";
}

Result<std::vector<std::string>> check_tags(std::vector<std::string> tags, const Limits& limits) {
  if (tags.size() > limits.tags_max) {
    return Error(Errc::kMalformed, "at most " + std::to_string(limits.tags_max) + " tags");
  }
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.size() > limits.tag_bytes_max || !is_valid_utf8(tag) ||
        has_control(tag)) {
      return Error(Errc::kMalformed, "a tag is UTF-8 text of 1 to " +
                                         std::to_string(limits.tag_bytes_max) +
                                         " bytes without control characters");
    }
  }
  return tags;
}

Result<UploadParameters> parse_upload_parameters(
    const std::vector<std::pair<std::string, std::string>>& pairs, const Limits& limits) {
  UploadParameters parameters;
  std::vector<std::string> seen;
  for (const auto& [key, value] : pairs) {
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      return Error(Errc::kMalformed, "parameter '" + key + "' is given twice");
    }
    seen.push_back(key);
    if (const Status status = set_parameter(parameters, key, value, limits); !status) {
      return status.error();
    }
  }
  return parameters;
}

}  // namespace strata::storage
