#include <boost/json.hpp>

#include "registry/service/multipart.h"
#include "registry/service/resources.h"
#include "registry/service/views.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::registry {
namespace {

// "application/xml; charset=utf-8" -> "application/xml", in lower case.
std::string media_type(std::string_view content_type) {
  return ascii_lower(trim(content_type.substr(0, content_type.find(';'))));
}

Result<std::string_view> document_of(const App& app, const Request& request) {
  const http::Headers& headers = request.head.headers;
  if (const auto coding = headers.get("Content-Encoding");
      coding && !iequals(*coding, "identity")) {
    return Error(Errc::kUnsupportedMedia, "send the document without Content-Encoding");
  }
  const std::string type = media_type(headers.get("Content-Type").value_or("application/xml"));
  std::string_view document = request.body;
  if (type == "multipart/form-data") {
    STRATA_TRY(document, first_file(*headers.get("Content-Type"), request.body));
  } else if (type != "application/rdf+xml" && type != "application/xml" && type != "text/xml") {
    return Error(Errc::kUnsupportedMedia,
                 "a metadata document is application/rdf+xml, application/xml, or a file in "
                 "multipart/form-data; not " +
                     (type.empty() ? "nothing" : type));
  }
  if (document.size() > app.limits.metadata_document_bytes_max) {
    return Error(Errc::kTooLarge, "a metadata document has at most " +
                                      std::to_string(app.limits.metadata_document_bytes_max) +
                                      " bytes");
  }
  return document;
}

// Nothing else says when a document was signed: a date far ahead would block every later correction
// (it could not be newer), and an old one may come from a drawer.
Status check_created(const App& app, const metadata::VerifiedEntry& entry) {
  const auto millis = [](std::chrono::seconds time) {
    return std::chrono::milliseconds(time).count();
  };
  const UnixMillis created = entry.key().created, now = app.clock.now();
  if (created > now + millis(app.limits.created_skew)) {
    return Error(Errc::kMalformed, "created: " + format_rfc3339(created) + " is more than " +
                                       std::to_string(app.limits.created_skew.count()) +
                                       " s ahead of this registry's clock (rule created_skew)");
  }
  const auto age_max = app.limits.created_age_max;
  if (age_max.count() != 0 && created < now - millis(age_max)) {
    return Error(Errc::kMalformed, "created: " + format_rfc3339(created) + " is more than " +
                                       std::to_string(age_max.count()) +
                                       " s behind this registry's clock (rule created_age_max): "
                                       "sign the document again");
  }
  return {};
}

// The legacy profile is looked at only where the strict one refuses, and its refusal is the answer
// then: it names what no profile allows.
Result<metadata::VerifiedEntry> verify_posted(const App& app, std::string_view document,
                                              const RulesInForce& rules) {
  using metadata::Profile;
  auto entry = metadata::verify_endorser(document, Profile::kStrict, app.limits, rules);
  if (entry || !rules.legacy_uploads()) return entry;
  return metadata::verify_endorser(document, Profile::kLegacy, app.limits, rules);
}

void count(App& app, std::string_view outcome) {
  app.metrics
      .counter("strata_registry_posts_total", "Documents posted, by outcome.",
               "outcome=\"" + std::string(outcome) + "\"")
      .add();
}

}  // namespace

Result<Response> post_metadata(App& app, const Request& request) {
  const auto refused = [&](const Error& error) {
    count(app, error.info().type);
    return error;
  };
  const auto document = document_of(app, request);
  if (!document) return refused(document.error());
  const auto rules = app.trust.rules();
  const auto entry = verify_posted(app, *document, *rules);
  if (!entry) return refused(entry.error());
  if (Status status = rules->decide(*entry); !status) return refused(status.error());
  if (Status status = check_created(app, *entry); !status) return refused(status.error());
  const auto insertion = app.store.insert(*entry);
  if (!insertion) return refused(insertion.error());

  const bool is_new = *insertion == entries::Insertion::kInserted;
  count(app, is_new ? "accepted" : "same");
  STRATA_TRY(const auto stored, app.store.get(entry->key()));
  const std::string location = app.public_url + stored.key.path();
  if (is_new) {
    log::info("entry.accepted", {{"id", request.id},
                                 {"entry", stored.key.path()},
                                 {"sequence", stored.sequence},
                                 {"fingerprint", stored.signature.fingerprint}});
  }
  const int status = is_new ? 201 : 200;
  Response response =
      prefers_html(request.head.headers)
          ? html(web::entry_page(entry_view(app, stored)), status)
          : respond(status, kJsonType, boost::json::serialize(entry_json(app, stored)) + "\n");
  response.headers.set("Location", location);
  return response;
}

}  // namespace strata::registry
