#pragma once

#include <optional>
#include <string>
#include <vector>

#include "registry/service/trust.h"
#include "strata/base/config.h"
#include "strata/base/limits.h"

// The table [trust] and `legacy_uploads` of the configuration.
namespace strata::registry {

// As written, before anything is checked: ConfigFile reports its own problems first.
struct TrustSettings {
  std::optional<std::string> mode, ca_file, crl_file;
  std::vector<std::string> endorsers;
  std::vector<ConfigFile::TextTable> bindings;
  bool legacy_uploads = false;
};
[[nodiscard]] TrustSettings read_trust_settings(ConfigFile& file);

// Reads the files, too. kUsage.
[[nodiscard]] Result<TrustRules> make_trust_rules(const TrustSettings& settings,
                                                  const Limits& limits);

}  // namespace strata::registry
