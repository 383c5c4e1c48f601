#include "registry/metadata/terms.h"

#include <algorithm>
#include <array>
#include <utility>

#include "registry/metadata/parse.h"
#include "registry/metadata/sequence.h"
#include "registry/metadata/vocabulary.h"

namespace strata::metadata {
namespace {

using Text = std::string ImageMetadata::*;
using Texts = std::vector<std::string> ImageMetadata::*;

struct TextTerm {
  std::string_view ns, name;
  Text member;
};
constexpr std::array<TextTerm, 11> kTextTerms = {
    {{kDcterms, "title", &ImageMetadata::title},
     {kDcterms, "description", &ImageMetadata::description},
     {kDcterms, "creator", &ImageMetadata::creator},
     {kDcterms, "publisher", &ImageMetadata::publisher},
     {kDcterms, "format", &ImageMetadata::format},
     {kDcterms, "compression", &ImageMetadata::compression},
     {kSlterms, "kind", &ImageMetadata::kind},
     {kSlterms, "version", &ImageMetadata::version},
     {kSlterms, "os", &ImageMetadata::os},
     {kSlterms, "os-version", &ImageMetadata::os_version},
     {kSlterms, "os-arch", &ImageMetadata::os_arch}}};

struct ListTerm {
  std::string_view ns, name;
  Texts member;
};
constexpr std::array<ListTerm, 3> kListTerms = {
    {{kDcterms, "alternative", &ImageMetadata::tags},
     {kSlterms, "hypervisor", &ImageMetadata::hypervisors},
     {kSlterms, "location", &ImageMetadata::locations}}};

// At most one of each (CON).
constexpr std::array<std::string_view, 6> kOnce = {"serial-number", "version",   "deprecated", "os",
                                                   "os-arch",       "os-version"};

// Terms of StratusLab's own namespace that we do not know may be resources.
Result<std::string> text_or_nothing(const xmlNode* node) {
  if (name_of(node) == "deprecated" || child_elements(node).empty()) return simple_text(node);
  return std::string();
}

}  // namespace

Status TermReader::read(const xmlNode* node) {
  if (is_element(node, kDcterms, "identifier")) return malformed(node, "is not allowed here");
  if (auto status = check_property(node); !status) return status;
  if (is_element(node, kStrata, "stored")) return read_stored(node);
  for (const std::string_view once : kOnce) {
    if (is_element(node, kSlterms, once) && !seen_.insert(once).second) {
      return malformed(node, "may be there once only");
    }
  }
  for (const TextTerm& term : kTextTerms) {
    if (is_element(node, term.ns, term.name)) return read_text(node, metadata_.*term.member);
  }
  for (const ListTerm& term : kListTerms) {
    if (!is_element(node, term.ns, term.name)) continue;
    STRATA_TRY(std::string text, simple_text(node));
    if (auto status = check_length(node, text); !status) return status;
    (metadata_.*term.member).push_back(std::move(text));
    return check_tags(node);
  }
  return read_special(node);
}

Status TermReader::read_text(const xmlNode* node, std::string& member) {
  STRATA_TRY(std::string text, simple_text(node));
  if (auto status = check_length(node, text); !status) return status;
  if (member.empty()) member = std::move(text);
  return {};
}

Status TermReader::read_special(const xmlNode* node) {
  const bool dcterms = namespace_of(node) == kDcterms, slterms = namespace_of(node) == kSlterms;
  if (!dcterms && !slterms) return {};
  STRATA_TRY(std::string text, dcterms ? simple_text(node) : text_or_nothing(node));
  if (dcterms && name_of(node) == "type") {
    ++types_;
    metadata_.type = std::move(text);
  } else if (dcterms && name_of(node) == "valid") {
    if (text.empty() && strict_) return malformed(node, "may not be empty");
    const auto time = parse_rfc3339(text);
    if (time && (!metadata_.valid || *time < *metadata_.valid)) metadata_.valid = time;
  } else if (dcterms && name_of(node) == "created") {
    if (!metadata_.created) metadata_.created = parse_rfc3339(text);
  } else if (slterms && name_of(node) == "deprecated") {
    metadata_.deprecated = std::move(text);
  } else if (slterms && name_of(node) == "serial-number") {
    metadata_.serial_number = schema_number(text);
  }
  return {};
}

Status TermReader::read_stored(const xmlNode* node) {
  ImageMetadata::Stored stored;
  STRATA_TRY(Sequence parts, Sequence::of(node));
  STRATA_TRY(stored.encoding, parts.take_text(kStrata, "encoding"));
  if (std::find(kEncodings.begin(), kEncodings.end(), stored.encoding) == kEncodings.end()) {
    return malformed(node, "strata:encoding must be identity, gzip, xz or zstd");
  }
  STRATA_TRY(const std::string bytes, parts.take_text(kStrata, "bytes"));
  const auto size = schema_number(bytes);
  if (!size) return malformed(node, "strata:bytes must be a non-negative integer");
  stored.digests.bytes = *size;
  STRATA_TRY(const std::string sha1, parts.take_text(kStrata, "sha-1"));
  STRATA_TRY(stored.digests.sha1, Sha1Digest::from_hex(sha1));
  STRATA_TRY(const std::string sha256, parts.take_text(kStrata, "sha-256"));
  STRATA_TRY(stored.digests.sha256, Sha256Digest::from_hex(sha256));
  STRATA_TRY(const std::string sha512, parts.take_text(kStrata, "sha-512"));
  STRATA_TRY(stored.digests.sha512, Sha512Digest::from_hex(sha512));
  if (!parts.at_end()) return parts.missing("nothing more");
  metadata_.stored.push_back(std::move(stored));
  return {};
}

Status TermReader::check_length(const xmlNode* node, const std::string& text) const {
  if (!strict_ || text.size() <= limits_.metadata_value_bytes_max) return {};
  return malformed(
      node, "may have at most " + std::to_string(limits_.metadata_value_bytes_max) + " bytes");
}

Status TermReader::check_tags(const xmlNode* node) const {
  if (!strict_ || metadata_.tags.empty()) return {};
  if (metadata_.tags.size() > limits_.tags_max ||
      metadata_.tags.back().size() > limits_.tag_bytes_max) {
    return malformed(node, "dcterms:alternative (a tag) may be there " +
                               std::to_string(limits_.tags_max) + " times with " +
                               std::to_string(limits_.tag_bytes_max) + " bytes each");
  }
  return {};
}

Status TermReader::finish(const xmlNode* description) const {
  if (types_ == 1) return {};
  return malformed(description,
                   "must have exactly one dcterms:type, not " + std::to_string(types_));
}

}  // namespace strata::metadata
