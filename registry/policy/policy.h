#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/result.h"
#include "strata/metadata/document.h"

// Which entries a site trusts. The file is StratusLab's policy.cfg: three sections of two lists
// each
//   [endorsers] whitelistendorsers= blacklistendorsers=   e-mail addresses, exact
//   [images]    whitelistimages=    blacklistimages=      identifiers
//   [checksums] whitelistchecksums= blacklistchecksums=   SHA-1, hex
// one value per line, continuation lines indented; '#' and ';' start a comment line. A list that is
// empty does not count; a section or list that is missing, unknown, double or has an item of the
// wrong form makes the file broken, because a typing error must not switch a list off.
namespace strata::policy {

// One rule, asked of one entry.
struct RuleResult {
  std::string rule;  // "signature", "endorsers white-list", ...
  bool passed = false;
  std::string reason;
};

struct EntryResult {
  metadata::EntryKey key;
  std::vector<RuleResult> rules;
  [[nodiscard]] bool accepted() const;
};

// The answer, bound to the exact entry (document and signature) that passed: whoever acts on it
// takes locations and digests from `entry` and from nowhere else.
struct Decision {
  std::optional<metadata::VerifiedEntry> entry;
  std::string reason;  // why there is none, or which one it is
  std::vector<EntryResult> results;

  [[nodiscard]] bool accepted() const { return entry.has_value(); }
  // `reason`, then a line for each entry and rule.
  [[nodiscard]] std::string explain() const;
};

// A value; all functions are const and may run on any thread.
class Policy {
 public:
  // kMalformed, naming section, list and item.
  [[nodiscard]] static Result<Policy> parse(std::string_view text);
  // A file that is missing or broken gives a policy that denies everything and says why.
  [[nodiscard]] static Policy load(const std::string& path);
  [[nodiscard]] static Policy deny_all(std::string reason);

  // Entries of one image, in any order. An entry passes when it is of this image, was verified
  // under the strict profile, is the newest of its endorser, neither deprecated nor expired, is on
  // every white-list that is not empty and on no black-list. One that passes is enough: another
  // endorser cannot veto, but a black-listed image or checksum refuses all. Of several the newest
  // is taken.
  [[nodiscard]] Decision evaluate(const Identifier& image,
                                  std::span<const metadata::VerifiedEntry> entries,
                                  UnixMillis now) const;

 private:
  friend class PolicyFile;
  template <typename T>
  struct Lists {
    std::set<T> white, black;
  };
  Policy() = default;
  [[nodiscard]] EntryResult judge(const Identifier& image, const metadata::VerifiedEntry& entry,
                                  std::span<const metadata::VerifiedEntry> entries,
                                  UnixMillis now) const;

  std::optional<std::string> denied_;  // set: why everything is denied
  Lists<std::string> endorsers_;
  Lists<Identifier> images_;
  Lists<Sha1Digest> checksums_;
};

}  // namespace strata::policy
