#include <boost/json.hpp>

#include "registry/service/resources.h"
#include "strata/base/text.h"
#include "strata/digest/hasher.h"

namespace strata::registry {
namespace {

namespace json = boost::json;

Result<std::uint64_t> number(const Parameters& parameters, std::string_view key,
                             std::uint64_t otherwise) {
  const auto text = parameters.get(key);
  if (!text) return otherwise;
  const auto value = parse_decimal(*text);
  if (!value) return Error(Errc::kMalformed, std::string(key) + ": a whole number, not negative");
  return *value;
}

struct Wanted {
  std::uint64_t since = 0;
  std::size_t limit = 0;
  std::chrono::seconds wait{0};
};

Result<Wanted> wanted_of(const App& app, const Parameters& parameters) {
  if (Status known = parameters.require_known({"since", "limit", "wait"}); !known) {
    return known.error();
  }
  Wanted wanted;
  STRATA_TRY(wanted.since, number(parameters, "since", 0));
  STRATA_TRY(const auto limit, number(parameters, "limit", app.limits.page_size));
  if (limit == 0 || limit > app.limits.page_size_max) {
    return Error(Errc::kMalformed,
                 "limit: a number from 1 to " + std::to_string(app.limits.page_size_max));
  }
  wanted.limit = static_cast<std::size_t>(limit);
  STRATA_TRY(const auto wait, number(parameters, "wait", 0));
  const auto wait_max = static_cast<std::uint64_t>(app.limits.long_poll_max.count());
  wanted.wait = std::chrono::seconds(std::min(wait, wait_max));
  return wanted;
}

// The document's digest tells a peer whether it has this entry, whatever it knows of its key.
json::object change_json(const App& app, const entries::Change& change,
                         const std::string& document) {
  return {{"sequence", change.sequence},
          {"identifier", change.key.identifier.text()},
          {"endorser", change.key.endorser},
          {"created", format_rfc3339(change.key.created)},
          {"entry", app.public_url + change.key.path()},
          {"document", json::object{{"bytes", document.size()},
                                    {"sha-256", digest::digest_of(document).sha256.hex()}}}};
}

}  // namespace

Result<Response> get_changes(App& app, const Request& request) {
  const Parameters parameters(request.head);
  STRATA_TRY(const Wanted wanted, wanted_of(app, parameters));
  STRATA_TRY(const auto changes, app.store.changes(wanted.since, wanted.limit));
  json::array list;
  std::uint64_t next = wanted.since;
  std::size_t bytes = 0;  // of the documents that were read for their digests
  for (const auto& change : changes) {
    STRATA_TRY(const auto document, app.store.document(change.key));
    bytes += document.size();
    if (!list.empty() && bytes > app.limits.list_bytes_max) break;
    list.push_back(change_json(app, change, document));
    next = change.sequence;
  }
  const bool nothing = list.empty();
  const std::uint64_t last = app.store.last_sequence();
  // Read last, so that it is never before "next".
  const json::object answer{
      {"store", app.store_id}, {"changes", std::move(list)}, {"next", next}, {"last", last}};
  Response response = respond(200, kJsonType, json::serialize(answer) + "\n");
  response.headers.set("Cache-Control", "no-store");
  const auto until = request.begin + wanted.wait;
  // A peer ahead of us knows another store (ours was reset or restored): it must notice that now.
  const bool is_ahead = wanted.since > last;
  if (nothing && !is_ahead && std::chrono::steady_clock::now() < until) {
    response.hold_until = until;
  }
  return response;
}

}  // namespace strata::registry
