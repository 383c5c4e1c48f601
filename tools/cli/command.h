#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "storage/client/endpoint.h"
#include "strata/base/result.h"
#include "strata/http/client.h"

// The strata command: one file for each subcommand, which adds itself to the application and says
// what to run.
namespace strata::cli {

// Exit codes (API.md): what went wrong, for scripts.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kRefused = 4,  // verification or policy
  kUnreachable = 5,
};
[[nodiscard]] int exit_code(const Error& error);

// Where the servers are and who we are: flags, else STRATA_* in the environment, else the
// configuration file ($XDG_CONFIG_HOME/strata/config.toml), else loopback.
struct Endpoints {
  std::string storage = "http://127.0.0.1:8080";
  std::vector<std::string> registries = {"http://127.0.0.1:8081"};
  std::string token;
  std::string policy;  // path of the site's policy; empty: not named
};

struct Context {
  Endpoints endpoints;
  // What the chosen subcommand does; set by its callback, run after parsing.
  std::function<Status()> run;

  [[nodiscard]] Result<http::Client> connect_registry(const std::string& url) const;
  [[nodiscard]] Result<client::Endpoint> storage_endpoint() const;
};

// Environment and configuration file; kUsage when the file is not right.
[[nodiscard]] Result<Endpoints> load_endpoints();

// Where the command remembers what it has begun: $XDG_STATE_HOME/strata, by default
// ~/.local/state/strata; empty when there is no home. Before any thread.
[[nodiscard]] std::string state_folder();

void add_digest(CLI::App& app, Context& context);
void add_push(CLI::App& app, Context& context);
void add_pull(CLI::App& app, Context& context);
void add_images(CLI::App& app, Context& context);    // ls, show, rm
void add_metadata(CLI::App& app, Context& context);  // metadata build|sign|verify|deprecate
void add_deprecate(CLI::App& metadata, Context& context);
void add_search(CLI::App& app, Context& context);
void add_policy(CLI::App& app, Context& context);    // policy check
void add_registry(CLI::App& app, Context& context);  // register, entry
void add_bench(CLI::App& app, Context& context);     // bench digest

// A whole small file, "-" = standard input; kNotFound, kTooLarge.
[[nodiscard]] Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max);
// Text to a file, or to standard output for "-" or "".
[[nodiscard]] Status write_text(const std::string& path, const std::string& text);
// "strata: " and what went wrong, on standard error.
void complain(const Error& error);
// For terminals: control characters made visible.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace strata::cli
