#pragma once

#include <span>

#include "storage/digest/lane_plan.h"
#include "storage/digest/stream.h"
#include "strata/digest/hasher.h"

namespace strata::digest {

struct LaneInput {
  Stream* stream;
  std::span<const std::byte> data;
};

// As if each stream's update() were called with its data, with the whole blocks of up to kLanesMax
// streams side by side as the plan for their number says. When one has no more data the others go
// on under the plan for as many as are left. All streams have the algorithms that the plans were
// made for; each may be named once.
LaneUse update_in_lanes(std::span<const LaneInput> inputs, const LanePlans& plans);

}  // namespace strata::digest
