#include "registry/policy/policy.h"

#include <algorithm>
#include <fstream>

#include "registry/policy/bans.h"
#include "registry/policy/judge.h"
#include "registry/policy/quorum.h"

namespace strata::policy {

using metadata::VerifiedEntry;

Result<Policy> Policy::parse(std::string_view text, Form form) {
  STRATA_TRY(Rules rules, form == Form::kToml ? parse_toml(text) : parse_stratuslab(text));
  return Policy(std::move(rules));
}

Policy Policy::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(Limits().policy_file_bytes_max + 1, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && !file.eof()) {
    return deny_all("the policy file cannot be read");
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > Limits().policy_file_bytes_max) return deny_all("the policy file is too large");
  auto policy = parse(text, form_of(path));
  return policy ? *std::move(policy) : deny_all(policy.error().detail());
}

Policy Policy::deny_all(std::string reason) {
  Policy policy{Rules()};
  policy.denied_ = std::move(reason);
  return policy;
}

Decision Policy::evaluate(const Identifier& image, std::span<const VerifiedEntry> entries,
                          UnixMillis now, const MoreRules& more) const {
  Decision decision;
  if (denied_) {
    decision.reason = "everything is refused: " + *denied_;
    return decision;
  }
  const Judge judge(rules_, image, entries, now);
  for (const VerifiedEntry& entry : entries) {
    decision.results.push_back({entry.key(), judge.ask(entry)});
    if (!more) continue;
    for (RuleResult& rule : more(entry)) {
      decision.results.back().rules.push_back(std::move(rule));
    }
  }
  add_quorum_rule(rules_, entries, decision.results);
  add_bans(rules_, image, entries, decision.results);
  const VerifiedEntry* chosen = nullptr;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!decision.results[i].accepted()) continue;
    if (chosen == nullptr || entries[i].key().created > chosen->key().created) {
      chosen = &entries[i];
    }
  }
  if (chosen != nullptr) {
    decision.entry = *chosen;
    decision.reason = "accepted: " + chosen->key().path();
  } else {
    decision.reason = entries.empty() ? "refused: there is no entry of " + image.text()
                                      : "refused: no entry of " + image.text() + " passes";
  }
  return decision;
}

Status Policy::allow_content(const Identifier& image, const DigestSet& stored,
                             const DigestSet& decoded) const {
  const std::string why =
      denied_ ? "everything is: " + *denied_ : denied_content(rules_, image, stored, decoded);
  if (why.empty()) return {};
  return Error(Errc::kForbidden, "refused by the site's policy: " + why);
}

Result<VerifiedEntry> verify_for_policy(std::string_view document, const Limits& limits) {
  auto strict = metadata::verify(document, metadata::Profile::kStrict, limits);
  if (strict) return strict;
  auto legacy = metadata::verify(document, metadata::Profile::kLegacy, limits);
  return legacy ? std::move(legacy) : strict.error();
}

}  // namespace strata::policy
