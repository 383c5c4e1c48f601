#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "registry/policy/policy.h"
#include "registry/service/app.h"

namespace strata::registry {

// Whether the site's policy lets through what this registry sends others on to. For one request and
// one thread: it keeps to the policy and the rules of trust that were in force when it was made.
class SitePolicy {
 public:
  SitePolicy(const App& app, const RulesInForce& rules);  // both outlive it

  // Whether this entry passes; without a policy each does. Documents of all current entries of its
  // image are verified anew for that: the policy takes nothing else. kUnavailable: what would have
  // to be read for this request is more than limits.list_bytes_max, or limits.page_size_max
  // entries.
  [[nodiscard]] Result<bool> accepts(const metadata::EntryKey& key);
  // No more is read for this request: only what is known is still answered.
  [[nodiscard]] bool is_spent() const;

 private:
  using Entries = std::vector<metadata::VerifiedEntry>;
  [[nodiscard]] Result<Entries> current_entries(const Identifier& image);
  [[nodiscard]] Result<std::vector<metadata::EntryKey>> judge(const Identifier& image);

  const App& app_;
  const RulesInForce& rules_;
  const std::shared_ptr<const policy::Policy> policy_;  // shared with the holder; null: none
  std::size_t bytes_read_ = 0;
  std::map<std::string, std::vector<metadata::EntryKey>> accepted_;  // by identifier
};

}  // namespace strata::registry
