#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "registry/entries/doc_set.h"
#include "registry/entries/entry_store.h"
#include "registry/entries/term_index.h"
#include "strata/base/limits.h"

// A query in terms of the index.
namespace strata::entries {

struct Plan {
  std::vector<std::string> terms;     // all must hold
  std::optional<std::string> prefix;  // a term that starts so must hold
  // Who has a term with that prefix, by chunk; nullopt when they are too many to be united.
  std::optional<std::map<std::uint32_t, DocSet>> prefixed;
  bool nothing = false;  // no entry can match
};

// kMalformed: too many words.
[[nodiscard]] Result<Plan> make_plan(const Query& query, const TermReader& reader,
                                     const Limits& limits);

}  // namespace strata::entries
