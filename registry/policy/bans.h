#pragma once

#include <span>
#include <string>
#include <vector>

#include "registry/policy/decision.h"
#include "registry/policy/rules.h"

// images.deny and checksums.deny_*: rules about content, which no endorsement overrules.
namespace strata::policy {

// Asked of the image once, of its identifier and of every checksum that its entries name, and added
// to each result: one denied checksum refuses all entries. They describe the same bytes, and who
// leaves a checksum out must not get past the list. Any entry may name the decoded bytes: all of an
// image mean the same ones. Of stored bytes an entry can make one up, so that a stranger could have
// any image refused; only entries that pass every other rule count there. So this comes last, when
// `results`, those of `entries` in their order, hold all others.
void add_bans(const Rules& rules, const Identifier& image,
              std::span<const metadata::VerifiedEntry> entries, std::vector<EntryResult>& results);

// The same of content that is at hand: the first rule that denies it and why; empty when none does.
[[nodiscard]] std::string denied_content(const Rules& rules, const Identifier& image,
                                         const DigestSet& stored, const DigestSet& decoded);

}  // namespace strata::policy
