#pragma once

#include <string>
#include <string_view>

#include "registry/entries/entry_store.h"

// An entry's record as bytes (registry/FORMAT.md): what lists and searches show, so that no
// document is parsed again on reading.
namespace strata::entries {

// Key and values; the sequence number is the record's key.
[[nodiscard]] std::string encode_record(const StoredEntry& entry);
// kCorruptData.
[[nodiscard]] Result<StoredEntry> decode_record(std::uint64_t sequence, std::string_view record);
// Takes the key, with which a record begins, from its front.
[[nodiscard]] Result<metadata::EntryKey> take_record_key(std::string_view& record);

}  // namespace strata::entries
