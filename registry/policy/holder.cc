#include "registry/policy/holder.h"

#include "strata/base/log.h"

namespace strata::policy {

void PolicyHolder::reload(const std::string& path) {
  std::shared_ptr<const Policy> policy;
  if (!path.empty()) policy = std::make_shared<const Policy>(Policy::load(path));
  {
    const std::lock_guard lock(mutex_);
    policy_ = policy;
  }
  // After the swap: who reads the line may rely on it.
  if (policy == nullptr) return;
  if (policy->denied()) {
    log::error("policy.broken", {{"file", path}, {"denies", "all"}, {"why", *policy->denied()}});
  } else {
    log::info("policy.loaded", {{"file", path}});
  }
}

std::shared_ptr<const Policy> PolicyHolder::get() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

}  // namespace strata::policy
