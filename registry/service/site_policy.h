#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "registry/policy/policy.h"
#include "registry/service/app.h"

namespace strata::registry {

// What the site's policy says of images, for one request and one thread: it keeps to the policy and
// the rules of trust that were in force when it was made. Documents of all current entries of an
// image are verified anew for each decision: the policy takes nothing else.
class SitePolicy {
 public:
  SitePolicy(const App& app, const RulesInForce& rules);  // both outlive it

  // Whether the configuration names a policy.
  [[nodiscard]] bool is_set() const { return policy_ != nullptr; }
  // With a rule "trust" beside those of the policy. kUnavailable: what would have to be read for
  // this request is more than limits.list_bytes_max, or limits.page_size_max entries; judging some
  // of them only could miss the one that names a denied checksum.
  [[nodiscard]] Result<policy::Decision> decide(const Identifier& image);
  // Whether this entry passes; without a policy each does. Errors as decide().
  [[nodiscard]] Result<bool> accepts(const metadata::EntryKey& key);
  // No more is read for this request: only what is known is still answered.
  [[nodiscard]] bool is_spent() const;

 private:
  struct Candidates;
  [[nodiscard]] Result<Candidates> candidates_of(const Identifier& image);
  [[nodiscard]] Result<metadata::VerifiedEntry> verify(std::string_view document) const;

  const App& app_;
  const RulesInForce& rules_;
  const std::shared_ptr<const policy::Policy> policy_;  // shared with the holder; null: none
  std::size_t bytes_read_ = 0;
  std::map<std::string, std::vector<metadata::EntryKey>> accepted_;  // by identifier
};

}  // namespace strata::registry
