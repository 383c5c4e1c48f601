#include "registry/policy/bans.h"

#include <map>

namespace strata::policy {
namespace {

using metadata::VerifiedEntry;

// A checksum, and whose entry names it.
template <typename T>
using Named = std::map<T, std::string>;

template <typename T>
void ask(std::vector<RuleResult>& results, const char* rule, const std::set<T>& deny,
         const Named<T>& named) {
  if (deny.empty()) return;
  for (const auto& [digest, endorser] : named) {
    if (!deny.contains(digest)) continue;
    results.push_back({rule, false, digest.hex() + ", named by " + endorser + ", is listed"});
    return;
  }
  results.push_back({rule, true, "no checksum that counts is listed"});
}

}  // namespace

void add_bans(const Rules& rules, const Identifier& image, std::span<const VerifiedEntry> entries,
              std::vector<EntryResult>& results) {
  std::vector<RuleResult> bans;
  if (!rules.images.deny.empty()) {
    const bool listed = rules.images.deny.contains(image);
    bans.push_back(
        {"images.deny", !listed, image.text() + (listed ? " is listed" : " is not listed")});
  }
  Named<Sha1Digest> sha1;
  Named<Sha256Digest> sha256;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const VerifiedEntry& entry = entries[i];
    if (entry.key().identifier != image) continue;
    const std::string& endorser = entry.key().endorser;
    sha1.emplace(entry.metadata().sha1, endorser);
    if (entry.metadata().sha256) sha256.emplace(*entry.metadata().sha256, endorser);
    if (!results[i].accepted()) continue;
    for (const auto& stored : entry.metadata().stored) {
      sha1.emplace(stored.digests.sha1, endorser);
      sha256.emplace(stored.digests.sha256, endorser);
    }
  }
  ask(bans, "checksums.deny_sha1", rules.sha1.deny, sha1);
  ask(bans, "checksums.deny_sha256", rules.sha256.deny, sha256);
  for (EntryResult& result : results) {
    result.rules.insert(result.rules.end(), bans.begin(), bans.end());
  }
}

std::string denied_content(const Rules& rules, const Identifier& image, const DigestSet& stored,
                           const DigestSet& decoded) {
  const auto denied = [](const char* rule, const std::string& what) {
    return std::string(rule) + ": " + what + " is listed";
  };
  if (rules.images.deny.contains(image)) return denied("images.deny", image.text());
  for (const DigestSet* digests : {&decoded, &stored}) {
    if (rules.sha1.deny.contains(digests->sha1)) {
      return denied("checksums.deny_sha1", digests->sha1.hex());
    }
    if (rules.sha256.deny.contains(digests->sha256)) {
      return denied("checksums.deny_sha256", digests->sha256.hex());
    }
  }
  return {};
}

}  // namespace strata::policy
