#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/client/done_ranges.h"
#include "strata/base/result.h"

namespace strata::client {

// What DEST.part.state says of DEST.part, so that an interrupted pull goes on where it was:
//   {"version":1,"size":N,"etag":"\"...\"","sha256":"<hex>","done":[[first,end],...]}
// `end` is exclusive. The bytes of a range are written before the range is listed.
struct PullState {
  static constexpr std::uint64_t kVersion = 1;

  std::uint64_t size = 0;
  std::string etag;    // empty: the server gave no strong one
  std::string sha256;  // hex, of the whole; empty: not known beforehand
  DoneRanges done;

  // Whether bytes pulled under `other` are bytes of the same representation.
  [[nodiscard]] bool is_same_source(const PullState& other) const {
    return size == other.size && etag == other.etag && sha256 == other.sha256 &&
           !(etag.empty() && sha256.empty());
  }
};

[[nodiscard]] std::string to_json(const PullState& state);
// kMalformed: start over. kUsage: written by a newer version, which is not overwritten silently.
[[nodiscard]] Result<PullState> pull_state_from_json(std::string_view json);

}  // namespace strata::client
