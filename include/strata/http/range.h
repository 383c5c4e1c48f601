#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/result.h"

// Range requests (RFC 9110 §14): pure functions shared by both daemons and the client.
namespace strata::http {

struct ByteRange {
  std::uint64_t first;
  std::uint64_t length;  // > 0
  auto operator<=>(const ByteRange&) const = default;
  [[nodiscard]] std::uint64_t end() const { return first + length; }
};

// What a GET should do about its Range header for a representation of `size` bytes.
struct RangeDecision {
  enum class Kind : std::uint8_t {
    kWhole,          // no range, unknown unit, invalid syntax: 200
    kRanges,         // 206 with `ranges` in the client's order, clamped; one = not multipart
    kUnsatisfiable,  // 416 with Content-Range: bytes */size
  };
  Kind kind = Kind::kWhole;
  std::vector<ByteRange> ranges;
};

// `header` is the value of the only Range header; several Range headers are the caller's kWhole.
// More than limits.range_count_max ranges, or more than limits.range_overlap_max that overlap, are
// kUnsatisfiable. An empty representation: every satisfiable form has no 206, so `bytes=0-` is
// kUnsatisfiable and `bytes=-5` kWhole.
[[nodiscard]] RangeDecision decide_ranges(std::string_view header, std::uint64_t size,
                                          const Limits& limits);

[[nodiscard]] std::string content_range(const ByteRange& range, std::uint64_t size);
[[nodiscard]] std::string unsatisfied_content_range(std::uint64_t size);

struct ContentRange {
  ByteRange range;
  std::optional<std::uint64_t> size;  // absent for "*"
};
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view value);

// multipart/byteranges with everything but the content: heads[i] precedes range i.
struct MultipartLayout {
  std::string content_type;
  std::vector<std::string> heads;
  std::string tail;
  std::uint64_t length;  // of the whole body
};
[[nodiscard]] MultipartLayout layout_multipart(const std::vector<ByteRange>& ranges,
                                               std::uint64_t size, std::string_view content_type,
                                               std::string_view boundary);

}  // namespace strata::http
