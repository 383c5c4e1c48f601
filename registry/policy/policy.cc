#include "registry/policy/policy.h"

#include <algorithm>

namespace strata::policy {
namespace {

using metadata::VerifiedEntry;

RuleResult signature_rule(const VerifiedEntry& entry) {
  // Under the legacy profile an e-mail may be unproven, so that a list of e-mails would mean
  // nothing.
  const bool strict = entry.signature().profile == metadata::Profile::kStrict;
  return {"signature", strict,
          strict ? "holds (" + entry.signature().algorithm + ")"
                 : "was verified under the legacy profile only"};
}

RuleResult image_rule(const Identifier& image, const VerifiedEntry& entry) {
  const bool same = entry.key().identifier == image;
  return {"image", same, same ? "is the one asked for" : "is not " + image.text()};
}

// Only entries that are proven can take the place of an older one.
RuleResult newest_rule(const VerifiedEntry& entry, std::span<const VerifiedEntry> entries) {
  for (const VerifiedEntry& other : entries) {
    if (other.key().identifier == entry.key().identifier &&
        other.key().endorser == entry.key().endorser && other.key().created > entry.key().created &&
        other.signature().profile == metadata::Profile::kStrict) {
      return {"newest", false, "a newer one is of " + format_rfc3339(other.key().created)};
    }
  }
  return {"newest", true, "of its endorser"};
}

RuleResult deprecated_rule(const VerifiedEntry& entry) {
  const auto& deprecated = entry.metadata().deprecated;
  return {"not deprecated", !deprecated, deprecated ? "deprecated: " + *deprecated : "holds"};
}

RuleResult expiry_rule(const VerifiedEntry& entry, UnixMillis now) {
  const auto& valid = entry.metadata().valid;
  if (!valid) return {"not expired", true, "has no expiry"};
  return {"not expired", now < *valid, "expires " + format_rfc3339(*valid)};
}

template <typename T>
void add_list_rules(std::vector<RuleResult>& rules, const std::string& name,
                    const std::set<T>& white, const std::set<T>& black, const T& value,
                    const std::string& text) {
  if (!white.empty()) {
    const bool listed = white.contains(value);
    rules.push_back(
        {name + " white-list", listed, text + (listed ? " is listed" : " is not listed")});
  }
  if (!black.empty()) {
    const bool listed = black.contains(value);
    rules.push_back(
        {name + " black-list", !listed, text + (listed ? " is listed" : " is not listed")});
  }
}

}  // namespace

bool EntryResult::accepted() const {
  return std::all_of(rules.begin(), rules.end(),
                     [](const RuleResult& rule) { return rule.passed; });
}

std::string Decision::explain() const {
  std::string text = reason + "\n";
  for (const EntryResult& result : results) {
    text += result.key.path() + (result.accepted() ? ": accepted\n" : ": refused\n");
    for (const RuleResult& rule : result.rules) {
      text += std::string(rule.passed ? "  pass  " : "  FAIL  ") + rule.rule + ": " + rule.reason +
              "\n";
    }
  }
  return text;
}

Policy Policy::deny_all(std::string reason) {
  Policy policy;
  policy.denied_ = std::move(reason);
  return policy;
}

EntryResult Policy::judge(const Identifier& image, const VerifiedEntry& entry,
                          std::span<const VerifiedEntry> entries, UnixMillis now) const {
  EntryResult result{entry.key(),
                     {image_rule(image, entry), signature_rule(entry), newest_rule(entry, entries),
                      deprecated_rule(entry), expiry_rule(entry, now)}};
  const Sha1Digest& sha1 = entry.metadata().sha1;
  add_list_rules(result.rules, "endorsers", endorsers_.white, endorsers_.black,
                 entry.key().endorser, entry.key().endorser);
  add_list_rules(result.rules, "checksums", checksums_.white, checksums_.black, sha1, sha1.hex());
  add_list_rules(result.rules, "images", images_.white, images_.black, entry.key().identifier,
                 entry.key().identifier.text());
  return result;
}

Decision Policy::evaluate(const Identifier& image, std::span<const VerifiedEntry> entries,
                          UnixMillis now) const {
  Decision decision;
  if (denied_) {
    decision.reason = "everything is refused: " + *denied_;
    return decision;
  }
  const VerifiedEntry* chosen = nullptr;
  for (const VerifiedEntry& entry : entries) {
    decision.results.push_back(judge(image, entry, entries, now));
    if (!decision.results.back().accepted()) continue;
    if (chosen == nullptr || entry.key().created > chosen->key().created) chosen = &entry;
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

}  // namespace strata::policy
