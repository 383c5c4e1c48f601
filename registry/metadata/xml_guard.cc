#include <algorithm>

#include "registry/metadata/xml.h"
#include "strata/base/text.h"

// A lexical pass over the bytes. It does not decide what is well-formed, that is libxml2's work; it
// bounds what libxml2 is given, whose cost per attribute and per namespace is quadratic.
namespace strata::metadata {
namespace {

Error refused(std::string what) {
  return Error(Errc::kMalformed, std::move(what));
}

Status check_declaration(std::string_view text) {
  if (!text.starts_with("<?xml")) return {};
  const std::string_view declaration = text.substr(0, text.find("?>"));
  const std::size_t at = declaration.find("encoding");
  if (at == std::string_view::npos) return {};
  const std::size_t open = declaration.find_first_of("\"'", at);
  if (open == std::string_view::npos) return {};
  const std::size_t close = declaration.find(declaration[open], open + 1);
  if (!iequals(declaration.substr(open + 1, close - open - 1), "UTF-8")) {
    return refused("the document must be UTF-8, and its XML declaration must not say otherwise");
  }
  return {};
}

class Scanner {
 public:
  Scanner(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  Status run() {
    while ((at_ = text_.find('<', at_)) != std::string_view::npos) {
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("<!--")) {
        skip_past("-->", 4);
      } else if (rest.starts_with("<![CDATA[")) {
        skip_past("]]>", 9);
      } else if (rest.starts_with("<?")) {
        skip_past("?>", 2);
      } else if (rest.starts_with("<!")) {
        return refused("a DOCTYPE is not allowed");
      } else if (rest.starts_with("</")) {
        depth_ -= std::min<std::size_t>(depth_, 1);
        skip_past(">", 2);
      } else if (auto status = start_tag(); !status) {
        return status;
      }
    }
    return {};
  }

 private:
  void skip_past(std::string_view end, std::size_t from) {
    const std::size_t found = text_.find(end, at_ + from);
    at_ = found == std::string_view::npos ? text_.size() : found + end.size();
  }

  Status start_tag() {
    std::size_t attributes = 0;
    for (++at_; at_ < text_.size() && text_[at_] != '>'; ++at_) {
      if (text_[at_] != '"' && text_[at_] != '\'') continue;
      if (++attributes > limits_.metadata_attributes_max) {
        return refused("an element may have at most " +
                       std::to_string(limits_.metadata_attributes_max) + " attributes");
      }
      ++parts_;
      at_ = std::min(text_.find(text_[at_], at_ + 1), text_.size() - 1);
    }
    const bool empty = at_ < text_.size() && text_[at_ - 1] == '/';
    if (++parts_ > limits_.metadata_elements_max) {
      return refused("a document may have at most " +
                     std::to_string(limits_.metadata_elements_max) + " elements and attributes");
    }
    if (!empty && ++depth_ > limits_.metadata_depth_max) {
      return refused("elements may be at most " + std::to_string(limits_.metadata_depth_max) +
                     " deep");
    }
    return {};
  }

  std::string_view text_;
  const Limits& limits_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t parts_ = 0;  // elements and attributes
};

}  // namespace

Status guard_xml(std::string_view text, const Limits& limits) {
  if (text.size() > limits.metadata_document_bytes_max) {
    return Error(Errc::kTooLarge, "a metadata document may have at most " +
                                      human_bytes(limits.metadata_document_bytes_max));
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  // No NUL and valid UTF-8: libxml2 cannot take it for UTF-16, UCS-4 or EBCDIC.
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos) {
    return refused("the document is not UTF-8 text");
  }
  if (auto status = check_declaration(text); !status) return status;
  // Anywhere, comments included: no honest document has it, and the scanner may not be fooled.
  if (text.find("<!DOCTYPE") != std::string_view::npos) return refused("a DOCTYPE is not allowed");
  return Scanner(text, limits).run();
}

}  // namespace strata::metadata
