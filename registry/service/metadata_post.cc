#include <algorithm>
#include <boost/json.hpp>

#include "registry/service/multipart.h"
#include "registry/service/posting.h"
#include "registry/service/resources.h"
#include "registry/web/pages.h"
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

// Only what would be published is asked about; the store answers for the rest.
Result<bool> is_newest(const App& app, const metadata::EntryKey& key) {
  const auto latest = app.store.latest(key.identifier, key.endorser);
  if (latest) return latest->key.created < key.created;
  if (latest.error().code() == Errc::kNotFound) return true;
  return latest.error();
}

// Whether this certificate has published in the endorser's name before, as far as a look at its
// newest entries tells.
Result<bool> has_published(const App& app, const metadata::VerifiedEntry& entry) {
  constexpr std::size_t kLookedAt = 100;
  entries::Query query;
  query.filters.emplace_back(entries::Field::kEndorser, entry.key().endorser);
  query.status = entries::Query::Status::kAll;
  query.now = app.clock.now();
  query.limit = std::min(kLookedAt, app.limits.page_size_max);
  STRATA_TRY(const auto page, app.store.search(query));
  return std::ranges::any_of(page.entries, [&](const entries::StoredEntry& stored) {
    return stored.signature.fingerprint == entry.signature().fingerprint;
  });
}

// Sends the message, unless it has been sent for the same bytes; returns when its link expires.
Result<UnixMillis> send_message(App& app, const Request& request,
                                const metadata::VerifiedEntry& entry) {
  if (const auto expires = app.confirmations->asked_until(entry)) {
    count_post(app, "asked-again");
    return *expires;
  }
  STRATA_TRY(const bool known, has_published(app, entry));
  STRATA_TRY(const UnixMillis expires, app.confirmations->ask(entry, known, app.public_url));
  count_post(app, "asked");
  log::info("confirmation.sent", {{"id", request.id},
                                  {"entry", entry.key().path()},
                                  {"fingerprint", entry.signature().fingerprint}});
  return expires;
}

Result<Response> ask_endorser(App& app, const Request& request,
                              const metadata::VerifiedEntry& entry) {
  STRATA_TRY(const UnixMillis expires, send_message(app, request, entry));
  const std::string text =
      "confirmation email sent for new metadata entry: it is published when its endorser follows "
      "the link in the message to " +
      entry.key().endorser + ", until " + format_rfc3339(expires);
  if (prefers_html(request.head.headers)) {
    return html(web::message_page("Confirmation needed", text), 202);
  }
  return respond(
      202, kJsonType,
      boost::json::serialize(boost::json::object{{"status", "confirmation-needed"},
                                                 {"detail", text},
                                                 {"identifier", entry.key().identifier.text()},
                                                 {"endorser", entry.key().endorser},
                                                 {"created", format_rfc3339(entry.key().created)},
                                                 {"expires", format_rfc3339(expires)}}) +
          "\n");
}

Result<Response> post_document(App& app, const Request& request) {
  STRATA_TRY(const auto document, document_of(app, request));
  const auto rules = app.trust.rules();
  STRATA_TRY(const auto entry, admit_document(app, document, *rules, app.clock.now()));
  if (app.confirmations != nullptr && !rules->is_vouched(entry)) {
    STRATA_TRY(const bool is_new, is_newest(app, entry.key()));
    if (is_new) return ask_endorser(app, request, entry);
  }
  return publish(app, request, entry, *rules);
}

}  // namespace

Result<Response> post_metadata(App& app, const Request& request) {
  if (app.posts != nullptr) {
    const auto wait = app.posts->take(request.peer_address);
    if (wait.count() > 0) {
      const Error error(Errc::kTooManyRequests,
                        "this address posts more than " +
                            std::to_string(app.limits.posts_per_minute_max) +
                            " documents a minute (rule posts_per_minute_max)");
      count_post(app, error.info().type);
      Response response = refuse(error, request);
      response.headers.set("Retry-After", std::to_string(wait.count()));
      return response;
    }
  }
  auto response = post_document(app, request);
  if (!response) count_post(app, response.error().info().type);
  return response;
}

}  // namespace strata::registry
