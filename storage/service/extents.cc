#include "storage/service/extents.h"

#include <algorithm>

namespace strata::storage {

std::vector<Extent> list_extents(std::span<const codec::ZeroRun> zero_runs, ExtentWindow window,
                                 std::size_t count_max) {
  std::vector<Extent> extents;
  auto run = std::ranges::partition_point(zero_runs, [&](const codec::ZeroRun& candidate) {
    return candidate.start + candidate.bytes <= window.start;
  });
  std::uint64_t at = window.start;
  while (at < window.end && extents.size() < count_max) {
    const bool zero = run != zero_runs.end() && run->start <= at;
    std::uint64_t end = window.end;
    if (run != zero_runs.end()) {
      end = std::min(end, zero ? run->start + run->bytes : run->start);
    }
    if (zero) ++run;
    extents.push_back({at, end - at, zero});
    at = end;
  }
  return extents;
}

// By hand: a page has tens of thousands of them.
std::string extents_json(std::span<const Extent> extents) {
  constexpr std::size_t kBytesOfOne = 64;
  std::string json = "{\"extents\":[";
  json.reserve(json.size() + extents.size() * kBytesOfOne);
  for (const Extent& extent : extents) {
    if (json.back() != '[') json += ',';
    json += "{\"start\":";
    json += std::to_string(extent.start);
    json += ",\"length\":";
    json += std::to_string(extent.length);
    json += extent.zero ? ",\"zero\":true}" : ",\"zero\":false}";
  }
  json += "]}";
  return json;
}

}  // namespace strata::storage
