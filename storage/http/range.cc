#include "strata/http/range.h"

#include <algorithm>
#include <limits>

#include "strata/base/text.h"

namespace strata::http {
namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

// One range-spec as written: `first-last`, `first-` or `-suffix`.
struct Spec {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;  // with no `first`: the suffix length
};

// 1*DIGIT of any length. Positions above 2^64-1 saturate: no representation is that long, so they
// mean the same (CVE-2017-7529 was an overflow here).
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kHuge - digit) / 10 ? kHuge : value * 10 + digit;
  }
  return value;
}

std::optional<Spec> parse_spec(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, dash);
  const std::string_view after = text.substr(dash + 1);
  Spec spec{parse_position(before), parse_position(after)};
  if (!before.empty() && !spec.first) return std::nullopt;
  if (!after.empty() && !spec.last) return std::nullopt;
  if (!spec.first && !spec.last) return std::nullopt;
  if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
  return spec;
}

// 1#range-spec; nullopt when the set is not valid. Empty list elements are allowed (RFC 9110
// §5.6.1.2), a list of nothing else is not.
std::optional<std::vector<Spec>> parse_range_set(std::string_view text) {
  std::vector<Spec> specs;
  for (const std::string_view element : split(text, ',')) {
    const std::string_view trimmed = trim(element);
    if (trimmed.empty()) continue;
    const auto spec = parse_spec(trimmed);
    if (!spec) return std::nullopt;
    specs.push_back(*spec);
  }
  if (specs.empty()) return std::nullopt;
  return specs;
}

// The bytes a spec selects of `size` > 0 bytes; nullopt when it selects none.
std::optional<ByteRange> select(const Spec& spec, std::uint64_t size) {
  if (!spec.first) {
    const std::uint64_t suffix = std::min(*spec.last, size);
    if (suffix == 0) return std::nullopt;
    return ByteRange{size - suffix, suffix};
  }
  if (*spec.first >= size) return std::nullopt;
  const std::uint64_t last = std::min(spec.last.value_or(kHuge), size - 1);
  return ByteRange{*spec.first, last - *spec.first + 1};
}

// How many ranges share a byte with some other.
std::size_t count_overlapping(std::vector<ByteRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<bool> overlaps(ranges.size(), false);
  std::size_t widest = 0;  // of the ranges so far, the one that ends last
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[widest].end()) overlaps[i] = overlaps[widest] = true;
    if (ranges[i].end() > ranges[widest].end()) widest = i;
  }
  return static_cast<std::size_t>(std::count(overlaps.begin(), overlaps.end(), true));
}

}  // namespace

RangeDecision decide_ranges(std::string_view header, std::uint64_t size, const Limits& limits) {
  using Kind = RangeDecision::Kind;
  const std::size_t equals = header.find('=');
  if (equals == std::string_view::npos) return {};
  if (!iequals(trim(header.substr(0, equals)), "bytes")) return {};
  const auto specs = parse_range_set(header.substr(equals + 1));
  if (!specs) return {};
  if (specs->size() > limits.range_count_max) return {Kind::kUnsatisfiable, {}};
  if (size == 0) {
    // A suffix is satisfiable by the grammar, but there is no Content-Range for no bytes.
    const bool suffix = std::any_of(specs->begin(), specs->end(),
                                    [](const Spec& s) { return !s.first && *s.last > 0; });
    return {suffix ? Kind::kWhole : Kind::kUnsatisfiable, {}};
  }
  std::vector<ByteRange> ranges;
  for (const Spec& spec : *specs) {
    if (const auto range = select(spec, size)) ranges.push_back(*range);
  }
  if (ranges.empty() || count_overlapping(ranges) > limits.range_overlap_max) {
    return {Kind::kUnsatisfiable, {}};
  }
  return {Kind::kRanges, std::move(ranges)};
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.end() - 1) + "/" +
         std::to_string(size);
}

std::string unsatisfied_content_range(std::uint64_t size) {
  return "bytes */" + std::to_string(size);
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  value = trim(value);
  const std::size_t space = value.find(' ');
  const std::size_t slash = value.find('/');
  if (space == std::string_view::npos || slash == std::string_view::npos || slash < space) {
    return std::nullopt;
  }
  if (!iequals(value.substr(0, space), "bytes")) return std::nullopt;
  const std::string_view positions = value.substr(space + 1, slash - space - 1);
  const std::size_t dash = positions.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_decimal(positions.substr(0, dash));
  const auto last = parse_decimal(positions.substr(dash + 1));
  // `last` at the very top would make the length overflow.
  if (!first || !last || *last < *first || *last == kHuge) return std::nullopt;
  ContentRange parsed{{*first, *last - *first + 1}, std::nullopt};
  const std::string_view size = value.substr(slash + 1);
  if (size == "*") return parsed;
  parsed.size = parse_decimal(size);
  if (!parsed.size || *parsed.size <= *last) return std::nullopt;
  return parsed;
}

MultipartLayout layout_multipart(const std::vector<ByteRange>& ranges, std::uint64_t size,
                                 std::string_view content_type, std::string_view boundary) {
  const std::string delimiter = "--" + std::string(boundary);
  MultipartLayout layout;
  layout.content_type = "multipart/byteranges; boundary=" + std::string(boundary);
  layout.tail = "\r\n" + delimiter + "--\r\n";
  layout.length = layout.tail.size();
  for (const ByteRange& range : ranges) {
    std::string head = layout.heads.empty() ? "" : "\r\n";
    head += delimiter + "\r\nContent-Type: " + std::string(content_type) +
            "\r\nContent-Range: " + content_range(range, size) + "\r\n\r\n";
    layout.length += head.size() + range.length;
    layout.heads.push_back(std::move(head));
  }
  return layout;
}

}  // namespace strata::http
