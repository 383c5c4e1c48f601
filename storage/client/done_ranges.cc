#include "storage/client/done_ranges.h"

#include <algorithm>
#include <iterator>

namespace strata::client {

void DoneRanges::add(const http::ByteRange& range) {
  std::uint64_t first = range.first;
  std::uint64_t end = range.end();
  if (first >= end) return;
  // From the interval that begins at or before `first`, swallow all that touch the new one.
  auto at = intervals_.upper_bound(first);
  if (at != intervals_.begin() && std::prev(at)->second >= first) --at;
  while (at != intervals_.end() && at->first <= end) {
    first = std::min(first, at->first);
    end = std::max(end, at->second);
    total_ -= at->second - at->first;
    at = intervals_.erase(at);
  }
  intervals_.emplace_hint(at, first, end);
  total_ += end - first;
}

std::uint64_t DoneRanges::prefix() const {
  if (intervals_.empty() || intervals_.begin()->first != 0) return 0;
  return intervals_.begin()->second;
}

std::optional<http::ByteRange> DoneRanges::first_missing(std::uint64_t from, std::uint64_t size,
                                                         std::uint64_t length_max) const {
  auto next = intervals_.upper_bound(from);
  if (next != intervals_.begin()) from = std::max(from, std::prev(next)->second);
  if (from >= size) return std::nullopt;
  const std::uint64_t end = next == intervals_.end() ? size : std::min(size, next->first);
  return http::ByteRange{from, std::min(end - from, length_max)};
}

}  // namespace strata::client
