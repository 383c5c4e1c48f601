#pragma once

#include <memory>
#include <string>

#include "registry/entries/entry_store.h"
#include "strata/base/limits.h"

namespace strata::entries {

// Entries in RocksDB under `folder`, made when missing (layout: registry/FORMAT.md). One process
// at a time: kConflict when another holds it. kUsage: written by a newer version of Strata.
[[nodiscard]] Result<std::unique_ptr<EntryStore>> open_rocksdb(const std::string& folder,
                                                               const Limits& limits);

}  // namespace strata::entries
