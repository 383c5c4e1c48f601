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

// A date far ahead would block every later correction (it could not be newer).
Status check_created(const App& app, const metadata::VerifiedEntry& entry) {
  const auto skew = std::chrono::milliseconds(app.limits.created_skew).count();
  if (entry.key().created <= app.clock.now() + skew) return {};
  return Error(Errc::kMalformed, "created: " + format_rfc3339(entry.key().created) +
                                     " is more than " +
                                     std::to_string(app.limits.created_skew.count()) +
                                     " s ahead of this registry's clock (rule created_skew)");
}

Result<entries::Insertion> accept(App& app, const metadata::VerifiedEntry& entry) {
  if (Status status = app.trust.require(entry); !status) return status.error();
  if (Status status = check_created(app, entry); !status) return status.error();
  return app.store.insert(entry);
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
  const auto entry = metadata::verify(*document, metadata::Profile::kStrict, app.limits);
  if (!entry) return refused(entry.error());
  const auto insertion = accept(app, *entry);
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
