#pragma once

#include <functional>

#include "registry/entries/postings.h"
#include "strata/base/limits.h"

// One search over one snapshot: postings of exact terms walked in step, the rest as a predicate.
namespace strata::entries {

// The record of a position; reads the snapshot of the search.
using RecordReader = std::function<Result<StoredEntry>(const Position&)>;

[[nodiscard]] Result<Page> run_search(const Query& query, const TermReader& reader,
                                      const RecordReader& record, const Limits& limits);

}  // namespace strata::entries
