#pragma once

#include <string>

#include "registry/policy/policy.h"
#include "tools/cli/registry_client.h"

namespace strata::cli {

// The policy of this machine, and where it is written.
struct SitePolicy {
  std::string path;       // empty: none is named, and none of the usual files exists
  policy::Policy policy;  // then: what holds without any (signature, newest, status)
};
// The file named by `flag`, else by STRATA_POLICY, else by `policy` in config.toml, else
// /etc/strata/policy.toml, else /etc/stratuslab/policy.cfg, if they exist. A named one that cannot
// be read denies everything.
[[nodiscard]] SitePolicy load_site_policy(const Context& context, const std::string& flag);

[[nodiscard]] policy::Decision judge(const FoundEntries& found, const Identifier& identifier,
                                     const policy::Policy& policy);

}  // namespace strata::cli
