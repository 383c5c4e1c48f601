#pragma once

#include <span>
#include <string>
#include <vector>

#include "registry/policy/decision.h"
#include "registry/policy/rules.h"

// images.deny and checksums.deny_*: rules about content, which no endorsement overrules.
namespace strata::policy {

// Asked of the image once: of its identifier and of every checksum that any of its entries names,
// of the decoded and of the stored bytes. One entry that names a denied one refuses them all: they
// describe the same bytes, and who leaves a checksum out must not get past the list.
[[nodiscard]] std::vector<RuleResult> ask_bans(const Rules& rules, const Identifier& image,
                                               std::span<const metadata::VerifiedEntry> entries);

// The same of content that is at hand: the first rule that denies it and why; empty when none does.
[[nodiscard]] std::string denied_content(const Rules& rules, const Identifier& image,
                                         const DigestSet& stored, const DigestSet& decoded);

}  // namespace strata::policy
