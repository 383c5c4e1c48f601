#include "registry/metadata/sequence.h"

#include <algorithm>

#include "registry/metadata/parse.h"
#include "strata/base/text.h"

namespace strata::metadata {

Result<Sequence> Sequence::of(const xmlNode* parent) {
  STRATA_TRY(auto children, structured_children(parent));
  return Sequence(parent, std::move(children));
}

void Sequence::sort(int (*rank)(const xmlNode*)) {
  std::stable_sort(children_.begin(), children_.end(),
                   [rank](const xmlNode* a, const xmlNode* b) { return rank(a) < rank(b); });
}

xmlNode* Sequence::take(std::string_view ns, std::string_view name) {
  return at_end() || !is_element(children_[next_], ns, name) ? nullptr : children_[next_++];
}

xmlNode* Sequence::take_any() {
  return at_end() ? nullptr : children_[next_++];
}

Result<std::string> Sequence::take_text(std::string_view ns, std::string_view name) {
  const xmlNode* node = take(ns, name);
  if (node == nullptr) return missing(display_name(ns, name));
  if (auto status = check_no_attributes(node); !status) return status.error();
  return simple_text(node);
}

Error Sequence::missing(std::string_view what) const {
  const std::string found = at_end() ? "nothing" : display_name(children_[next_]);
  return malformed(parent_, "must have " + std::string(what) + " here, not " + found);
}

std::optional<std::uint64_t> schema_number(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return std::nullopt;
  return parse_decimal(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

}  // namespace strata::metadata
