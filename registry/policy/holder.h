#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "registry/policy/policy.h"

namespace strata::policy {

// The policy in force of a daemon, read again on SIGHUP. Any thread; a reader keeps what it got.
class PolicyHolder {
 public:
  // An empty path: there is no policy, and nothing is logged.
  explicit PolicyHolder(const std::string& path) { reload(path); }
  // A file that is broken or gone denies everything, also if the one before was good: the old
  // lists may allow what the new ones were written to forbid.
  void reload(const std::string& path);
  // Shared by the holder and whoever judges by it at the moment; null without a policy.
  [[nodiscard]] std::shared_ptr<const Policy> get() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> policy_;
};

}  // namespace strata::policy
