#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "registry/policy/decision.h"
#include "registry/policy/rules.h"
#include "strata/base/limits.h"

// Which entries a site trusts.
namespace strata::policy {

// A value; all functions are const and may run on any thread.
class Policy {
 public:
  // What somebody else knows of an entry and the policy must not overrule, e.g. a registry whether
  // it trusts the endorser now.
  using MoreRules = std::function<std::vector<RuleResult>(const metadata::VerifiedEntry&)>;

  explicit Policy(Rules rules) : rules_(std::move(rules)) {}
  // kMalformed, naming the list or key, and the item.
  [[nodiscard]] static Result<Policy> parse(std::string_view text, Form form);
  // A file that is missing or broken gives a policy that denies everything and says why.
  [[nodiscard]] static Policy load(const std::string& path);
  [[nodiscard]] static Policy deny_all(std::string reason);

  // Why everything is denied, if it is.
  [[nodiscard]] const std::optional<std::string>& denied() const { return denied_; }
  [[nodiscard]] const Rules& rules() const { return rules_; }

  // Entries of one image, in any order. An entry passes when it is of this image, was verified
  // under the strict profile, is the newest of its endorser, and passes each rule of the policy:
  // allowed by every list that is not empty, denied by none. One that passes is enough, unless the
  // policy wants several endorsers; another endorser cannot veto, but a denied identifier or
  // checksum refuses all entries of the image (bans.h says whose word counts). Of several that
  // pass, the newest is taken. `more` is asked of each entry with the policy's own rules.
  [[nodiscard]] Decision evaluate(const Identifier& image,
                                  std::span<const metadata::VerifiedEntry> entries, UnixMillis now,
                                  const MoreRules& more = {}) const;

  // Whether bytes that are at hand may be kept and served: images.deny and checksums.deny_* only.
  // kForbidden, naming the rule.
  [[nodiscard]] Status allow_content(const Identifier& image, const DigestSet& stored,
                                     const DigestSet& decoded) const;

 private:
  std::optional<std::string> denied_;
  Rules rules_;
};

// A document as evaluate() wants it: verified under the strict profile, or under the legacy one so
// that the policy can refuse it by name.
[[nodiscard]] Result<metadata::VerifiedEntry> verify_for_policy(std::string_view document,
                                                                const Limits& limits);

}  // namespace strata::policy
