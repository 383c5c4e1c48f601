#include "registry/policy/quorum.h"

#include <map>
#include <set>
#include <string>

namespace strata::policy {
namespace {

using metadata::VerifiedEntry;

// Distinct endorsers, counted one by one: a later entry counts if both its e-mail and its
// certificate are new.
struct Agreement {
  std::set<std::string> emails, certificates;
  void add(const VerifiedEntry& entry) {
    const std::string& email = entry.key().endorser;
    const std::string& certificate = entry.signature().fingerprint;
    if (emails.contains(email) || certificates.contains(certificate)) return;
    emails.insert(email);
    certificates.insert(certificate);
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
    const auto& agreed = agreements[*entries[i].metadata().sha256].emails;
    std::string names;
    for (const std::string& email : agreed) names += (names.empty() ? ": " : ", ") + email;
    results[i].rules.push_back({"quorum", agreed.size() >= rules.quorum,
                                std::to_string(agreed.size()) + " of the " +
                                    std::to_string(rules.quorum) +
                                    " endorsers needed agree on its SHA-256" + names});
  }
}

}  // namespace strata::policy
