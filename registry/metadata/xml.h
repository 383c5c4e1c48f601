#pragma once

#include <libxml/tree.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/result.h"

// A thin layer over libxml2: parse safely, walk by namespace and name. Any thread; a document
// belongs to one thread at a time.
namespace strata::metadata {

struct XmlDocFree {
  void operator()(xmlDoc* doc) const { xmlFreeDoc(doc); }
};
using XmlDoc = std::unique_ptr<xmlDoc, XmlDocFree>;

// What must hold before libxml2 sees a byte: size, UTF-8, no DOCTYPE, bounded depth, elements and
// attributes. kMalformed or kTooLarge.
[[nodiscard]] Status guard_xml(std::string_view text, const Limits& limits);

// guard_xml, then a parse without DTD, entities, XInclude or network. kMalformed.
[[nodiscard]] Result<XmlDoc> parse_xml(std::string_view text, const Limits& limits);

// The same for canonical XML that was made from a guarded document; it may be larger, because
// exclusive canonical XML declares namespaces again and again.
[[nodiscard]] Result<XmlDoc> parse_canonical(std::string_view text);

// The tree as UTF-8 text with an XML declaration; nothing is re-indented.
[[nodiscard]] std::string serialize(xmlDoc* doc);

[[nodiscard]] std::string_view view(const xmlChar* text);
[[nodiscard]] const xmlChar* xml_text(const char* text);
[[nodiscard]] std::string_view namespace_of(const xmlNode* node);
[[nodiscard]] std::string_view name_of(const xmlNode* node);
[[nodiscard]] bool is_element(const xmlNode* node, std::string_view ns, std::string_view name);
// As people write it: "slreq:bytes"; "{namespace}name" for namespaces that are not ours.
[[nodiscard]] std::string display_name(std::string_view ns, std::string_view name);
[[nodiscard]] std::string display_name(const xmlNode* node);

// nullopt when there is no such attribute. An empty namespace means an attribute without one.
[[nodiscard]] std::optional<std::string> attribute(const xmlNode* node, std::string_view ns,
                                                   std::string_view name);

[[nodiscard]] std::vector<xmlNode*> child_elements(const xmlNode* node);
// The same, for an element that may hold elements only: text between them is an error.
[[nodiscard]] Result<std::vector<xmlNode*>> structured_children(const xmlNode* node);
// The text of a simple value. Child elements, comments and processing instructions are an error:
// canonical XML drops comments, so that a signature would not tell "a<!-- -->b" from "ab".
[[nodiscard]] Result<std::string> simple_text(const xmlNode* node);

[[nodiscard]] Error malformed(const xmlNode* node, std::string_view rule);

}  // namespace strata::metadata
