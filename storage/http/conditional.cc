#include "strata/http/conditional.h"

#include <optional>
#include <vector>

#include "strata/base/text.h"

namespace strata::http {
namespace {

struct EntityTag {
  bool weak;
  std::string_view opaque;  // with its quotes
};

bool is_etag_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

// Takes one `[W/]"..."` from the front of `text`.
std::optional<EntityTag> take_entity_tag(std::string_view& text) {
  EntityTag tag{text.starts_with("W/"), {}};
  if (tag.weak) text.remove_prefix(2);
  if (!text.starts_with('"')) return std::nullopt;
  std::size_t end = 1;
  while (end < text.size() && is_etag_character(text[end])) ++end;
  if (end == text.size() || text[end] != '"') return std::nullopt;
  tag.opaque = text.substr(0, end + 1);
  text.remove_prefix(end + 1);
  return tag;
}

// #entity-tag. A list that is not well formed matches nothing.
std::vector<EntityTag> parse_entity_tags(std::string_view text) {
  std::vector<EntityTag> tags;
  for (;;) {
    text = trim(text);
    while (text.starts_with(',')) text = trim(text.substr(1));
    if (text.empty()) return tags;
    const auto tag = take_entity_tag(text);
    if (!tag) return {};
    tags.push_back(*tag);
    text = trim(text);
    if (!text.empty() && !text.starts_with(',')) return {};
  }
}

// `weak`: the comparison that ignores W/ (RFC 9110 §8.8.3.2); the current ETag is always strong.
bool any_matches(std::string_view list, std::string_view etag, bool weak) {
  if (trim(list) == "*") return true;
  for (const EntityTag& tag : parse_entity_tags(list)) {
    if (tag.opaque == etag && (weak || !tag.weak)) return true;
  }
  return false;
}

UnixMillis whole_seconds(UnixMillis time) {
  const UnixMillis part = time % 1000;
  return time - (part < 0 ? part + 1000 : part);
}

// A date field that is absent, repeated or no date says nothing.
std::optional<UnixMillis> date_field(const Headers& request, std::string_view name) {
  if (request.count(name) != 1) return std::nullopt;
  return parse_http_date(trim(*request.get(name)));
}

}  // namespace

Precondition evaluate_preconditions(const Headers& request, const Validators& now) {
  const UnixMillis modified = whole_seconds(now.last_modified);
  if (const auto if_match = request.joined("If-Match")) {
    if (!any_matches(*if_match, now.etag, false)) return Precondition::kFailed;
  } else if (const auto date = date_field(request, "If-Unmodified-Since")) {
    if (modified > *date) return Precondition::kFailed;
  }
  if (const auto if_none_match = request.joined("If-None-Match")) {
    if (any_matches(*if_none_match, now.etag, true)) return Precondition::kNotModified;
  } else if (const auto date = date_field(request, "If-Modified-Since")) {
    if (modified <= *date) return Precondition::kNotModified;
  }
  return Precondition::kProceed;
}

bool if_range_holds(const Headers& request, const Validators& now) {
  const std::size_t count = request.count("If-Range");
  if (count == 0) return true;
  if (count > 1) return false;
  // One validator, not a list: a weak one or a list compares unequal as text.
  const std::string_view value = trim(*request.get("If-Range"));
  if (value.starts_with('"')) return value == now.etag;
  const auto date = parse_http_date(value);
  return date && *date == whole_seconds(now.last_modified);
}

}  // namespace strata::http
