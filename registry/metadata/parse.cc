#include "registry/metadata/parse.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "registry/metadata/vocabulary.h"
#include "strata/base/text.h"

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

struct HexLength {
  std::string_view algorithm;
  std::size_t digits;
};
constexpr std::array<HexLength, 6> kHexLengths = {{{"MD5", 32},
                                                   {"SHA-1", 40},
                                                   {"SHA-224", 56},
                                                   {"SHA-256", 64},
                                                   {"SHA-384", 96},
                                                   {"SHA-512", 128}}};

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

bool is_hex(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// A number as XML Schema reads it: white space around it does not count.
std::optional<std::uint64_t> number(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return std::nullopt;
  return parse_decimal(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// The children of an element that must come in order. take() moves on; missing() reports.
class Sequence {
 public:
  Sequence(const xmlNode* parent, std::vector<xmlNode*> children)
      : parent_(parent), children_(std::move(children)) {}

  [[nodiscard]] xmlNode* take(std::string_view ns, std::string_view name) {
    if (next_ == children_.size() || !is_element(children_[next_], ns, name)) return nullptr;
    return children_[next_++];
  }
  [[nodiscard]] xmlNode* take_any() {
    return next_ == children_.size() ? nullptr : children_[next_++];
  }
  [[nodiscard]] bool at_end() const { return next_ == children_.size(); }
  [[nodiscard]] Error missing(std::string_view what) const {
    const std::string found = at_end() ? "nothing" : display_name(children_[next_]);
    return malformed(parent_, "must have " + std::string(what) + " here, not " + found);
  }

 private:
  const xmlNode* parent_;
  std::vector<xmlNode*> children_;
  std::size_t next_ = 0;
};

Result<Sequence> sequence_of(const xmlNode* parent) {
  STRATA_TRY(auto children, structured_children(parent));
  return Sequence(parent, std::move(children));
}

// The next element must be this one, a simple value without attributes.
Result<std::string> take_text(Sequence& sequence, std::string_view ns, std::string_view name,
                              std::string_view display) {
  const xmlNode* node = sequence.take(ns, name);
  if (node == nullptr) return sequence.missing(display);
  if (auto status = check_no_attributes(node); !status) return status.error();
  return simple_text(node);
}

class Reader {
 public:
  Reader(Profile profile, const Limits& limits)
      : strict_(profile == Profile::kStrict), limits_(limits) {}

  Result<ImageMetadata> read(xmlDoc* doc) {
    STRATA_TRY(const xmlNode* const description, description_of(doc));
    STRATA_TRY(Sequence sequence, sequence_of(description));
    if (const xmlNode* type = sequence.take(kRdf, "type"); type != nullptr) {
      if (!child_elements(type).empty()) return malformed(type, "may hold no elements");
    }
    if (auto status = read_required(description, sequence); !status) return status.error();
    while (const xmlNode* extension = sequence.take_any()) {
      if (auto status = read_extension(extension); !status) return status.error();
    }
    if (types_ != 1) {
      return malformed(description,
                       "must have exactly one dcterms:type, not " + std::to_string(types_));
    }
    return std::move(metadata_);
  }

 private:
  Status read_required(const xmlNode* description, Sequence& sequence) {
    STRATA_TRY(const std::string identifier,
               take_text(sequence, kDcterms, "identifier", "dcterms:identifier"));
    STRATA_TRY(metadata_.identifier, Identifier::parse(identifier));
    if (attribute(description, kRdf, "about") != "#" + identifier) {
      return malformed(description, "must have rdf:about=\"#" + identifier + "\"");
    }
    STRATA_TRY(const std::string bytes, take_text(sequence, kSlreq, "bytes", "slreq:bytes"));
    const auto size = number(bytes);
    if (!size) return malformed(description, "slreq:bytes must be a non-negative integer");
    metadata_.bytes = *size;
    if (auto status = read_checksums(description, sequence); !status) return status;
    if (const xmlNode* endorsement = sequence.take(kSlreq, "endorsement")) {
      return read_endorsement(endorsement);
    }
    return {};
  }

  Status read_checksums(const xmlNode* description, Sequence& sequence) {
    std::set<std::string> algorithms;
    while (const xmlNode* checksum = sequence.take(kSlreq, "checksum")) {
      if (auto status = check_resource(checksum); !status) return status;
      STRATA_TRY(Sequence parts, sequence_of(checksum));
      STRATA_TRY(const std::string algorithm,
                 take_text(parts, kSlreq, "algorithm", "slreq:algorithm"));
      STRATA_TRY(const std::string value, take_text(parts, kSlreq, "value", "slreq:value"));
      if (!parts.at_end()) return parts.missing("nothing more");
      if (!algorithms.insert(upper(algorithm)).second) {
        return malformed(checksum, "repeats the algorithm " + algorithm);
      }
      if (auto status = read_checksum(checksum, algorithm, value); !status) return status;
    }
    if (algorithms.empty()) return sequence.missing("slreq:checksum");
    if (!algorithms.contains("SHA-1")) {
      return malformed(description, "must have exactly one slreq:checksum of algorithm SHA-1");
    }
    if (Identifier::from_sha1(metadata_.sha1) != metadata_.identifier) {
      return malformed(description, "dcterms:identifier and the SHA-1 checksum do not agree");
    }
    return {};
  }

  Status read_checksum(const xmlNode* node, const std::string& algorithm, std::string value) {
    if (!is_hex(value)) return malformed(node, "slreq:value must be hex digits");
    for (const auto& [name, digits] : kHexLengths) {
      if (upper(algorithm) != name) continue;
      if (algorithm != name)
        return malformed(node, "slreq:algorithm must be spelled " + std::string(name));
      // StratusLab compared integers, so its documents may hold a leading zero more.
      if (!strict_ && name == "SHA-1" && value.size() == 41 && value[0] == '0') value.erase(0, 1);
      if (value.size() != digits) {
        return malformed(node, "slreq:value of " + algorithm + " must have " +
                                   std::to_string(digits) + " hex digits, not " +
                                   std::to_string(value.size()));
      }
    }
    if (algorithm == "SHA-1") {
      STRATA_TRY(metadata_.sha1, Sha1Digest::from_hex(value));
    }
    if (algorithm == "SHA-256") {
      STRATA_TRY(metadata_.sha256, Sha256Digest::from_hex(value));
    }
    if (algorithm == "SHA-512") {
      STRATA_TRY(metadata_.sha512, Sha512Digest::from_hex(value));
    }
    return {};
  }

  Status read_endorsement(const xmlNode* node) {
    if (auto status = check_resource(node); !status) return status;
    STRATA_TRY(Sequence parts, sequence_of(node));
    if (parts.at_end()) return {};  // the placeholder of an unsigned document
    Endorsement endorsement;
    STRATA_TRY(const std::string created, take_text(parts, kDcterms, "created", "dcterms:created"));
    const auto time = parse_rfc3339(created);
    if (!time) {
      return malformed(node, "dcterms:created must be a date YYYY-MM-DDThh:mm:ssZ of the calendar");
    }
    endorsement.created = *time;
    const xmlNode* endorser = parts.take(kSlreq, "endorser");
    if (endorser == nullptr) return parts.missing("slreq:endorser");
    if (!parts.at_end()) return parts.missing("nothing more");
    if (auto status = read_endorser(endorser, endorsement); !status) return status;
    metadata_.endorsement = std::move(endorsement);
    return {};
  }

  static Status read_endorser(const xmlNode* node, Endorsement& endorsement) {
    if (auto status = check_resource(node); !status) return status;
    STRATA_TRY(Sequence parts, sequence_of(node));
    STRATA_TRY(endorsement.email, take_text(parts, kSlreq, "email", "slreq:email"));
    if (!is_valid_email(endorsement.email)) {
      return malformed(node, "slreq:email must be an e-mail address name@host");
    }
    STRATA_TRY(endorsement.subject, take_text(parts, kSlreq, "subject", "slreq:subject"));
    do {
      STRATA_TRY(std::string issuer, take_text(parts, kSlreq, "issuer", "slreq:issuer"));
      endorsement.issuers.push_back(std::move(issuer));
    } while (!parts.at_end());
    return {};
  }

  Status read_extension(const xmlNode* node) {
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
      return check_lists(node);
    }
    return read_special(node);
  }

  Status read_text(const xmlNode* node, std::string& member) {
    STRATA_TRY(std::string text, simple_text(node));
    if (auto status = check_length(node, text); !status) return status;
    if (member.empty()) member = std::move(text);
    return {};
  }

  Status read_special(const xmlNode* node) {
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
      metadata_.serial_number = number(text);
    }
    return {};
  }

  // Terms of StratusLab's own namespace that we do not know may be resources.
  static Result<std::string> text_or_nothing(const xmlNode* node) {
    if (name_of(node) == "deprecated" || child_elements(node).empty()) return simple_text(node);
    return std::string();
  }

  Status read_stored(const xmlNode* node) {
    ImageMetadata::Stored stored;
    STRATA_TRY(Sequence parts, sequence_of(node));
    STRATA_TRY(stored.encoding, take_text(parts, kStrata, "encoding", "strata:encoding"));
    if (std::find(kEncodings.begin(), kEncodings.end(), stored.encoding) == kEncodings.end()) {
      return malformed(node, "strata:encoding must be identity, gzip, xz or zstd");
    }
    STRATA_TRY(const std::string bytes, take_text(parts, kStrata, "bytes", "strata:bytes"));
    const auto size = number(bytes);
    if (!size) return malformed(node, "strata:bytes must be a non-negative integer");
    stored.digests.bytes = *size;
    STRATA_TRY(const std::string sha1, take_text(parts, kStrata, "sha-1", "strata:sha-1"));
    STRATA_TRY(stored.digests.sha1, Sha1Digest::from_hex(sha1));
    STRATA_TRY(const std::string sha256, take_text(parts, kStrata, "sha-256", "strata:sha-256"));
    STRATA_TRY(stored.digests.sha256, Sha256Digest::from_hex(sha256));
    STRATA_TRY(const std::string sha512, take_text(parts, kStrata, "sha-512", "strata:sha-512"));
    STRATA_TRY(stored.digests.sha512, Sha512Digest::from_hex(sha512));
    if (!parts.at_end()) return parts.missing("nothing more");
    metadata_.stored.push_back(std::move(stored));
    return {};
  }

  Status check_length(const xmlNode* node, const std::string& text) const {
    if (!strict_ || text.size() <= limits_.metadata_value_bytes_max) return {};
    return malformed(
        node, "may have at most " + std::to_string(limits_.metadata_value_bytes_max) + " bytes");
  }

  Status check_lists(const xmlNode* node) const {
    if (!strict_ || metadata_.tags.empty()) return {};
    if (metadata_.tags.size() > limits_.tags_max ||
        metadata_.tags.back().size() > limits_.tag_bytes_max) {
      return malformed(node, "dcterms:alternative (a tag) may be there " +
                                 std::to_string(limits_.tags_max) + " times with " +
                                 std::to_string(limits_.tag_bytes_max) + " bytes each");
    }
    return {};
  }

  const bool strict_;
  const Limits& limits_;
  ImageMetadata metadata_;
  std::set<std::string_view> seen_;
  int types_ = 0;
};

}  // namespace

Result<xmlNode*> description_of(xmlDoc* doc) {
  xmlNode* root = xmlDocGetRootElement(doc);
  if (!is_element(root, kRdf, "RDF")) return malformed(root, "must be rdf:RDF, the root");
  if (attribute(root, kXml, "base") != kBaseUri) {
    return malformed(root, "must have xml:base=\"" + std::string(kBaseUri) + "\"");
  }
  if (root->properties->next != nullptr) {
    return malformed(root, "may have no attribute but xml:base");
  }
  STRATA_TRY(const auto children, structured_children(root));
  if (children.empty() || !is_element(children[0], kRdf, "Description")) {
    return malformed(root, "must have one rdf:Description");
  }
  for (std::size_t i = 1; i < children.size(); ++i) {
    if (i > 1 || !is_element(children[i], kDsig, "Signature")) {
      return malformed(children[i],
                       "is not allowed here: after rdf:Description comes at most one "
                       "xmldsig:Signature");
    }
  }
  xmlNode* description = children[0];
  if (!attribute(description, kRdf, "about") || description->properties->next != nullptr) {
    return malformed(description, "must have the attribute rdf:about and no other");
  }
  return description;
}

Result<ImageMetadata> read_metadata(xmlDoc* doc, Profile profile, const Limits& limits) {
  return Reader(profile, limits).read(doc);
}

Result<ImageMetadata> parse(std::string_view document, const Limits& limits) {
  STRATA_TRY(const XmlDoc doc, parse_xml(document, limits));
  return read_metadata(doc.get(), Profile::kStrict, limits);
}

}  // namespace strata::metadata
