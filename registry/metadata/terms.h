#pragma once

#include <set>
#include <string>
#include <string_view>

#include "registry/metadata/xml.h"
#include "strata/metadata/image_metadata.h"

namespace strata::metadata {

// Reads the terms after slreq:endorsement, which come in any order, into `metadata`.
class TermReader {
 public:
  TermReader(ImageMetadata& metadata, bool strict, const Limits& limits)
      : metadata_(metadata), strict_(strict), limits_(limits) {}

  [[nodiscard]] Status read(const xmlNode* node);
  // What must hold after the last one.
  [[nodiscard]] Status finish(const xmlNode* description) const;

 private:
  Status read_text(const xmlNode* node, std::string& member);
  Status read_special(const xmlNode* node);
  Status read_stored(const xmlNode* node);
  [[nodiscard]] Status check_length(const xmlNode* node, const std::string& text) const;
  [[nodiscard]] Status check_tags(const xmlNode* node) const;

  ImageMetadata& metadata_;
  const bool strict_;
  const Limits& limits_;
  std::set<std::string_view> seen_;
  int types_ = 0;
};

}  // namespace strata::metadata
