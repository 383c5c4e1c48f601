#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/metadata/xml.h"

namespace strata::metadata {

// The children of an element that must come in order. take() moves on; missing() reports.
class Sequence {
 public:
  [[nodiscard]] static Result<Sequence> of(const xmlNode* parent);

  // Sorts the children by rank; those of one rank stay in order.
  void sort(int (*rank)(const xmlNode*));
  // The next element when it is this one, else null.
  [[nodiscard]] xmlNode* take(std::string_view ns, std::string_view name);
  [[nodiscard]] xmlNode* take_any();
  // The next element must be this one, a simple value without attributes.
  [[nodiscard]] Result<std::string> take_text(std::string_view ns, std::string_view name);
  [[nodiscard]] bool at_end() const { return next_ == children_.size(); }
  [[nodiscard]] Error missing(std::string_view what) const;

 private:
  Sequence(const xmlNode* parent, std::vector<xmlNode*> children)
      : parent_(parent), children_(std::move(children)) {}

  const xmlNode* parent_;
  std::vector<xmlNode*> children_;
  std::size_t next_ = 0;
};

// A number as XML Schema reads it: white space around it does not count.
[[nodiscard]] std::optional<std::uint64_t> schema_number(std::string_view text);

}  // namespace strata::metadata
