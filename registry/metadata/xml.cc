#include "registry/metadata/xml.h"

#include <libxml/parser.h>
#include <libxml/uri.h>

#include <array>
#include <utility>

#include "registry/metadata/vocabulary.h"
#include "registry/metadata/xmlsec_runtime.h"

namespace strata::metadata {
namespace {

struct ParserFree {
  void operator()(xmlParserCtxt* context) const { xmlFreeParserCtxt(context); }
};

constexpr int kParseOptions = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                              XML_PARSE_NOCDATA;  // no NOENT, DTDLOAD, DTDATTR, XINCLUDE, HUGE

Error parse_error(const xmlParserCtxt& context) {
  std::string detail = "the document is not well-formed XML";
  if (context.lastError.message != nullptr) {
    std::string_view message = context.lastError.message;
    while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
    detail += ", line " + std::to_string(context.lastError.line) + ": " + std::string(message);
  }
  return Error(Errc::kMalformed, std::move(detail));
}

// RDF and canonical XML have no use for other namespaces.
bool is_absolute_uri(const xmlChar* text) {
  xmlURI* uri = xmlParseURI(reinterpret_cast<const char*>(text));
  const bool absolute = uri != nullptr && uri->scheme != nullptr && *uri->scheme != '\0';
  xmlFreeURI(uri);
  return absolute;
}

// Exclusive canonical XML repeats a declaration on each element that uses it, so that long names
// would multiply: 10'000 elements by a namespace of half a megabyte. Inclusive canonical XML looks
// at each element for each namespace in scope, and through all of them for that one: 2'000 of
// them around 4'000 elements cost half a minute. `in_scope` counts those of the ancestors.
Status check_namespaces(const xmlNode* node, const Limits& limits, std::size_t in_scope = 0) {
  for (const xmlNs* ns = node->nsDef; ns != nullptr; ns = ns->next) {
    if (++in_scope > limits.metadata_namespaces_max) {
      return malformed(node, "may have at most " + std::to_string(limits.metadata_namespaces_max) +
                                 " namespace declarations, those around it included");
    }
    if (!view(ns->href).empty() && !is_absolute_uri(ns->href)) {
      return malformed(node, "declares a namespace that is no absolute URI");
    }
    if (view(ns->href).size() + view(ns->prefix).size() > limits.metadata_namespace_bytes_max) {
      return malformed(node, "declares a namespace of more than " +
                                 std::to_string(limits.metadata_namespace_bytes_max) + " bytes");
    }
  }
  for (const xmlNode* child : child_elements(node)) {
    if (auto status = check_namespaces(child, limits, in_scope); !status) return status;
  }
  return {};
}

bool is_space_only(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

const xmlChar* xml_text(const char* text) {
  return reinterpret_cast<const xmlChar*>(text);
}

Result<XmlDoc> parse_canonical(std::string_view text) {
  initialize_xml();
  const std::unique_ptr<xmlParserCtxt, ParserFree> context(xmlNewParserCtxt());
  check(context != nullptr, "libxml2 has no memory for a parser");
  XmlDoc doc(xmlCtxtReadMemory(context.get(), text.data(), static_cast<int>(text.size()), nullptr,
                               "UTF-8", kParseOptions));
  if (doc == nullptr || context->wellFormed == 0 || context->nsWellFormed == 0 ||
      xmlDocGetRootElement(doc.get()) == nullptr) {
    return parse_error(*context);
  }
  if (doc->intSubset != nullptr || doc->extSubset != nullptr) {
    return Error(Errc::kMalformed, "a DOCTYPE is not allowed");
  }
  return doc;
}

Result<XmlDoc> parse_xml(std::string_view text, const Limits& limits) {
  if (auto status = guard_xml(text, limits); !status) return status.error();
  STRATA_TRY(XmlDoc doc, parse_canonical(text));
  if (auto status = check_namespaces(xmlDocGetRootElement(doc.get()), limits); !status) {
    return status.error();
  }
  return doc;
}

std::string serialize(xmlDoc* doc) {
  xmlChar* text = nullptr;
  int size = 0;
  xmlDocDumpMemoryEnc(doc, &text, &size, "UTF-8");
  check(text != nullptr, "libxml2 has no memory for a document");
  std::string result(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  xmlFree(text);
  return result;
}

std::string_view namespace_of(const xmlNode* node) {
  return node->ns == nullptr ? std::string_view() : view(node->ns->href);
}

std::string_view name_of(const xmlNode* node) {
  return view(node->name);
}

bool is_element(const xmlNode* node, std::string_view ns, std::string_view name) {
  return node->type == XML_ELEMENT_NODE && name_of(node) == name && namespace_of(node) == ns;
}

std::string display_name(std::string_view ns, std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kPrefixes = {
      {{kRdf, "rdf:"},
       {kDcterms, "dcterms:"},
       {kSlreq, "slreq:"},
       {kSlterms, "slterms:"},
       {kStrata, "strata:"},
       {kDsig, "xmldsig:"}}};
  for (const auto& [uri, prefix] : kPrefixes) {
    if (ns == uri) return std::string(prefix).append(name);
  }
  return ns.empty() ? std::string(name) : "{" + std::string(ns) + "}" + std::string(name);
}

std::string display_name(const xmlNode* node) {
  return display_name(namespace_of(node), name_of(node));
}

std::optional<std::string> attribute(const xmlNode* node, std::string_view ns,
                                     std::string_view name) {
  for (const xmlAttr* at = node->properties; at != nullptr; at = at->next) {
    const std::string_view at_ns = at->ns == nullptr ? std::string_view() : view(at->ns->href);
    if (view(at->name) != name || at_ns != ns) continue;
    std::string value;
    for (const xmlNode* text = at->children; text != nullptr; text = text->next) {
      value += view(text->content);
    }
    return value;
  }
  return std::nullopt;
}

std::vector<xmlNode*> child_elements(const xmlNode* node) {
  std::vector<xmlNode*> elements;
  for (xmlNode* child = node->children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) elements.push_back(child);
  }
  return elements;
}

Result<std::vector<xmlNode*>> structured_children(const xmlNode* node) {
  std::vector<xmlNode*> elements;
  for (xmlNode* child = node->children; child != nullptr; child = child->next) {
    switch (child->type) {
      case XML_ELEMENT_NODE:
        elements.push_back(child);
        break;
      case XML_TEXT_NODE:
        if (!is_space_only(view(child->content))) {
          return malformed(node, "may hold elements only, not text");
        }
        break;
      case XML_COMMENT_NODE:
      case XML_PI_NODE:
        break;
      default:
        return malformed(node, "holds something other than elements and text");
    }
  }
  return elements;
}

Result<std::string> simple_text(const xmlNode* node) {
  std::string text;
  for (const xmlNode* child = node->children; child != nullptr; child = child->next) {
    if (child->type == XML_COMMENT_NODE || child->type == XML_PI_NODE) {
      return malformed(node, "may not hold comments or processing instructions");
    }
    if (child->type != XML_TEXT_NODE) return malformed(node, "may hold text only");
    text += view(child->content);
  }
  return text;
}

Error malformed(const xmlNode* node, std::string_view rule) {
  return Error(Errc::kMalformed, display_name(node) + " " + std::string(rule) + " (line " +
                                     std::to_string(xmlGetLineNo(node)) + ")");
}

}  // namespace strata::metadata
