#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/metadata/document.h"

namespace strata::policy {

// One rule, asked of one entry. Reasons hold text from documents: show them as any hostile text.
struct RuleResult {
  std::string
      rule;  // "signature", "endorsers.allow", ...: a key of the policy, or what always holds
  bool passed = false;
  std::string reason;
};

struct EntryResult {
  metadata::EntryKey key;
  std::vector<RuleResult> rules;
  [[nodiscard]] bool accepted() const;
};

// The answer, bound to the exact entry (document and signature) that passed: whoever acts on it
// takes locations and digests from `entry` and from nowhere else.
struct Decision {
  std::optional<metadata::VerifiedEntry> entry;
  std::string reason;  // why there is none, or which one it is
  std::vector<EntryResult> results;

  [[nodiscard]] bool accepted() const { return entry.has_value(); }
  // An entry whose document does not verify under any profile: refused, and named as such.
  void add_unverified(metadata::EntryKey key, std::string reason);
  // `reason`, then a line for each entry and rule.
  [[nodiscard]] std::string explain() const;
  // {"accepted":bool,"entry":URL|null,"reason":"...","results":[{"entry":URL,"accepted":bool,
  //  "rules":[{"rule":"...","passed":bool,"reason":"..."}]}]}; URLs are `registry_url` and the path
  // of the entry.
  [[nodiscard]] std::string json(std::string_view registry_url) const;
};

}  // namespace strata::policy
