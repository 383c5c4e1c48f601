#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "registry/policy/decision.h"
#include "registry/policy/rules.h"

namespace strata::policy {

// Asks every rule but the quorum and those of the content of one image's entries. A view of `rules`
// and `entries`, for one evaluation.
class Judge {
 public:
  Judge(const Rules& rules, const Identifier& image,
        std::span<const metadata::VerifiedEntry> entries, UnixMillis now);
  [[nodiscard]] std::vector<RuleResult> ask(const metadata::VerifiedEntry& entry) const;

 private:
  [[nodiscard]] RuleResult image_rule(const metadata::VerifiedEntry& entry) const;
  [[nodiscard]] RuleResult newest_rule(const metadata::VerifiedEntry& entry) const;
  [[nodiscard]] RuleResult age_rule(const metadata::VerifiedEntry& entry) const;

  const Rules& rules_;
  const Identifier image_;
  const UnixMillis now_;
  std::map<std::string, UnixMillis> newest_;  // of this image, by endorser
};

}  // namespace strata::policy
