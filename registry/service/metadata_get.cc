#include <boost/json.hpp>

#include "registry/service/resources.h"
#include "registry/service/views.h"
#include "strata/base/text.h"
#include "strata/digest/hasher.h"
#include "strata/http/conditional.h"

namespace strata::registry {
namespace {

using entries::Field;
using entries::Query;

// In /metadata/{a}/{b} each part is an e-mail address, a date or an identifier, by its look.
Status add_part(const std::string& part, Query& query) {
  if (part.find('@') != std::string::npos) {
    return add_filter(Field::kEndorser, "e-mail", part, query);
  }
  if (const auto created = parse_rfc3339(part)) {
    query.created = *created;
    return {};
  }
  return add_filter(Field::kIdentifier, "identifier", part, query);
}

Result<Query> query_of(const App& app, const Parameters& parameters, const Path& path) {
  STRATA_TRY(auto query, list_query(parameters, app.limits, app.clock.now()));
  for (const std::string& part : path) {
    if (Status status = add_part(part, query); !status) {
      // A path that cannot name anything names nothing.
      return Error(Errc::kNotFound, status.error().detail());
    }
  }
  if (const auto identifier = parameters.get("identifier")) {
    Status status = add_filter(Field::kIdentifier, "identifier", *identifier, query);
    if (!status) return status.error();
  }
  if (const auto email = parameters.get("email")) {
    Status status = add_filter(Field::kEndorser, "email", *email, query);
    if (!status) return status.error();
  }
  if (const auto text = parameters.get("created")) {
    query.created = parse_rfc3339(*text);
    if (!query.created) return Error(Errc::kMalformed, "created: YYYY-MM-DDThh:mm:ssZ");
  }
  return query;
}

// "//metadata", which is as good a path, would be the host "metadata" in a link.
std::string target_of(const Path& path) {
  std::string target = "/metadata";
  for (const std::string& part : path) target += "/" + percent_encode(part, "@");
  return target;
}

Result<Response> list_as_xml(const App& app, entries::Page& page) {
  std::size_t taken = 0;
  STRATA_TRY(auto xml, entries_xml(app, page.entries, taken));
  // The documents may be too long for one answer: the next page begins behind those that fit.
  if (taken < page.entries.size()) page.next = entries::cursor_behind(page.entries[taken - 1]);
  return respond(200, kXmlType, std::move(xml));
}

Result<Response> list(const App& app, const Request& request, const Path& path, Media media) {
  const Parameters parameters(request.head);
  STRATA_TRY(const auto query, query_of(app, parameters, path));
  STRATA_TRY(auto page, app.store.search(query));
  // As the original: a list of something in particular that is empty is not there.
  const bool particular = !path.empty();
  if (particular && page.entries.empty() && page.next.empty() && media != Media::kJson) {
    return Error(Errc::kNotFound, "no metadata matching query found");
  }
  Response response;
  if (media == Media::kJson) {
    response = respond(200, kJsonType, page_json(app, page));
  } else if (media == Media::kXml) {
    STRATA_TRY(response, list_as_xml(app, page));
  } else {
    web::SearchView view;
    for (const std::string& part : path) {
      view.heading += (&part == &path.front() ? " of " : ", ") + part;
    }
    view.entries = entry_views(app, page.entries);
    view.form.status = parameters.get("status").value_or("valid");
    view.form.sort = parameters.get("sort").value_or("-created");
    view.total = page.total;
    view.total_exact = page.total_exact;
    if (!page.next.empty()) {
      view.next = target_of(path) + parameters.with("cursor", page.next);
    }
    response = html(web::search_page(view));
  }
  response.headers.set("Vary", "Accept");
  link_next(response, app, request, parameters, page.next);
  return response;
}

// As the original: a browser saves it under the image's name.
std::string attachment(const entries::StoredEntry& entry, std::string_view extension) {
  return "attachment; filename=\"" + entry.key.identifier.text() + "." + std::string(extension) +
         "\"";
}

// What other endorsers say of the same image: the newest entry of each, a page of them.
Result<std::vector<web::Other>> others_of(const App& app, const RulesInForce& rules,
                                          const entries::StoredEntry& entry) {
  constexpr std::size_t kOthersShown = 50;
  Query query{.now = app.clock.now()};
  query.status = Query::Status::kAll;
  query.limit = std::min(kOthersShown, app.limits.page_size_max);
  query.filters.emplace_back(Field::kIdentifier, entry.key.identifier.text());
  STRATA_TRY(const auto page, app.store.search(query));
  std::vector<web::Other> others;
  for (const auto& other : page.entries) {
    if (other.key.endorser == entry.key.endorser) continue;
    web::EntryView view = entry_view(app, rules, other);
    others.push_back({view.path, view.endorser, view.created, view.standing});
  }
  return others;
}

Result<Response> show_document(const App& app, const entries::StoredEntry& entry,
                               const Request& request) {
  STRATA_TRY(auto document, app.store.document(entry.key));
  const std::string etag = "\"sha256:" + digest::digest_of(document).sha256.hex() + "\"";
  const http::Validators validators{.etag = etag, .last_modified = entry.key.created};
  Response response;
  switch (http::evaluate_preconditions(request.head.headers, validators)) {
    case http::Precondition::kFailed:
      return Error(Errc::kPreconditionFailed, "the entry's ETag is " + etag);
    case http::Precondition::kNotModified:
      response.status = 304;
      break;
    case http::Precondition::kProceed:
      response = respond(200, kRdfType, std::move(document));
      response.headers.set("Content-Disposition", attachment(entry, "xml"));
      break;
  }
  response.headers.set("ETag", etag);
  return response;
}

// As the original, which took a tag in quotes as well.
Result<entries::StoredEntry> resolve_tag(const App& app, const std::string& email,
                                         const std::string& tag) {
  auto entry = app.store.tagged(email, tag);
  const bool quoted = tag.size() >= 2 && tag.starts_with('"') && tag.ends_with('"');
  if (entry || !quoted || entry.error().code() != Errc::kNotFound) return entry;
  return app.store.tagged(email, tag.substr(1, tag.size() - 2));
}

}  // namespace

Result<Response> show_entry(const App& app, const entries::StoredEntry& entry, Media media,
                            const Request& request) {
  const auto rules = app.trust.rules();
  Response response;
  if (media == Media::kXml) {
    STRATA_TRY(response, show_document(app, entry, request));
  } else if (media == Media::kJson) {
    response =
        respond(200, kJsonType, boost::json::serialize(entry_json(app, *rules, entry)) + "\n");
    response.headers.set("Content-Disposition", attachment(entry, "json"));
  } else {
    web::EntryView view = entry_view(app, *rules, entry);
    STRATA_TRY(const auto latest, app.store.latest(entry.key.identifier, entry.key.endorser));
    if (latest.key != entry.key) view.superseded_by = latest.key.path();
    STRATA_TRY(view.others, others_of(app, *rules, entry));
    response = html(web::entry_page(view));
  }
  response.headers.set("Vary", "Accept");
  return response;
}

Result<Response> get_metadata(App& app, const Request& request, const Path& path) {
  const Parameters parameters(request.head);
  STRATA_TRY(const Media media, negotiate(parameters, request.head.headers));
  if (path.size() == 3) {
    const auto key = metadata::EntryKey::parse(path[0], path[1], path[2]);
    if (!key) return Error(Errc::kNotFound, "no such entry: " + key.error().detail());
    STRATA_TRY(const auto entry, app.store.get(*key));
    return show_entry(app, entry, media, request);
  }
  if (path.size() > 3) return Error(Errc::kNotFound, "an entry is identifier, e-mail and date");
  const auto tag = parameters.get("tag");
  if (tag && path.size() == 1 && path[0].find('@') != std::string::npos) {
    STRATA_TRY(const auto entry, resolve_tag(app, path[0], *tag));
    return show_entry(app, entry, media, request);
  }
  return list(app, request, path, media);
}

Result<Response> get_tagged(App& app, const Request& request, const Path& path) {
  if (path.size() != 2) return Error(Errc::kNotFound, "a tag is /tag/{email}/{tag}");
  const Parameters parameters(request.head);
  STRATA_TRY(const Media media, negotiate(parameters, request.head.headers));
  STRATA_TRY(const auto entry, resolve_tag(app, path[0], path[1]));
  return show_entry(app, entry, media, request);
}

}  // namespace strata::registry
