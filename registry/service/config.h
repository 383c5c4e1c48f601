#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/service/trust.h"
#include "strata/base/limits.h"
#include "strata/base/log.h"
#include "strata/base/result.h"

namespace strata::registry {

// The table [confirmation]: endorsers are asked by e-mail. Off without a command.
struct ConfirmationSettings {
  std::vector<std::string> command;  // an absolute path and its arguments
  std::string from;
};

// What the command line says; it wins over the file.
struct Flags {
  std::string config;  // path; empty: none
  std::optional<std::string> listen, data, public_url, trust;
  // No flag: what a daemon that reads its file again was started with.
  std::optional<ConfirmationSettings> confirmation;
};

struct Config {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8081;
  std::string data = "/var/lib/strata/registry";  // folder
  std::string public_url;  // without a slash at the end; empty: the listener's
  std::size_t threads = 8;
  TrustRules trust;
  std::string policy_file;  // path; empty: no policy
  ConfirmationSettings confirmation;
  std::vector<std::string> warnings = {};  // what is allowed and better not so; for the log
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kText;
  Limits limits;
};

// kUsage with every problem found in the file, or the first rule that the values break together:
// where others can reach it (by `listen` or `public_url`) a registry must know whom it trusts, by
// more than an e-mail address that a certificate claims.
[[nodiscard]] Result<Config> load_config(const Flags& flags);

}  // namespace strata::registry
