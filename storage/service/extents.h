#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "storage/codec/seek_index.h"

namespace strata::storage {

// A piece of a decoded view: zeros, or data (that may be zeros nevertheless).
struct Extent {
  std::uint64_t start;
  std::uint64_t length;
  bool zero;
  bool operator==(const Extent&) const = default;
};

struct ExtentWindow {
  std::uint64_t start;
  std::uint64_t end;
};

// The first `count_max` extents of the window, without holes, in turn zero and data, clipped to it.
[[nodiscard]] std::vector<Extent> list_extents(std::span<const codec::ZeroRun> zero_runs,
                                               ExtentWindow window, std::size_t count_max);

// {"extents":[{"start":0,"length":65536,"zero":false},...]}
[[nodiscard]] std::string extents_json(std::span<const Extent> extents);

}  // namespace strata::storage
