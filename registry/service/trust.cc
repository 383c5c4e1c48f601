#include "registry/service/trust.h"

#include <utility>

#include "strata/base/text.h"

namespace strata::registry {
namespace {

using metadata::Verdict;

// Certificates whose chain is remembered: more than a registry has endorsers, 3 MiB.
constexpr std::size_t kVerdictsKept = 10'000;

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

Verdict RulesInForce::judge(const Claim& claim) const {
  if (!rules_.authorities) return {.kind = Verdict::Kind::kUnknown, .reason = "there is no CA"};
  const UnixMillis now = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    const auto known = verdicts_.find(claim.signature.fingerprint);
    if (known != verdicts_.end()) {
      const Verdict& verdict = known->second;
      if (verdict.kind == Verdict::Kind::kRevoked) return verdict;
      const bool chains = verdict.kind == Verdict::Kind::kChains;
      const bool covers = verdict.from <= claim.created && claim.created <= verdict.to;
      if (chains && covers && now <= verdict.recheck) return verdict;
    }
  }
  const auto certificate = claim.certificate();
  if (!certificate)
    return {.kind = Verdict::Kind::kUnknown, .reason = certificate.error().detail()};
  Verdict verdict = rules_.authorities->judge(*certificate, claim.created, now);
  const std::lock_guard lock(mutex_);
  if (verdicts_.size() >= kVerdictsKept) verdicts_.clear();
  if (verdict.kind == Verdict::Kind::kUnknown) {
    verdicts_.emplace(claim.signature.fingerprint, verdict);  // all it says later: not revoked
  } else {
    verdicts_.insert_or_assign(claim.signature.fingerprint, verdict);
  }
  return verdict;
}

bool RulesInForce::is_revoked(const Claim& claim) const {
  if (!rules_.authorities || rules_.authorities->revocation_lists() == 0) return false;
  {
    // The lists of one set of rules do not change.
    const std::lock_guard lock(mutex_);
    const auto known = verdicts_.find(claim.signature.fingerprint);
    if (known != verdicts_.end()) return known->second.kind == Verdict::Kind::kRevoked;
  }
  return judge(claim).kind == Verdict::Kind::kRevoked;
}

// An e-mail address in the certificate was compared when the document was verified.
Status RulesInForce::identify(const Claim& claim) const {
  if (!claim.signature.certificate_email.empty() || is_bound_by_fingerprint(claim)) return {};
  for (const TrustRules::Binding& binding : rules_.bindings) {
    if (binding.email != claim.endorser || binding.subject.empty() ||
        binding.subject != claim.signature.subject) {
      continue;
    }
    const Verdict verdict = judge(claim);
    if (verdict.kind == Verdict::Kind::kChains) return {};
    return untrusted(claim,
                     "a subject is bound to an e-mail address only with a chain to a CA of this "
                     "registry, and the certificate: " +
                         verdict.reason);
  }
  return untrusted(claim,
                   "the certificate has no e-mail in its subjectAltName, and this registry binds "
                   "this address to no such certificate");
}

Status RulesInForce::require(const metadata::VerifiedEntry::Signature& signature,
                             std::span<const std::uint8_t> certificate,
                             const metadata::Endorsement& endorsement) const {
  return identify({.endorser = endorsement.email,
                   .signature = signature,
                   .created = endorsement.created,
                   .certificate = [certificate]() -> Result<std::vector<std::uint8_t>> {
                     return std::vector<std::uint8_t>(certificate.begin(), certificate.end());
                   }});
}

Status RulesInForce::decide(const Claim& claim) const {
  if (Status status = identify(claim); !status) return status;
  // A revocation outweighs every rule that would trust, a pin as well.
  if (is_revoked(claim)) return untrusted(claim, "the CA of its certificate has revoked it");
  if (rules_.mode == TrustRules::Mode::kAny || is_listed(claim.signature.fingerprint)) return {};
  if (rules_.mode == TrustRules::Mode::kListed) {
    if (!is_listed(claim.endorser)) return untrusted(claim, "this registry does not list it");
    if (!rules_.authorities || is_bound_by_fingerprint(claim)) return {};
  }
  const Verdict verdict = judge(claim);
  if (verdict.kind == Verdict::Kind::kChains) return {};
  return untrusted(claim, "this registry trusts no certificate without a chain: " + verdict.reason);
}

Status RulesInForce::decide(const metadata::VerifiedEntry& entry) const {
  return decide(claim_of(entry));
}

bool RulesInForce::is_vouched(const metadata::VerifiedEntry& entry) const {
  const Claim claim = claim_of(entry);
  if (is_listed(claim.signature.fingerprint) || is_bound_by_fingerprint(claim)) return true;
  return rules_.authorities && judge(claim).kind == Verdict::Kind::kChains;
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
