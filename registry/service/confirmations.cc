#include "registry/service/confirmations.h"

#include <utility>

#include "strata/base/ids.h"
#include "strata/base/log.h"
#include "strata/digest/hasher.h"

namespace strata::registry {
namespace {

Result<std::string> name_of(std::string_view token) {
  if (!RandomId::parse(token)) return Error(Errc::kNotFound, "there is no such confirmation");
  return digest::digest_of(token).sha256.hex();
}

}  // namespace

Confirmations::Confirmations(std::unique_ptr<PendingDocuments> pending,
                             std::unique_ptr<Mailer> mailer, std::string from, const Clock& clock,
                             Random& random)
    : pending_(std::move(pending)),
      mailer_(std::move(mailer)),
      from_(std::move(from)),
      clock_(clock),
      random_(random) {}

Result<UnixMillis> Confirmations::ask(const metadata::VerifiedEntry& entry, bool known,
                                      const std::string& public_url) {
  const std::string token = RandomId::generate(random_).text();
  STRATA_TRY(const std::string name, name_of(token));
  const std::string& endorser = entry.key().endorser;
  const UnixMillis now = clock_.now();
  const PendingDocuments::Claimant claimant{endorser, entry.signature().fingerprint, known};
  if (Status status = pending_->add(name, claimant, entry.document()); !status) {
    return status.error();
  }
  const ConfirmationMail mail{.from = from_,
                              .to = endorser,
                              .link = public_url + "/v1/confirmations/" + token,
                              .identifier = entry.key().identifier.text(),
                              .title = entry.metadata().title,
                              .fingerprint = entry.signature().fingerprint,
                              .created = entry.key().created,
                              .sent = now,
                              .expires = pending_->expiry_of(now)};
  if (Status sent = mailer_->send(compose(mail)); !sent) {
    if (Status removed = pending_->remove(name); !removed) {
      log::error("pending.remove_failed", {{"error", removed.error().detail()}});
    }
    return sent.error();
  }
  pending_->mark_asked(name);
  return mail.expires;
}

std::optional<UnixMillis> Confirmations::asked_until(const metadata::VerifiedEntry& entry) {
  const auto received = pending_->asked(entry.document());
  if (!received) return std::nullopt;
  return expiry_of(*received);
}

Result<PendingDocuments::Pending> Confirmations::find(std::string_view token) {
  STRATA_TRY(const std::string name, name_of(token));
  return pending_->get(name);
}

Status Confirmations::forget(std::string_view token) {
  STRATA_TRY(const std::string name, name_of(token));
  return pending_->remove(name);
}

}  // namespace strata::registry
