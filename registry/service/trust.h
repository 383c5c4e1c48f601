#pragma once

#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/result.h"
#include "strata/metadata/document.h"

namespace strata::registry {

// Whose entries this registry takes.
struct TrustRules {
  enum class Mode : std::uint8_t {
    kAny,     // every endorser whose signature holds
    kListed,  // those in `endorsers`
  };
  Mode mode = Mode::kAny;
  // E-mail addresses, or SHA-256 fingerprints of certificates in hex. An e-mail address says what
  // the certificate claims; only a fingerprint pins the key.
  std::vector<std::string> endorsers;
};

// The rules in force; they can be replaced while requests are answered. Any thread.
class Trust {
 public:
  explicit Trust(TrustRules rules);
  void replace(TrustRules rules);
  [[nodiscard]] bool trusts(std::string_view endorser, std::string_view fingerprint) const;
  // kUntrustedSignature, with what would make it trusted.
  [[nodiscard]] Status require(const metadata::VerifiedEntry& entry) const;

 private:
  mutable std::shared_mutex mutex_;
  TrustRules::Mode mode_ = TrustRules::Mode::kAny;
  std::set<std::string, std::less<>> endorsers_;
};

}  // namespace strata::registry
