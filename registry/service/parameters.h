#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/entries/entry_store.h"
#include "strata/base/limits.h"
#include "strata/http/message.h"

namespace strata::registry {

// The query of a target. Empty values count as absent, as HTML forms send them; of several values
// for one key the first counts.
class Parameters {
 public:
  explicit Parameters(const http::RequestHead& head) : values_(head.query) {}
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const;
  // kMalformed naming the first key that is none of `known`.
  [[nodiscard]] Status require_known(std::initializer_list<std::string_view> known) const;
  // "?a=b&..." with `key` set to `value`; the others as they came.
  [[nodiscard]] std::string with(std::string_view key, std::string_view value) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

// What all lists share: limit, cursor, status, location, sort. kMalformed.
[[nodiscard]] Result<entries::Query> list_query(const Parameters& parameters, const Limits& limits,
                                                UnixMillis now);
// The field filters of GET /v1/entries, checked and in canonical form, added to `query`.
[[nodiscard]] Status add_filters(const Parameters& parameters, entries::Query& query);
// Adds one filter; identifiers and digests must be well-formed. `name` is for the message.
[[nodiscard]] Status add_filter(entries::Field field, std::string_view name,
                                const std::string& value, entries::Query& query);

}  // namespace strata::registry
