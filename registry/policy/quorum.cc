#include "registry/policy/quorum.h"

#include <map>
#include <set>
#include <string>

namespace strata::policy {
namespace {

using metadata::VerifiedEntry;

// An image can have a thousand entries, and each of them says this.
constexpr std::size_t kNamesShown = 5;

// Distinct endorsers, counted one by one: a later entry counts if both its e-mail and its key are
// new.
struct Agreement {
  std::set<std::string> emails, keys;
  void add(const VerifiedEntry& entry) {
    const auto key = metadata::key_fingerprint(entry.certificate());
    check(key.has_value(), "a verified entry has a key");
    if (emails.contains(entry.key().endorser) || keys.contains(*key)) return;
    emails.insert(entry.key().endorser);
    keys.insert(*key);
  }
  [[nodiscard]] std::string names() const {
    std::string text;
    std::size_t shown = 0;
    for (const std::string& email : emails) {
      if (shown++ == kNamesShown) {
        return text + " and " + std::to_string(emails.size() - kNamesShown) + " more";
      }
      text += (text.empty() ? ": " : ", ") + email;
    }
    return text;
  }
};

// Why an entry cannot count, whatever the others say; empty when it can.
std::string excluded(const Rules& rules, const VerifiedEntry& entry) {
  const auto& members = rules.quorum_endorsers;
  if (!members.empty() && !members.contains(entry.key().endorser)) {
    return entry.key().endorser + " is not one of quorum.endorsers";
  }
  return entry.metadata().sha256 ? "" : "the entry names no SHA-256";
}

}  // namespace

void add_quorum_rule(const Rules& rules, std::span<const VerifiedEntry> entries,
                     std::vector<EntryResult>& results) {
  if (rules.quorum == 0) return;
  std::map<Sha256Digest, Agreement> agreements;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (results[i].accepted() && excluded(rules, entries[i]).empty()) {
      agreements[*entries[i].metadata().sha256].add(entries[i]);
    }
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string why = excluded(rules, entries[i]);
    if (!why.empty()) {
      results[i].rules.push_back({"quorum", false, why});
      continue;
    }
    const Agreement& agreed = agreements[*entries[i].metadata().sha256];
    const std::size_t count = agreed.emails.size();
    results[i].rules.push_back({"quorum", count >= rules.quorum,
                                std::to_string(count) + " of the " + std::to_string(rules.quorum) +
                                    " endorsers needed agree on its SHA-256" + agreed.names()});
  }
}

}  // namespace strata::policy
