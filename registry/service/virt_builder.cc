#include <algorithm>

#include "registry/service/image_index.h"
#include "registry/service/resources.h"
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

// Entries that can stand in the index, newest first. At most so many are looked at as may stand
// there: what is not public has no format, and costs nothing.
Status collect(const App& app, Query query, std::vector<StoredEntry>& found) {
  std::size_t left = app.limits.image_index_entries_max;
  do {
    query.limit = std::min(left, app.limits.page_size_max);
    STRATA_TRY(auto page, app.store.search(query));
    for (StoredEntry& entry : page.entries) {
      if (place_for_virt_builder(entry) && is_trusted(app, entry)) {
        found.push_back(std::move(entry));
      }
    }
    left -= std::min(left, page.entries.size());
    query.cursor = std::move(page.next);
  } while (left > 0 && !query.cursor.empty());
  return {};
}

}  // namespace

Result<Response> get_virt_builder_index(App& app, const Request& request) {
  STRATA_TRY(const Query query, query_of(app, request));
  std::vector<StoredEntry> found;
  for (const char* format : {"raw", "qcow2"}) {
    Query narrowed = query;
    narrowed.filters.emplace_back(Field::kFormat, format);
    if (Status status = collect(app, std::move(narrowed), found); !status) return status.error();
  }
  std::sort(found.begin(), found.end(), [](const StoredEntry& a, const StoredEntry& b) {
    return a.key.created != b.key.created ? a.key.created > b.key.created : a.sequence > b.sequence;
  });
  ImageIndex index(app.limits.image_index_entries_max, app.limits.list_bytes_max);
  for (const StoredEntry& entry : found) {
    if (!index.add(entry, file_of(entry), app.public_url + entry.key.path())) break;
  }
  Response response = respond(200, "text/plain; charset=utf-8", index.take());
  response.headers.set("Cache-Control", "no-cache");
  return response;
}

Result<Response> get_virt_builder_image(App& app, const Path& key_parts) {
  const auto key = metadata::EntryKey::parse(key_parts[0], key_parts[1], key_parts[2]);
  if (!key) return Error(Errc::kNotFound, "no such entry: " + key.error().detail());
  STRATA_TRY(const StoredEntry entry, app.store.get(*key));
  const auto place = place_for_virt_builder(entry);
  if (!place || !is_trusted(app, entry)) {
    return Error(Errc::kNotFound, "this entry is not in the index for virt-builder");
  }
  Response response = respond(302, "text/plain; charset=utf-8", "");
  response.headers.set("Location", place->text());
  response.headers.set("Cache-Control", "no-cache");
  return response;
}

}  // namespace strata::registry
