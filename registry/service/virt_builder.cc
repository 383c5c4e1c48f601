#include <algorithm>

#include "registry/service/image_index.h"
#include "registry/service/resources.h"
#include "registry/service/site_policy.h"
#include "registry/service/views.h"
#include "strata/base/text.h"

namespace strata::registry {
namespace {

using entries::Field;
using entries::Query;
using entries::StoredEntry;

// virt-builder takes files relative to its index only, so that they come from the same server: this
// is the place there, which sends it on to where the bytes are.
std::string file_of(const StoredEntry& entry) {
  return "images/" + entry.key.path().substr(std::string_view("/metadata/").size());
}

Result<Query> query_of(const App& app, const Request& request) {
  const Parameters parameters(request.head);
  if (Status known = parameters.require_known({"endorser", "tag", "os", "arch"}); !known) {
    return known.error();
  }
  Query query;
  if (Status status = add_filters(parameters, query); !status) return status.error();
  query.now = app.clock.now();
  query.location = Query::Location::kWeb;
  query.filters.emplace_back(Field::kKind, "machine");
  return query;
}

bool is_newer(const StoredEntry& a, const StoredEntry& b) {
  return a.key.created != b.key.created ? a.key.created > b.key.created : a.sequence > b.sequence;
}

// Entries of one format, newest first, a page of them in memory. At most so many are looked at as
// may stand in the index: what is not public has no format, and costs nothing.
class Candidates {
 public:
  Candidates(const App& app, Query query, const char* format)
      : app_(app), query_(std::move(query)) {
    query_.filters.emplace_back(Field::kFormat, format);
  }
  // The newest that is left; null: there is none. Stays until pop().
  Result<const StoredEntry*> top() {
    while (at_ == entries_.size()) {
      if (ended_ || left_ == 0) return nullptr;
      constexpr std::size_t kInMemory = 100;
      query_.limit = std::min({left_, app_.limits.page_size_max, kInMemory});
      STRATA_TRY(auto page, app_.store.search(query_));
      entries_ = std::move(page.entries);
      at_ = 0;
      left_ -= std::min(left_, entries_.size());
      ended_ = page.next.empty();
      query_.cursor = std::move(page.next);
    }
    return &entries_[at_];
  }
  void pop() { ++at_; }

 private:
  const App& app_;
  Query query_;
  std::size_t left_ = app_.limits.image_index_entries_max;
  bool ended_ = false;
  std::vector<StoredEntry> entries_;
  std::size_t at_ = 0;
};

// Appends what may stand in the index, until it is full.
class Listing {
 public:
  explicit Listing(const App& app)
      : app_(app),
        rules_(app.trust.rules()),
        policy_(app, *rules_),
        index_(app.limits.image_index_entries_max, app.limits.list_bytes_max) {}

  // False: nothing more goes in. It ends early, too, where the policy has more to read than one
  // request may.
  Result<bool> add(const StoredEntry& entry) {
    if (!place_for_virt_builder(entry) || !is_trusted(app_, *rules_, entry)) return true;
    const auto accepted = policy_.accepts(entry.key);
    if (!accepted && accepted.error().code() == Errc::kUnavailable) return !policy_.is_spent();
    if (!accepted) return accepted.error();
    return !*accepted || index_.add(entry, file_of(entry), app_.public_url + entry.key.path());
  }
  std::string take() { return index_.take(); }

 private:
  const App& app_;
  const std::shared_ptr<const RulesInForce> rules_;  // shared with Trust; one set for the request
  SitePolicy policy_;
  ImageIndex index_;
};

// Both formats in one order.
Status list_all(Candidates& raw, Candidates& qcow2, Listing& listing) {
  for (;;) {
    STRATA_TRY(const StoredEntry* of_raw, raw.top());
    STRATA_TRY(const StoredEntry* of_qcow2, qcow2.top());
    if (of_raw == nullptr && of_qcow2 == nullptr) return {};
    const bool take_raw =
        of_qcow2 == nullptr || (of_raw != nullptr && is_newer(*of_raw, *of_qcow2));
    STRATA_TRY(const bool goes_on, listing.add(take_raw ? *of_raw : *of_qcow2));
    if (!goes_on) return {};
    (take_raw ? raw : qcow2).pop();
  }
}

// What the index would list: of its endorser the newest, and valid.
Result<bool> is_current(const App& app, const StoredEntry& entry) {
  if (entries::standing_of(entry.metadata, app.clock.now()) != entries::Standing::kValid) {
    return false;
  }
  STRATA_TRY(const auto latest, app.store.latest(entry.key.identifier, entry.key.endorser));
  return latest.key == entry.key;
}

}  // namespace

Result<Response> get_virt_builder_index(App& app, const Request& request) {
  STRATA_TRY(const Query query, query_of(app, request));
  Candidates raw(app, query, "raw"), qcow2(app, query, "qcow2");
  Listing listing(app);
  if (Status status = list_all(raw, qcow2, listing); !status) return status.error();
  Response response = respond(200, "text/plain; charset=utf-8", listing.take());
  response.headers.set("Cache-Control", "no-cache");
  return response;
}

Result<Response> get_virt_builder_image(App& app, const Path& key_parts) {
  const auto key = metadata::EntryKey::parse(key_parts[0], key_parts[1], key_parts[2]);
  if (!key) return Error(Errc::kNotFound, "no such entry: " + key.error().detail());
  STRATA_TRY(const StoredEntry entry, app.store.get(*key));
  const Error not_there(Errc::kNotFound, "this entry is not in the index for virt-builder");
  const auto place = place_for_virt_builder(entry);
  const auto rules = app.trust.rules();
  if (!place || !is_trusted(app, *rules, entry)) return not_there;
  STRATA_TRY(const bool current, is_current(app, entry));
  if (!current) return not_there;
  STRATA_TRY(const bool accepted, SitePolicy(app, *rules).accepts(entry.key));
  if (!accepted) return not_there;
  Response response = respond(302, "text/plain; charset=utf-8", "");
  response.headers.set("Location", place->text());
  response.headers.set("Cache-Control", "no-cache");
  return response;
}

}  // namespace strata::registry
