#include "tools/cli/site_policy.h"

#include <unistd.h>

namespace strata::cli {
namespace {

constexpr const char* kUsualFiles[] = {"/etc/strata/policy.toml", "/etc/stratuslab/policy.cfg"};

std::string find_path(const Context& context, const std::string& flag) {
  if (!flag.empty()) return flag;
  if (!context.endpoints.policy.empty()) return context.endpoints.policy;
  for (const char* path : kUsualFiles) {
    // Also one that we may not read: it is there, and denies.
    if (::access(path, F_OK) == 0) return path;
  }
  return {};
}

}  // namespace

SitePolicy load_site_policy(const Context& context, const std::string& flag) {
  std::string path = find_path(context, flag);
  if (path.empty()) return {"", policy::Policy(policy::Rules())};
  policy::Policy policy = policy::Policy::load(path);
  return {std::move(path), std::move(policy)};
}

policy::Decision judge(const FoundEntries& found, const Identifier& identifier,
                       const policy::Policy& policy) {
  policy::Decision decision = policy.evaluate(identifier, found.verified, SystemClock().now());
  for (const auto& [key, why] : found.unverified) decision.add_unverified(key, why);
  return decision;
}

}  // namespace strata::cli
