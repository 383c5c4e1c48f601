#include <boost/json.hpp>

#include "registry/service/resources.h"
#include "registry/service/views.h"
#include "strata/base/text.h"

namespace strata::registry {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kRangeDays = 30;  // as StratusLab
constexpr std::uint64_t kRangeDaysMax = 36'500;
constexpr UnixMillis kDay = 24 * 3600 * 1000;

Result<Response> list_endorsers(const App& app, Media media) {
  STRATA_TRY(const auto names, app.store.endorsers(app.limits.search_total_exact_max));
  if (media == Media::kXml) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& name : names) rows.push_back({name.email, name.subject, name.issuer});
    return respond(200, kXmlType, sparql_xml({"email", "subject", "issuer"}, rows));
  }
  if (media == Media::kJson) {
    json::array list;
    for (const auto& name : names) {
      list.push_back(
          json::object{{"email", name.email}, {"subject", name.subject}, {"issuer", name.issuer}});
    }
    return respond(200, kJsonType,
                   json::serialize(json::object{{"endorsers", std::move(list)}}) + "\n");
  }
  std::vector<web::EndorserRow> rows;
  for (const auto& name : names) rows.push_back({name.email, name.subject, name.issuer});
  return html(web::endorsers_page(rows));
}

Result<Response> list_tags(const App& app, const std::string& email, Media media) {
  STRATA_TRY(const auto tags, app.store.tags(email, app.limits.search_total_exact_max));
  if (media == Media::kXml) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& tag : tags) rows.push_back({tag});
    return respond(200, kXmlType, sparql_xml({"tag"}, rows));
  }
  if (media == Media::kJson) {
    return respond(
        200, kJsonType,
        json::serialize(json::object{{"tags", json::array(tags.begin(), tags.end())}}) + "\n");
  }
  return html(web::tags_page(email, tags));
}

// What the endorser has signed in the last days.
Result<Response> list_recent(const App& app, const Request& request, const std::string& email,
                             Media media) {
  const Parameters parameters(request.head);
  STRATA_TRY(auto query, list_query(parameters, app.limits, app.clock.now()));
  if (!parameters.get("status")) query.status = entries::Query::Status::kAll;
  // As the original: what is no number of days is the default.
  const std::uint64_t days = std::min(
      parse_decimal(parameters.get("range").value_or("")).value_or(kRangeDays), kRangeDaysMax);
  query.created_since = app.clock.now() - static_cast<UnixMillis>(days) * kDay;
  Status status = add_filter(entries::Field::kEndorser, "e-mail", email, query);
  if (!status) return status.error();
  STRATA_TRY(const auto page, app.store.search(query));
  Response response;
  if (media == Media::kJson) {
    response = respond(200, kJsonType, page_json(app, page));
  } else if (media == Media::kXml) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& entry : page.entries) {
      const auto& image = entry.metadata;
      rows.push_back({entry.key.identifier.text(), format_rfc3339(entry.key.created),
                      image.description, image.locations.empty() ? "" : image.locations.front(),
                      image.deprecated.value_or(""), email});
    }
    response = respond(
        200, kXmlType,
        sparql_xml({"identifier", "created", "description", "location", "deprecated", "email"},
                   rows));
  } else {
    if (page.entries.empty() && page.next.empty()) {
      // Nothing in these days; is there anything at all?
      query.created_since.reset();
      query.cursor.clear();
      query.limit = 1;
      STRATA_TRY(const auto any, app.store.search(query));
      if (any.entries.empty()) return Error(Errc::kNotFound, "no entries of " + email);
    }
    web::EndorserView view{.email = email, .days = days, .tags = {}, .entries = {}, .next = {}};
    STRATA_TRY(view.tags, app.store.tags(email, app.limits.search_total_exact_max));
    view.entries = entry_views(app, page.entries);
    if (!page.next.empty()) {
      view.next = web::endorser_path(email) + parameters.with("cursor", page.next);
    }
    response = html(web::endorser_page(view));
  }
  link_next(response, app, request, parameters, page.next);
  return response;
}

}  // namespace

Result<Response> get_endorsers(App& app, const Request& request, const Path& path) {
  STRATA_TRY(const Media media, negotiate(Parameters(request.head), request.head.headers));
  Result<Response> response = Error(Errc::kNotFound, "see /endorsers, /endorsers/{email}/tags");
  if (path.empty()) response = list_endorsers(app, media);
  if (path.size() == 1) response = list_recent(app, request, path[0], media);
  if (path.size() == 2 && path[1] == "tags") response = list_tags(app, path[0], media);
  if (response) response->headers.set("Vary", "Accept");
  return response;
}

}  // namespace strata::registry
