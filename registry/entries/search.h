#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "registry/entries/facts.h"
#include "registry/entries/term_index.h"
#include "strata/base/limits.h"

// One search over one snapshot. The sets of its terms are intersected chunk by chunk; what is left
// is filtered and sorted by facts in memory, and only the entries of the page are read.
namespace strata::entries {

// Where an entry stands in the order of lists.
struct Position {
  std::uint64_t created = 0;  // seconds
  std::uint64_t sequence = 0;
  [[nodiscard]] static std::optional<Position> from_cursor(std::string_view cursor);
  [[nodiscard]] std::string cursor() const;  // hex
  auto operator<=>(const Position&) const = default;
};

struct ReadEntry {
  StoredEntry entry;
  std::size_t bytes = 0;  // of its record
};
// Reads entries by sequence number, in the order asked for.
using RecordReader =
    std::function<Result<std::vector<ReadEntry>>(const std::vector<std::uint64_t>& sequences)>;

struct SearchIndex {
  TermReader terms;
  const Facts& facts;
  RecordReader records;
  const Limits& limits;
};

[[nodiscard]] Result<Page> run_search(const Query& query, const SearchIndex& index);

// The newest entry under a term that `wanted` takes; nullopt when there is none.
[[nodiscard]] Result<std::optional<Position>> newest_of(
    std::string_view term, const SearchIndex& index,
    const std::function<bool(const Fact&)>& wanted);

}  // namespace strata::entries
