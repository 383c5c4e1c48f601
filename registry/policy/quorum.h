#pragma once

#include <span>
#include <vector>

#include "registry/policy/decision.h"
#include "registry/policy/rules.h"

namespace strata::policy {

// "k of n endorsers": adds the rule "quorum" to each result, if the policy has one. `results` are
// those of `entries`, in their order, with every rule asked but those of the content (bans.h).
// Entries count together when they passed all of those and name the same SHA-256: an identifier is
// an SHA-1 only, so without one nothing says that two endorsers mean the same bytes. Endorsers are
// told apart by e-mail and by key, both: two addresses on one key are one endorser, also in two
// certificates.
void add_quorum_rule(const Rules& rules, std::span<const metadata::VerifiedEntry> entries,
                     std::vector<EntryResult>& results);

}  // namespace strata::policy
