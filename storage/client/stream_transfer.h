#pragma once

#include <cstdint>

#include "storage/client/part_file.h"
#include "storage/client/pull.h"
#include "storage/client/remote.h"

namespace strata::client {

// One GET of the whole into a part file, for what has no ranges. Begins anew when it is cut.
// Returns the digests of what was written.
[[nodiscard]] Result<DigestSet> stream_transfer(const Endpoint& endpoint,
                                                const PullOptions& options, const Remote& remote,
                                                const ExpectedDigests& expected, PartFile& part,
                                                const Progress& progress);

}  // namespace strata::client
