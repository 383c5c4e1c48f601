#include "registry/metadata/parse.h"

#include <array>
#include <set>
#include <utility>

#include "registry/metadata/sequence.h"
#include "registry/metadata/terms.h"
#include "registry/metadata/vocabulary.h"
#include "strata/base/text.h"

namespace strata::metadata {
namespace {

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

class Reader {
 public:
  Reader(Profile profile, const Limits& limits)
      : strict_(profile == Profile::kStrict), limits_(limits) {}

  Result<ImageMetadata> read(xmlDoc* doc) {
    STRATA_TRY(const xmlNode* const description, description_of(doc));
    STRATA_TRY(Sequence sequence, Sequence::of(description));
    // StratusLab's server did not check the order, and its tools write others.
    if (!strict_) sequence.sort(schema_rank);
    if (const xmlNode* type = sequence.take(kRdf, "type"); type != nullptr) {
      if (!child_elements(type).empty()) return malformed(type, "may hold no elements");
    }
    if (auto status = read_required(description, sequence); !status) return status.error();
    TermReader terms(metadata_, strict_, limits_);
    while (const xmlNode* extension = sequence.take_any()) {
      if (auto status = terms.read(extension); !status) return status.error();
    }
    if (auto status = terms.finish(description); !status) return status.error();
    return std::move(metadata_);
  }

 private:
  // Where the schema has a child of rdf:Description.
  static int schema_rank(const xmlNode* child) {
    if (is_element(child, kRdf, "type")) return 0;
    if (is_element(child, kDcterms, "identifier")) return 1;
    if (is_element(child, kSlreq, "bytes")) return 2;
    if (is_element(child, kSlreq, "checksum")) return 3;
    return is_element(child, kSlreq, "endorsement") ? 4 : 5;
  }

  Status read_required(const xmlNode* description, Sequence& sequence) {
    STRATA_TRY(const std::string identifier, sequence.take_text(kDcterms, "identifier"));
    STRATA_TRY(metadata_.identifier, Identifier::parse(identifier));
    if (attribute(description, kRdf, "about") != "#" + identifier) {
      return malformed(description, "must have rdf:about=\"#" + identifier + "\"");
    }
    STRATA_TRY(const std::string bytes, sequence.take_text(kSlreq, "bytes"));
    const auto size = schema_number(bytes);
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
      STRATA_TRY(Sequence parts, Sequence::of(checksum));
      STRATA_TRY(const std::string algorithm, parts.take_text(kSlreq, "algorithm"));
      STRATA_TRY(const std::string value, parts.take_text(kSlreq, "value"));
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
    // StratusLab's tool writes such a one for a digest that it was told to leave out.
    if (!strict_ && value.empty() && upper(algorithm) != "SHA-1") return {};
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
    // stratus-deprecate-metadata leaves the namespace out.
    const bool bare = !strict_ && attribute(node, "", "parseType") == "Resource" &&
                      node->properties->next == nullptr;
    if (auto status = bare ? Status() : check_resource(node); !status) return status;
    STRATA_TRY(Sequence parts, Sequence::of(node));
    if (parts.at_end()) return {};  // an unsigned document has it empty
    Endorsement endorsement;
    STRATA_TRY(const std::string created, parts.take_text(kDcterms, "created"));
    const auto time = parse_rfc3339(created);
    if (!time) {
      return malformed(node, "dcterms:created must be a date YYYY-MM-DDThh:mm:ssZ of the calendar");
    }
    // It is part of keys, which sort as unsigned numbers.
    if (*time < 0) return malformed(node, "dcterms:created may not be before 1970");
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
    STRATA_TRY(Sequence parts, Sequence::of(node));
    STRATA_TRY(endorsement.email, parts.take_text(kSlreq, "email"));
    if (!is_valid_email(endorsement.email)) {
      return malformed(node, "slreq:email must be an e-mail address name@host");
    }
    STRATA_TRY(endorsement.subject, parts.take_text(kSlreq, "subject"));
    do {
      STRATA_TRY(std::string issuer, parts.take_text(kSlreq, "issuer"));
      endorsement.issuers.push_back(std::move(issuer));
    } while (!parts.at_end());
    return {};
  }

  const bool strict_;
  const Limits& limits_;
  ImageMetadata metadata_;
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
