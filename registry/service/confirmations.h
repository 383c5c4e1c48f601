#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "registry/service/mailer.h"
#include "registry/service/pending_documents.h"
#include "strata/metadata/document.h"

namespace strata::registry {

// Asks endorsers by e-mail whether a document is theirs. The link in the message holds a secret of
// 128 bits, which is the credential for the answer; what is kept is its SHA-256. Any thread.
class Confirmations {
 public:
  // `random` outlives it.
  Confirmations(std::unique_ptr<PendingDocuments> pending, std::unique_ptr<Mailer> mailer,
                std::string from, const Clock& clock, Random& random);

  // Keeps the document and sends the message; returns when the link expires. Nothing is kept when
  // the message could not be sent. `known`: entries of this endorser by this certificate are
  // published. kTooManyRequests, kUnavailable.
  [[nodiscard]] Result<UnixMillis> ask(const metadata::VerifiedEntry& entry, bool known,
                                       const std::string& public_url);
  // When the link expires that was sent for these very bytes; nullopt: none that can be followed.
  [[nodiscard]] std::optional<UnixMillis> asked_until(const metadata::VerifiedEntry& entry);

  // kNotFound: no secret of ours has this form. kGone: answered, or expired.
  [[nodiscard]] Result<PendingDocuments::Pending> find(std::string_view token);
  [[nodiscard]] UnixMillis expiry_of(UnixMillis received) const {
    return pending_->expiry_of(received);
  }
  [[nodiscard]] Status forget(std::string_view token);
  // One answer at a time: of two, confirm and abort, the second finds nothing.
  [[nodiscard]] std::unique_lock<std::mutex> answer() { return std::unique_lock(answering_); }

 private:
  const std::unique_ptr<PendingDocuments> pending_;
  const std::unique_ptr<Mailer> mailer_;
  const std::string from_;
  const Clock& clock_;
  Random& random_;
  std::mutex answering_;
};

}  // namespace strata::registry
