#pragma once

#include <boost/json/fwd.hpp>
#include <string>
#include <vector>

#include "registry/entries/entry_store.h"
#include "registry/service/app.h"
#include "registry/web/pages.h"

// An entry as JSON and as the pages show it. Of `rules` one request takes one set for all entries.
namespace strata::registry {

// By rules that may not be those that the entry was accepted under.
[[nodiscard]] bool is_trusted(const App& app, const RulesInForce& rules,
                              const entries::StoredEntry& entry);

[[nodiscard]] boost::json::object entry_json(const App& app, const RulesInForce& rules,
                                             const entries::StoredEntry& entry);
[[nodiscard]] web::EntryView entry_view(const App& app, const RulesInForce& rules,
                                        const entries::StoredEntry& entry);
[[nodiscard]] std::vector<web::EntryView> entry_views(
    const App& app, const std::vector<entries::StoredEntry>& entries);

// {"entries":[...],"total":N,"total_is":"exact"|"at_least","next":cursor|null}
[[nodiscard]] std::string page_json(const App& app, const entries::Page& page);

// "<metadata>" around the documents of `entries`, in order. Stops before limits.list_bytes_max,
// after at least one; `taken` says how many it holds.
[[nodiscard]] Result<std::string> entries_xml(const App& app,
                                              const std::vector<entries::StoredEntry>& entries,
                                              std::size_t& taken);

// SPARQL query results (W3C), which StratusLab's clients read for endorsers and tags.
[[nodiscard]] std::string sparql_xml(const std::vector<std::string>& variables,
                                     const std::vector<std::vector<std::string>>& rows);

}  // namespace strata::registry
