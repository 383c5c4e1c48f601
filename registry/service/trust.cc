#include "registry/service/trust.h"

#include <algorithm>
#include <mutex>

#include "strata/base/text.h"

namespace strata::registry {

Trust::Trust(TrustRules rules) {
  replace(std::move(rules));
}

void Trust::replace(TrustRules rules) {
  std::set<std::string, std::less<>> endorsers;
  for (const std::string& endorser : rules.endorsers) {
    const bool is_email = endorser.find('@') != std::string::npos;
    endorsers.insert(is_email ? endorser : ascii_lower(endorser));
  }
  const std::unique_lock lock(mutex_);
  mode_ = rules.mode;
  endorsers_ = std::move(endorsers);
}

bool Trust::trusts(std::string_view endorser, std::string_view fingerprint) const {
  const std::shared_lock lock(mutex_);
  return mode_ == TrustRules::Mode::kAny || endorsers_.contains(endorser) ||
         endorsers_.contains(fingerprint);
}

Status Trust::require(const metadata::VerifiedEntry& entry) const {
  const std::string& fingerprint = entry.signature().fingerprint;
  if (trusts(entry.key().endorser, fingerprint)) return {};
  return Error(Errc::kUntrustedSignature,
               "the signature holds, but this registry does not list its endorser " +
                   entry.key().endorser + " (certificate SHA-256 " + fingerprint + ")");
}

}  // namespace strata::registry
