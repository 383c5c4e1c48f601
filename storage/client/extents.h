#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/client/done_ranges.h"
#include "storage/client/endpoint.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"

namespace strata::client {

// A stretch of the decoded view of an image, as GET /v1/images/{id}/extents tells it.
struct Extent {
  std::uint64_t start;
  std::uint64_t length;
  bool zero;
  bool operator==(const Extent&) const = default;
};

// Of {"extents":[{"start":0,"length":65536,"zero":false}, ...]}. kMalformed unless they ascend and
// do not overlap; there may be gaps.
[[nodiscard]] Result<std::vector<Extent>> parse_extents(std::string_view json);

// Where the decoded view, `size` bytes long, is zeros in runs of `run_bytes_min` or more, as far as
// the server says. Nothing where it does not (an older server, another one, an answer that is not
// understood): to know it saves transfers, and no byte is believed for it, so it is never an error.
[[nodiscard]] DoneRanges known_zeros(const Endpoint& endpoint, const ImageId& id,
                                     std::uint64_t size, std::uint64_t run_bytes_min);

}  // namespace strata::client
