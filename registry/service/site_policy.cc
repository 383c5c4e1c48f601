#include "registry/service/site_policy.h"

#include <algorithm>
#include <utility>

namespace strata::registry {
namespace {

using metadata::EntryKey;
using metadata::Profile;
using metadata::VerifiedEntry;

std::vector<EntryKey> accepted_by(const policy::Policy& policy, const Identifier& image,
                                  const std::vector<VerifiedEntry>& entries, UnixMillis now) {
  std::vector<EntryKey> keys;
  for (const auto& result : policy.evaluate(image, entries, now).results) {
    if (result.accepted()) keys.push_back(result.key);
  }
  return keys;
}

bool contains(const std::vector<EntryKey>& keys, const EntryKey& key) {
  return std::ranges::find(keys, key) != keys.end();
}

}  // namespace

SitePolicy::SitePolicy(const App& app, const RulesInForce& rules)
    : app_(app), rules_(rules), policy_(app.policy == nullptr ? nullptr : app.policy->get()) {}

Result<SitePolicy::Entries> SitePolicy::current_entries(const Identifier& image) {
  entries::Query query;
  query.filters.emplace_back(entries::Field::kIdentifier, image.text());
  query.status = entries::Query::Status::kAll;
  query.now = app_.clock.now();
  query.limit = app_.limits.page_size_max;
  STRATA_TRY(const auto page, app_.store.search(query));
  if (!page.next.empty()) {
    return Error(Errc::kUnavailable, "too many endorsers have entries of " + image.text());
  }
  Entries entries;
  for (const auto& stored : page.entries) {
    STRATA_TRY(const std::string document, app_.store.document(stored.key));
    bytes_read_ += document.size();
    if (is_spent()) {
      return Error(Errc::kUnavailable,
                   "the documents that the site's policy asks for are more than list_bytes_max");
    }
    auto entry = metadata::verify_endorser(document, Profile::kStrict, app_.limits, rules_);
    // The policy refuses such entries, but may find a denied checksum in them.
    if (!entry) entry = metadata::verify(document, Profile::kLegacy, app_.limits);
    if (entry) entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<std::vector<EntryKey>> SitePolicy::judge(const Identifier& image) {
  STRATA_TRY(Entries entries, current_entries(image));
  const UnixMillis now = app_.clock.now();
  std::vector<EntryKey> keys = accepted_by(*policy_, image, entries, now);
  // Whom this registry does not trust can name a denied checksum, but be no part of a quorum.
  std::erase_if(entries, [&](const VerifiedEntry& entry) { return !rules_.decide(entry); });
  const std::vector<EntryKey> among_trusted = accepted_by(*policy_, image, entries, now);
  std::erase_if(keys, [&](const EntryKey& key) { return !contains(among_trusted, key); });
  return keys;
}

Result<bool> SitePolicy::accepts(const EntryKey& key) {
  if (policy_ == nullptr) return true;
  if (policy_->denied()) return false;
  const std::string& image = key.identifier.text();
  auto known = accepted_.find(image);
  if (known == accepted_.end()) {
    auto keys = judge(key.identifier);
    // Not asked again: an image with very many endorsers comes with as many entries.
    if (!keys) accepted_.emplace(image, std::vector<EntryKey>());
    if (!keys) return keys.error();
    known = accepted_.emplace(image, std::move(*keys)).first;
  }
  return contains(known->second, key);
}

bool SitePolicy::is_spent() const {
  return bytes_read_ > app_.limits.list_bytes_max;
}

}  // namespace strata::registry
