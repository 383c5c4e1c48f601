#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "strata/http/range.h"

namespace strata::client {

// Which bytes of a file are there: a set of disjoint, non-adjacent intervals. Not thread-safe.
class DoneRanges {
 public:
  void add(const http::ByteRange& range);  // may overlap what is there
  [[nodiscard]] std::uint64_t total() const { return total_; }
  // How many bytes from the start on are there without a gap.
  [[nodiscard]] std::uint64_t prefix() const;
  // The first missing bytes at or after `from` and below `size`, at most `length_max` of them.
  [[nodiscard]] std::optional<http::ByteRange> first_missing(std::uint64_t from, std::uint64_t size,
                                                             std::uint64_t length_max) const;
  // first -> end
  [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& intervals() const {
    return intervals_;
  }
  bool operator==(const DoneRanges&) const = default;

 private:
  std::map<std::uint64_t, std::uint64_t> intervals_;
  std::uint64_t total_ = 0;
};

}  // namespace strata::client
