#pragma once

#include <memory>
#include <string>

#include "storage/blob/blob_store.h"
#include "strata/base/clock.h"
#include "strata/base/limits.h"
#include "strata/io/file_system.h"

namespace strata::blob {

// Blobs as files below `root`; storage/FORMAT.md is the layout. Creates what is missing. One
// process at a time may have a root open (its owner sees to that, with a lock).
// `fs` and `random` must outlive the store, and the store its writers. kCorruptData with a clear
// message when the root was written by a newer format version.
//
// What it promises beyond the contract: a blob whose sidecar exists has all its bytes, and every
// step towards that is durable before the next one starts (ARCHITECTURE rule 2). Long runs of zeros
// become holes of the file and count as no space. A few readers are kept open
// (Limits::blob_readers_kept), so that opening a blob in demand costs no system call.
[[nodiscard]] Result<std::unique_ptr<BlobStore>> open_local_blob_store(io::FileSystem& fs,
                                                                       const std::string& root,
                                                                       Random& random,
                                                                       const Limits& limits = {});

}  // namespace strata::blob
