#include "storage/service/tus_fields.h"

#include <algorithm>

#include "storage/service/upload_parameters.h"
#include "strata/base/text.h"

namespace strata::storage::tus {
namespace {

constexpr std::string_view kUploadPath = "/v1/uploads/";

template <typename D>
Status keep_digest(std::optional<D>& into, const std::vector<std::uint8_t>& bytes) {
  D digest;
  if (bytes.size() != digest.bytes.size()) {
    return Error(Errc::kMalformed, "Upload-Checksum: a " +
                                       std::string(algorithm_name(D::kAlgorithm)) + " has " +
                                       std::to_string(digest.bytes.size()) + " bytes");
  }
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  into = digest;
  return {};
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> parse_metadata(std::string_view value) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (trim(value).empty()) return pairs;
  for (const std::string_view element : split(value, ',')) {
    const std::string_view pair = trim(element);
    const std::size_t space = pair.find(' ');
    const std::string key(pair.substr(0, space));
    if (key.empty()) {
      return Error(Errc::kMalformed, "Upload-Metadata is a list of `key base64`, a key is missing");
    }
    const std::string_view encoded =
        space == std::string_view::npos ? std::string_view() : trim(pair.substr(space + 1));
    const auto decoded = from_base64(encoded);
    if (!decoded) {
      return Error(Errc::kMalformed, "Upload-Metadata: the value of '" + key + "' is no base64");
    }
    const bool twice = std::any_of(pairs.begin(), pairs.end(),
                                   [&](const auto& other) { return other.first == key; });
    if (twice) return Error(Errc::kMalformed, "Upload-Metadata: '" + key + "' is given twice");
    pairs.emplace_back(key, std::string(decoded->begin(), decoded->end()));
  }
  return pairs;
}

std::vector<std::pair<std::string, std::string>> known_parameters(
    const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::vector<std::pair<std::string, std::string>> known;
  bool has_filename = false;
  for (const auto& [key, value] : metadata) has_filename = has_filename || key == "filename";
  for (const auto& [key, value] : metadata) {
    if (is_upload_parameter(key)) known.emplace_back(key, value);
    if (key == "name" && !has_filename) known.emplace_back("filename", value);
  }
  return known;
}

Result<ExpectedDigests> parse_checksum(std::string_view value) {
  const std::string_view text = trim(value);
  const std::size_t space = text.find(' ');
  const std::string_view algorithm = text.substr(0, space);
  const bool known = algorithm == "sha1" || algorithm == "sha256" || algorithm == "sha512";
  if (!known) {
    return Error(Errc::kMalformed, "Upload-Checksum: the algorithms are sha1, sha256 and sha512");
  }
  const auto bytes =
      space == std::string_view::npos ? std::nullopt : from_base64(trim(text.substr(space + 1)));
  if (!bytes) {
    return Error(Errc::kMalformed, "Upload-Checksum is an algorithm, a space and base64");
  }
  ExpectedDigests expected;
  Status kept;
  if (algorithm == "sha1") kept = keep_digest(expected.sha1, *bytes);
  if (algorithm == "sha256") kept = keep_digest(expected.sha256, *bytes);
  if (algorithm == "sha512") kept = keep_digest(expected.sha512, *bytes);
  if (!kept) return kept.error();
  return expected;
}

Result<Concat> parse_concat(std::string_view value, std::string_view public_url,
                            const Limits& limits) {
  constexpr std::string_view kFinal = "final;";
  Concat concat;
  const std::string_view text = trim(value);
  if (text == "partial") return concat;
  if (!text.starts_with(kFinal)) {
    return Error(Errc::kMalformed, "Upload-Concat is `partial` or `final;URL URL ...`");
  }
  concat.is_final = true;
  for (std::string_view url : split(text.substr(kFinal.size()), ' ')) {
    if (url.empty()) continue;
    if (concat.parts.size() == limits.upload_parts_max) {
      return Error(Errc::kMalformed, "Upload-Concat: a concatenation has at most " +
                                         std::to_string(limits.upload_parts_max) + " parts");
    }
    if (url.starts_with(public_url)) url.remove_prefix(public_url.size());
    const bool ours = url.starts_with(kUploadPath);
    const auto token = ours ? RandomId::parse(url.substr(kUploadPath.size()))
                            : Result<RandomId>(Error(Errc::kMalformed, ""));
    if (!token) {
      return Error(Errc::kMalformed, "Upload-Concat: part " +
                                         std::to_string(concat.parts.size() + 1) +
                                         " is not the URL of an upload of this server");
    }
    concat.parts.push_back(*token);
  }
  return concat;
}

Result<std::uint64_t> parse_size(std::string_view field, std::string_view value) {
  const auto size = parse_decimal(value);
  if (!size) {
    return Error(Errc::kMalformed, std::string(field) + " must be a decimal number of bytes");
  }
  return *size;
}

}  // namespace strata::storage::tus
