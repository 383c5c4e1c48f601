#include "registry/service/trust.h"

#include <utility>

#include "strata/base/text.h"

namespace strata::registry {
namespace {

using metadata::Verdict;

// Certificates that are remembered, with their verdicts: more than a registry has endorsers.
constexpr std::size_t kKnownBytesMax = 16 * kMiB;
constexpr std::size_t kKnownBytesEach = 512;  // of one, besides its certificate and reason
// A longer one is read and judged each time. It bounds the reason of a verdict, too: that may name
// its subject.
constexpr std::size_t kCertificateKept = 8 * kKiB;

std::set<std::string, std::less<>> canonical(const std::vector<std::string>& endorsers) {
  std::set<std::string, std::less<>> set;
  for (const std::string& endorser : endorsers) {
    const bool is_email = endorser.find('@') != std::string::npos;
    set.insert(is_email ? endorser : ascii_lower(endorser));
  }
  return set;
}

Error untrusted(const Claim& claim, std::string_view why) {
  return Error(Errc::kUntrustedSignature,
               "the signature holds, but " + std::string(why) + " (endorser " + claim.endorser +
                   ", certificate SHA-256 " + claim.signature.fingerprint + ")");
}

Claim claim_of(const metadata::VerifiedEntry& entry) {
  return {.endorser = entry.key().endorser,
          .signature = entry.signature(),
          .created = entry.key().created,
          .certificate = [&entry] { return entry.certificate(); }};
}

}  // namespace

RulesInForce::RulesInForce(TrustRules rules, const Clock& clock)
    : rules_(std::move(rules)), endorsers_(canonical(rules_.endorsers)), clock_(clock) {}

bool RulesInForce::is_listed(std::string_view endorser) const {
  return endorsers_.contains(endorser);
}

bool RulesInForce::is_bound_by_fingerprint(const Claim& claim) const {
  for (const TrustRules::Binding& binding : rules_.bindings) {
    if (binding.email == claim.endorser && !binding.fingerprint.empty() &&
        iequals(binding.fingerprint, claim.signature.fingerprint)) {
      return true;
    }
  }
  return false;
}

bool RulesInForce::is_pinned(const Claim& claim) const {
  return is_listed(claim.signature.fingerprint) || is_bound_by_fingerprint(claim);
}

bool RulesInForce::has_revocation_lists() const {
  return rules_.authorities && rules_.authorities->revocation_lists() > 0;
}

// What the authorities say of one claim: judged when it is first needed, and once.
class RulesInForce::Inquiry {
 public:
  Inquiry(const RulesInForce& rules, const Claim& claim) : rules_(rules), claim_(claim) {}

  [[nodiscard]] const Claim& claim() const { return claim_; }
  const Result<Verdict>& verdict() {
    if (!verdict_) verdict_ = rules_.judge(claim_);
    return *verdict_;
  }
  bool chains() { return verdict() && verdict()->kind == Verdict::Kind::kChains; }
  // Why it does not chain.
  std::string reason() { return verdict() ? verdict()->reason : verdict().error().detail(); }

 private:
  const RulesInForce& rules_;
  const Claim& claim_;
  std::optional<Result<Verdict>> verdict_;
};

Result<Verdict> RulesInForce::judge(const Claim& claim) const {
  if (!rules_.authorities) return Verdict{.reason = "there is no CA"};
  const UnixMillis now = clock_.now();
  std::vector<std::uint8_t> der;
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(claim.signature.fingerprint);
    if (found != known_.end()) {
      const Known& known = found->second;
      const Verdict& verdict = known.verdict;
      const bool covers = verdict.from <= claim.created && claim.created <= verdict.to;
      if (covers && known.judged <= now && now < verdict.recheck) return verdict;
      der = known.der;
    }
  }
  if (der.empty()) {
    STRATA_TRY(der, claim.certificate());
  }
  Verdict verdict = rules_.authorities->judge(der, claim.created, now);
  if (der.size() <= kCertificateKept) {
    remember(claim.signature.fingerprint, {std::move(der), verdict, now});
  }
  return verdict;
}

void RulesInForce::remember(const std::string& fingerprint, Known known) const {
  const auto bytes = [](const Known& one) {
    return one.der.size() + one.verdict.reason.size() + kKnownBytesEach;
  };
  const std::lock_guard lock(mutex_);
  if (known_bytes_ + bytes(known) > kKnownBytesMax) {
    known_.clear();
    known_bytes_ = 0;
  }
  known_bytes_ += bytes(known);
  const auto [at, is_new] = known_.try_emplace(fingerprint);
  if (!is_new) known_bytes_ -= bytes(at->second);
  at->second = std::move(known);
}

// An e-mail address in the certificate was compared when the document was verified.
Status RulesInForce::identify(Inquiry& inquiry) const {
  const Claim& claim = inquiry.claim();
  if (!claim.signature.certificate_email.empty() || is_bound_by_fingerprint(claim)) return {};
  for (const TrustRules::Binding& binding : rules_.bindings) {
    if (binding.email != claim.endorser || binding.subject.empty() ||
        binding.subject != claim.signature.subject) {
      continue;
    }
    if (inquiry.chains()) return {};
    return untrusted(claim,
                     "a subject is bound to an e-mail address only with a chain to a CA of this "
                     "registry, and the certificate: " +
                         inquiry.reason());
  }
  return untrusted(claim,
                   "the certificate has no e-mail in its subjectAltName, and this registry binds "
                   "this address to no such certificate");
}

Status RulesInForce::require(const metadata::VerifiedEntry::Signature& signature,
                             std::span<const std::uint8_t> certificate,
                             const metadata::Endorsement& endorsement) const {
  const Claim claim{.endorser = endorsement.email,
                    .signature = signature,
                    .created = endorsement.created,
                    .certificate = [certificate]() -> Result<std::vector<std::uint8_t>> {
                      return std::vector<std::uint8_t>(certificate.begin(), certificate.end());
                    }};
  Inquiry inquiry(*this, claim);
  return identify(inquiry);
}

Status RulesInForce::decide(Inquiry& inquiry) const {
  const Claim& claim = inquiry.claim();
  const bool is_legacy =
      claim.signature.weak || claim.signature.profile == metadata::Profile::kLegacy;
  if (is_legacy && !rules_.legacy_uploads) {
    return untrusted(claim, "it has a legacy form or algorithm, and legacy_uploads is off");
  }
  if (Status status = identify(inquiry); !status) return status;
  // A revocation outweighs every rule that would trust, a pin as well; and who cannot be looked up
  // may be revoked.
  if (has_revocation_lists()) {
    if (!inquiry.verdict()) {
      return untrusted(claim, "whether its certificate is revoked cannot be told: " +
                                  inquiry.verdict().error().detail());
    }
    if (inquiry.verdict()->kind == Verdict::Kind::kRevoked) {
      return untrusted(claim, "the CA of its certificate has revoked it");
    }
  }
  if (rules_.mode == TrustRules::Mode::kAny || is_listed(claim.signature.fingerprint)) return {};
  if (rules_.mode == TrustRules::Mode::kListed) {
    if (!is_listed(claim.endorser)) return untrusted(claim, "this registry does not list it");
    if (!rules_.authorities || is_bound_by_fingerprint(claim)) return {};
  }
  if (inquiry.chains()) return {};
  return untrusted(claim,
                   "this registry trusts no certificate without a chain: " + inquiry.reason());
}

Status RulesInForce::decide(const Claim& claim) const {
  Inquiry inquiry(*this, claim);
  return decide(inquiry);
}

Status RulesInForce::decide(const metadata::VerifiedEntry& entry) const {
  return decide(claim_of(entry));
}

Status RulesInForce::decide_new(const metadata::VerifiedEntry& entry, UnixMillis received) const {
  const Claim claim = claim_of(entry);
  Inquiry inquiry(*this, claim);
  if (Status status = decide(inquiry); !status) return status;
  if (!has_revocation_lists() || is_pinned(claim) || !inquiry.chains()) return {};
  if (received <= inquiry.verdict()->to) return {};
  return untrusted(claim,
                   "its certificate, or one of its chain, has expired " +
                       format_rfc3339(inquiry.verdict()->to) +
                       ": lists of revoked certificates no longer name those, so nothing tells "
                       "whether it was revoked; sign with a certificate that is valid, or ask for "
                       "its fingerprint in trust.endorsers");
}

bool RulesInForce::is_vouched(const metadata::VerifiedEntry& entry) const {
  const Claim claim = claim_of(entry);
  return is_pinned(claim) || (rules_.authorities && Inquiry(*this, claim).chains());
}

Trust::Trust(TrustRules rules, const Clock& clock)
    : clock_(clock), rules_(std::make_shared<const RulesInForce>(std::move(rules), clock)) {}

void Trust::replace(TrustRules rules) {
  auto next = std::make_shared<const RulesInForce>(std::move(rules), clock_);
  const std::lock_guard lock(mutex_);
  rules_ = std::move(next);
}

std::shared_ptr<const RulesInForce> Trust::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

}  // namespace strata::registry
