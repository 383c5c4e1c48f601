#pragma once

#include "registry/metadata/xml.h"
#include "strata/metadata/document.h"

namespace strata::metadata {

// The values of a parsed document, once schema and constraints hold. The endorsement may be missing
// or empty. Each value is read by its fixed path from the root and from nowhere else.
[[nodiscard]] Result<ImageMetadata> read_metadata(xmlDoc* doc, Profile profile,
                                                  const Limits& limits);

// The rdf:Description of a document whose frame (root, xml:base, children of the root) holds.
[[nodiscard]] Result<xmlNode*> description_of(xmlDoc* doc);

// RDF/XML rules for an element after slreq:endorsement and all below it (rdf.cc).
[[nodiscard]] Status check_property(const xmlNode* property);
// Exactly rdf:parseType="Resource" and no other attribute.
[[nodiscard]] Status check_resource(const xmlNode* node);
[[nodiscard]] Status check_no_attributes(const xmlNode* node);

}  // namespace strata::metadata
