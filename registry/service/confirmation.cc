#include "registry/service/posting.h"
#include "registry/service/resources.h"
#include "registry/web/pages.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

// The link of an e-mail to an endorser. Looking at it changes nothing: mail programs and scanners
// follow links. The answer is a POST, and the secret in the path its credential.
namespace strata::registry {
namespace {

Response secretly(Response response) {
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("Referrer-Policy", "no-referrer");
  return response;
}

// "action=confirm" of a form.
Result<std::string> action_of(const Request& request) {
  const std::string_view type = request.head.headers.get("Content-Type").value_or("");
  if (!iequals(trim(type.substr(0, type.find(';'))), "application/x-www-form-urlencoded")) {
    return Error(Errc::kUnsupportedMedia,
                 "an answer is application/x-www-form-urlencoded: action=confirm or action=abort");
  }
  for (const std::string_view field : split(request.body, '&')) {
    constexpr std::string_view kAction = "action=";
    if (!field.starts_with(kAction)) continue;
    const std::string action(field.substr(kAction.size()));
    if (action == "confirm" || action == "abort") return action;
  }
  return Error(Errc::kMalformed, "the answer must be action=confirm or action=abort");
}

// What the store says to these bytes for good.
bool is_final(Errc refusal) {
  return refusal == Errc::kNotNewer || refusal == Errc::kConflict || refusal == Errc::kCollision;
}

// The answer has been carried out, so that it is the answer of the request whatever comes of this.
// What stays behind expires; until then the link answers 200 with the entry, or the same refusal.
void forget(App& app, const std::string& token) {
  if (Status status = app.confirmations->forget(token); !status) {
    log::error("pending.remove_failed", {{"error", status.error().detail()}});
  }
}

Status require_confirmations(const App& app) {
  if (app.confirmations != nullptr) return {};
  return Error(Errc::kNotFound, "this registry asks nobody to confirm by e-mail");
}

}  // namespace

Result<Response> get_confirmation(App& app, const std::string& token) {
  if (Status status = require_confirmations(app); !status) return status.error();
  STRATA_TRY(const auto pending, app.confirmations->find(token));
  // Verified when it came; shown as it would be published now.
  STRATA_TRY(const auto entry,
             admit_document(app, pending.document, *app.trust.rules(), pending.received));
  return secretly(html(web::confirmation_page(
      {.identifier = entry.key().identifier.text(),
       .title = entry.metadata().title,
       .endorser = entry.key().endorser,
       .created = format_rfc3339(entry.key().created),
       .fingerprint = entry.signature().fingerprint,
       .expires = format_rfc3339(app.confirmations->expiry_of(pending.received))})));
}

Result<Response> post_confirmation(App& app, const Request& request, const std::string& token) {
  if (Status status = require_confirmations(app); !status) return status.error();
  STRATA_TRY(const std::string action, action_of(request));
  const auto turn = app.confirmations->answer();
  STRATA_TRY(const auto pending, app.confirmations->find(token));
  if (action == "abort") {
    if (Status status = app.confirmations->forget(token); !status) return status.error();
    log::info("confirmation.aborted", {{"id", request.id}, {"endorser", pending.endorser}});
    return secretly(html(web::message_page("Thrown away", "The document was not published.")));
  }
  const auto rules = app.trust.rules();
  STRATA_TRY(const auto entry, admit_document(app, pending.document, *rules, pending.received));
  auto response = publish(app, request, entry, *rules);
  if (!response) {
    if (is_final(response.error().code())) forget(app, token);
    return response.error();
  }
  forget(app, token);
  log::info("confirmation.confirmed", {{"id", request.id}, {"entry", entry.key().path()}});
  return secretly(std::move(*response));
}

}  // namespace strata::registry
