#include "registry/service/posting.h"

#include <boost/json.hpp>

#include "registry/service/negotiation.h"
#include "registry/service/views.h"
#include "strata/base/log.h"

namespace strata::registry {
namespace {

// Nothing else says when a document was signed: a date far ahead would block every later correction
// (it could not be newer), and an old one may come from a drawer.
Status check_created(const App& app, const metadata::VerifiedEntry& entry, UnixMillis now) {
  const auto millis = [](std::chrono::seconds time) {
    return std::chrono::milliseconds(time).count();
  };
  const UnixMillis created = entry.key().created;
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

}  // namespace

Result<metadata::VerifiedEntry> admit_document(const App& app, std::string_view document,
                                               const RulesInForce& rules, UnixMillis received) {
  STRATA_TRY(auto entry, verify_posted(app, document, rules));
  if (Status status = rules.decide_new(entry, received); !status) return status.error();
  if (Status status = check_created(app, entry, received); !status) return status.error();
  return entry;
}

void count_post(App& app, std::string_view outcome) {
  app.metrics
      .counter("strata_registry_posts_total", "Documents posted, by outcome.",
               "outcome=\"" + std::string(outcome) + "\"")
      .add();
}

Result<Response> publish(App& app, const Request& request, const metadata::VerifiedEntry& entry,
                         const RulesInForce& rules) {
  const auto inserted = app.store.insert(entry);
  if (!inserted) {
    // Two images of one SHA-1: by accident never, so somebody made them.
    if (inserted.error().code() == Errc::kCollision) {
      log::warn("entry.collision", {{"id", request.id},
                                    {"entry", entry.key().path()},
                                    {"fingerprint", entry.signature().fingerprint},
                                    {"error", inserted.error().detail()}});
    }
    return inserted.error();
  }
  const entries::Insertion insertion = *inserted;
  const bool is_new = insertion == entries::Insertion::kInserted;
  count_post(app, is_new ? "accepted" : "same");
  STRATA_TRY(const auto stored, app.store.get(entry.key()));
  if (is_new) {
    log::info("entry.accepted", {{"id", request.id},
                                 {"entry", stored.key.path()},
                                 {"sequence", stored.sequence},
                                 {"fingerprint", stored.signature.fingerprint}});
  }
  const int status = is_new ? 201 : 200;
  Response response = prefers_html(request.head.headers)
                          ? html(web::entry_page(entry_view(app, rules, stored)), status)
                          : respond(status, kJsonType,
                                    boost::json::serialize(entry_json(app, rules, stored)) + "\n");
  response.headers.set("Location", app.public_url + stored.key.path());
  return response;
}

}  // namespace strata::registry
