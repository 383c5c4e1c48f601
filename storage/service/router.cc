#include "storage/service/router.h"

#include <optional>

#include "strata/base/text.h"

namespace strata::storage {
namespace {

std::vector<std::string> pattern_segments(std::string_view pattern) {
  std::vector<std::string> segments;
  for (const std::string_view part : split(pattern.substr(1), '/')) segments.emplace_back(part);
  return segments;
}

// The arguments when the path fits, else nullopt.
std::optional<PathArguments> fit(const std::vector<std::string>& pattern,
                                 const std::vector<std::string_view>& segments) {
  if (pattern.size() != segments.size()) return std::nullopt;
  PathArguments arguments;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    auto decoded = percent_decode(segments[i]);
    if (!decoded) return std::nullopt;
    if (pattern[i] == "{}") {
      if (decoded->empty()) return std::nullopt;
      arguments.push_back(std::move(*decoded));
    } else if (pattern[i] != *decoded) {
      return std::nullopt;
    }
  }
  return arguments;
}

}  // namespace

void Router::add(std::string_view method, std::string_view pattern, Route route) {
  entries_.push_back({std::string(method), pattern_segments(pattern), std::move(route)});
}

Router::Match Router::match(std::string_view method, std::string_view raw_path) const {
  Match match;
  if (raw_path.empty() || raw_path.front() != '/') return match;
  const auto segments = split(raw_path.substr(1), '/');
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Entry& entry : entries_) {
    auto arguments = fit(entry.segments, segments);
    if (!arguments) continue;
    if (entry.method == wanted) {
      match.route = &entry.route;
      match.arguments = std::move(*arguments);
      return match;
    }
    match.allow += (match.allow.empty() ? "" : ", ") + entry.method;
    if (entry.method == "GET") match.allow += ", HEAD";
  }
  return match;
}

}  // namespace strata::storage
