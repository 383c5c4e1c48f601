#pragma once

#include <string>
#include <string_view>

#include "registry/entries/entry_store.h"

// An entry's record as bytes (registry/FORMAT.md): what lists and searches show, so that no
// document is parsed again on reading.
namespace strata::entries {

[[nodiscard]] std::string encode_record(const StoredEntry& entry);
// The key is not repeated in the record. kCorruptData.
[[nodiscard]] Result<StoredEntry> decode_record(const metadata::EntryKey& key,
                                                std::string_view record);

}  // namespace strata::entries
