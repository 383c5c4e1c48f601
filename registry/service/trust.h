#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/result.h"
#include "strata/metadata/authorities.h"
#include "strata/metadata/document.h"

namespace strata::registry {

// Whose entries this registry takes (registry/DESIGN.md, Trust).
struct TrustRules {
  enum class Mode : std::uint8_t {
    kAny,     // every endorser whose signature holds
    kListed,  // those in `endorsers`
    kCa,      // whose certificate chains to one of `authorities`, and those in `endorsers`
  };
  Mode mode = Mode::kAny;
  // E-mail addresses, or SHA-256 fingerprints of certificates in hex. Without authorities an e-mail
  // address says what the certificate claims; with them it counts with a chain only.
  std::vector<std::string> endorsers = {};
  // Which certificate speaks for an e-mail address that it does not carry: by its fingerprint, or
  // by its subject when it chains to one of `authorities` (a self-signed one can claim any
  // subject). One of the two is empty.
  struct Binding {
    std::string email, subject, fingerprint;
  };
  std::vector<Binding> bindings = {};
  std::optional<metadata::Authorities> authorities = {};
  bool legacy_uploads = false;  // documents of Profile::kLegacy are taken and trusted, too
};

// Whom a decision is about: what a signature that held says.
struct Claim {
  const std::string& endorser;
  const metadata::VerifiedEntry::Signature& signature;
  UnixMillis created;
  // DER of the certificate that verified it; asked for only where a rule needs a chain.
  std::function<Result<std::vector<std::uint8_t>>()> certificate;
};

// One set of rules. Immutable but for what it remembers of certificates; any thread.
class RulesInForce final : public metadata::Bindings {
 public:
  RulesInForce(TrustRules rules, const Clock& clock);  // the clock outlives it

  // Whether the e-mail address of a certificate without one is bound to it.
  [[nodiscard]] Status require(const metadata::VerifiedEntry::Signature& signature,
                               std::span<const std::uint8_t> certificate,
                               const metadata::Endorsement& endorsement) const override;
  // kUntrustedSignature, with what would make it trusted.
  [[nodiscard]] Status decide(const Claim& claim) const;
  [[nodiscard]] Status decide(const metadata::VerifiedEntry& entry) const;
  // decide() for what was posted at `received`. Where revocation lists are configured its chain
  // must hold then, too, unless the certificate is pinned: lists leave out who has expired (RFC
  // 5280, 3.3), so that a revoked certificate is known as such until then only.
  [[nodiscard]] Status decide_new(const metadata::VerifiedEntry& entry, UnixMillis received) const;
  // More than the certificate itself says who the endorser is: a pin or a chain.
  [[nodiscard]] bool is_vouched(const metadata::VerifiedEntry& entry) const;
  [[nodiscard]] bool legacy_uploads() const { return rules_.legacy_uploads; }

 private:
  class Inquiry;
  // What is remembered of one certificate.
  struct Known {
    std::vector<std::uint8_t> der;
    metadata::Verdict verdict;
    UnixMillis judged = 0;
  };

  [[nodiscard]] Status identify(Inquiry& inquiry) const;
  [[nodiscard]] Status decide(Inquiry& inquiry) const;
  [[nodiscard]] bool is_listed(std::string_view endorser) const;
  [[nodiscard]] bool is_bound_by_fingerprint(const Claim& claim) const;
  [[nodiscard]] bool is_pinned(const Claim& claim) const;
  [[nodiscard]] bool has_revocation_lists() const;
  // Fails when the certificate cannot be had.
  [[nodiscard]] Result<metadata::Verdict> judge(const Claim& claim) const;
  void remember(const std::string& fingerprint, Known known) const;

  const TrustRules rules_;
  const std::set<std::string, std::less<>> endorsers_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Known, std::less<>> known_;  // by fingerprint
  mutable std::size_t known_bytes_ = 0;
};

// The rules in force; they can be replaced while requests are answered. Any thread.
class Trust {
 public:
  Trust(TrustRules rules, const Clock& clock);
  void replace(TrustRules rules);
  // Shared with whoever decides at the moment; one request uses one set of rules.
  [[nodiscard]] std::shared_ptr<const RulesInForce> rules() const;

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const RulesInForce> rules_;
};

}  // namespace strata::registry
