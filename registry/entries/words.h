#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "registry/entries/entry_store.h"
#include "strata/base/limits.h"

// What an entry is found by: words and field values as index terms. Pure.
namespace strata::entries {

// Runs of ASCII letters and digits and of all bytes above 127, ASCII letters in lower case, each
// cut to limits.index_value_bytes_max. So "Débian-12" is "débian" and "12".
[[nodiscard]] std::vector<std::string> split_words(std::string_view text, const Limits& limits);

// A term is its kind (a Field, or one of those below) followed by its value.
inline constexpr char kWordTerm = 'w';
inline constexpr char kAllTerm = 'a';      // every newest entry; no value
inline constexpr char kTagOfTerm = 'T';    // e-mail, kPartSeparator, tag
inline constexpr char kSignerTerm = 'S';   // e-mail, subject, issuer, kPartSeparator between them
inline constexpr char kCreatedTerm = 'c';  // whole seconds in decimal; superseded entries too
inline constexpr char kPartSeparator = 1;  // no XML document can hold it

// nullopt for a value that no entry can be indexed under (too long, or with a NUL).
[[nodiscard]] std::optional<std::string> field_term(Field field, std::string_view value,
                                                    const Limits& limits);

// All terms of an entry but kCreatedTerm.
[[nodiscard]] std::set<std::string> terms_of(const StoredEntry& entry, const Limits& limits);
[[nodiscard]] std::string created_term(UnixMillis created);

}  // namespace strata::entries
