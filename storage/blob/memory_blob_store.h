#pragma once

#include <memory>

#include "storage/blob/blob_store.h"
#include "strata/base/clock.h"

namespace strata::blob {

// Blobs in memory, for tests and for trying Strata out: everything of the contract but durability.
// `random` must outlive the store; writers and readers may outlive it.
[[nodiscard]] std::unique_ptr<BlobStore> make_memory_blob_store(Random& random);

}  // namespace strata::blob
