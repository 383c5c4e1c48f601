#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/log.h"
#include "strata/base/result.h"

namespace strata::storage {

// Which images get an entry in the registry.
enum class RegisterMode : unsigned char { kAll, kPublic, kNone };

// strata-storage's configuration: defaults, then the TOML file, then the command line. Keys are
// listed in README.md.
struct Config {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string data = "/var/lib/strata/storage";
  std::string public_url;  // default: the listener's, known once it listens

  std::string registry_url;  // empty: images are not registered
  RegisterMode register_mode = RegisterMode::kAll;

  std::string endorser_key, endorser_certificate;  // PEM files; default DATA/endorser/*.pem
  std::string endorser_email;                      // for a generated certificate

  bool auth_required = false;  // always true when the listener is not on loopback
  bool anonymous_read = true;  // of public images, when auth is required
  std::vector<std::string> cors_origins;
  std::string policy_file;  // empty: no policy

  std::size_t network_threads = 0;  // 0 = one for every two usable CPUs, at least one
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kText;
  Limits limits;
};

struct CommandLine {
  enum class Action : unsigned char { kServe, kCheckConfig, kExit };
  Action action = Action::kServe;
  Config config;
};

// Prints --help and --version itself (kExit). kUsage with every problem found.
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, char** argv);

// Applies a TOML file to `config`; unknown keys are refused.
[[nodiscard]] Status apply_file(const std::string& path, Config& config);

}  // namespace strata::storage
