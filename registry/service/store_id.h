#pragma once

#include <string>

#include "strata/base/clock.h"
#include "strata/base/result.h"
#include "strata/io/file_system.h"

namespace strata::registry {

// The name of the sequence numbers in the change feed, kept in `path`: a peer that meets another
// one than last time knows that its position means nothing here. A new one is made, durably, when
// there is none, and for a store without entries (`last_sequence` 0), which gives every number
// again. kCorruptData: the file holds something else.
[[nodiscard]] Result<std::string> open_store_id(io::FileSystem& fs, const std::string& path,
                                                std::uint64_t last_sequence, Random& random);

}  // namespace strata::registry
