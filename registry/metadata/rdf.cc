#include <array>

#include "registry/metadata/parse.h"
#include "registry/metadata/sequence.h"
#include "registry/metadata/vocabulary.h"
#include "strata/base/clock.h"

// What RDF/XML and the schema's global declarations ask of extension elements. The subset of
// RDF/XML is the one that the format documents: literals, and resources by parseType="Resource".
namespace strata::metadata {
namespace {

struct Range {
  std::string_view name;  // in slterms
  std::uint64_t max;
};
constexpr std::array<Range, 4> kIntegers = {{{"inbound-port", 65535},
                                             {"outbound-port", 65535},
                                             {"icmp", 255},
                                             {"serial-number", UINT64_MAX}}};

Status check_attributes(const xmlNode* node, bool empty) {
  for (const xmlAttr* at = node->properties; at != nullptr; at = at->next) {
    const std::string_view ns = at->ns == nullptr ? std::string_view() : view(at->ns->href);
    const std::string_view name = view(at->name);
    const bool is_reference = name == "resource" || name == "nodeID";
    const bool known = (ns == kXml && name != "id") ||
                       (ns == kRdf && (name == "datatype" || (is_reference && empty)));
    if (!known) return malformed(node, "may not have the attribute " + std::string(name));
  }
  return {};
}

Status check_value(const xmlNode* node, const std::string& text) {
  const std::string_view ns = namespace_of(node), name = name_of(node);
  if (ns == kDcterms && name == "valid" && !text.empty() && !parse_rfc3339(text)) {
    return malformed(node, "must be a date YYYY-MM-DDThh:mm:ssZ of the calendar");
  }
  for (const Range& range : kIntegers) {
    if (ns != kSlterms || name != range.name) continue;
    const auto value = schema_number(text);
    if (!value || *value > range.max) {
      return malformed(node, "must be an integer from 0 to " + std::to_string(range.max));
    }
  }
  return {};
}

}  // namespace

Status check_no_attributes(const xmlNode* node) {
  if (node->properties == nullptr) return {};
  return malformed(node, "may not have attributes");
}

Status check_resource(const xmlNode* node) {
  if (attribute(node, kRdf, "parseType") != "Resource") {
    return malformed(node, "must have rdf:parseType=\"Resource\"");
  }
  if (node->properties->next != nullptr) {
    return malformed(node, "may have no attribute but rdf:parseType");
  }
  return {};
}

Status check_property(const xmlNode* property) {
  const std::string_view ns = namespace_of(property);
  if (ns.empty()) return malformed(property, "must have a namespace");
  // A second slreq:email or Signature deep in an extension is a decoy for readers that search.
  if (ns == kSlreq || ns == kDsig || ns == kRdf) return malformed(property, "is not allowed here");
  if (attribute(property, kRdf, "parseType")) {
    if (ns == kDcterms) return malformed(property, "may hold text only");
    if (auto status = check_resource(property); !status) return status;
    STRATA_TRY(const auto children, structured_children(property));
    for (const xmlNode* child : children) {
      if (auto status = check_property(child); !status) return status;
    }
    return {};
  }
  if (!child_elements(property).empty()) {
    return malformed(property, ns == kDcterms ? "may hold text only"
                                              : "must have rdf:parseType=\"Resource\" to hold "
                                                "elements");
  }
  STRATA_TRY(const std::string text, simple_text(property));
  if (auto status = check_attributes(property, text.empty()); !status) return status;
  return check_value(property, text);
}

}  // namespace strata::metadata
