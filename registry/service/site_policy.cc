#include "registry/service/site_policy.h"

#include <algorithm>
#include <utility>

namespace strata::registry {

using metadata::EntryKey;
using metadata::Profile;
using metadata::VerifiedEntry;

struct SitePolicy::Candidates {
  std::vector<VerifiedEntry> verified;
  std::vector<std::pair<EntryKey, std::string>> unverified;  // and why
};

namespace {

Error too_many(const std::string& what) {
  return {Errc::kUnavailable, what + "; use strata policy check"};
}

}  // namespace

SitePolicy::SitePolicy(const App& app, const RulesInForce& rules)
    : app_(app), rules_(rules), policy_(app.policy == nullptr ? nullptr : app.policy->get()) {}

// As when it was posted, so that the endorser may be bound by this registry's configuration; else
// under the legacy profile, so that the policy can refuse it by name.
Result<VerifiedEntry> SitePolicy::verify(std::string_view document) const {
  auto bound = metadata::verify_endorser(document, Profile::kStrict, app_.limits, rules_);
  if (bound) return bound;
  auto legacy = metadata::verify(document, Profile::kLegacy, app_.limits);
  return legacy ? std::move(legacy) : bound.error();
}

Result<SitePolicy::Candidates> SitePolicy::candidates_of(const Identifier& image) {
  entries::Query query;
  query.filters.emplace_back(entries::Field::kIdentifier, image.text());
  query.status = entries::Query::Status::kAll;
  query.now = app_.clock.now();
  query.limit = app_.limits.page_size_max;
  Candidates candidates;
  for (std::size_t count = 0;;) {
    STRATA_TRY(const auto page, app_.store.search(query));
    count += page.entries.size();
    if (count > app_.limits.page_size_max) {
      return too_many("more than " + std::to_string(app_.limits.page_size_max) +
                      " endorsers have entries of " + image.text());
    }
    for (const auto& stored : page.entries) {
      STRATA_TRY(const std::string document, app_.store.document(stored.key));
      bytes_read_ += document.size();
      if (is_spent()) {
        return too_many("the documents that the policy asks for, up to those of " + image.text() +
                        ", have more than " + std::to_string(app_.limits.list_bytes_max) +
                        " bytes together (rule list_bytes_max)");
      }
      auto entry = verify(document);
      if (entry) {
        candidates.verified.push_back(*std::move(entry));
      } else {
        candidates.unverified.emplace_back(stored.key, entry.error().detail());
      }
    }
    if (page.next.empty()) return candidates;
    query.cursor = page.next;
  }
}

Result<policy::Decision> SitePolicy::decide(const Identifier& image) {
  STRATA_TRY(const Candidates candidates, candidates_of(image));
  const auto trust = [this](const VerifiedEntry& entry) {
    const Status trusted = rules_.decide(entry);
    return std::vector<policy::RuleResult>{
        {"trust", trusted.has_value(),
         trusted ? "this registry trusts its endorser" : trusted.error().detail()}};
  };
  policy::Decision decision =
      policy_->evaluate(image, candidates.verified, app_.clock.now(), trust);
  for (const auto& [key, reason] : candidates.unverified) decision.add_unverified(key, reason);
  return decision;
}

Result<bool> SitePolicy::accepts(const EntryKey& key) {
  if (!is_set()) return true;
  if (policy_->denied()) return false;
  auto known = accepted_.find(key.identifier.text());
  if (known == accepted_.end()) {
    // Remembered in any case: an image with very many endorsers comes with as many entries.
    known = accepted_.emplace(key.identifier.text(), std::vector<EntryKey>()).first;
    STRATA_TRY(const auto decision, decide(key.identifier));
    for (const auto& result : decision.results) {
      if (result.accepted()) known->second.push_back(result.key);
    }
  }
  return std::ranges::find(known->second, key) != known->second.end();
}

bool SitePolicy::is_spent() const {
  return bytes_read_ > app_.limits.list_bytes_max;
}

}  // namespace strata::registry
