#include <csignal>
#include <cstdio>

#include "strata/base/version.h"
#include "tools/cli/command.h"

int main(int argc, char** argv) {
  namespace cli = strata::cli;
  std::signal(SIGPIPE, SIG_IGN);
  auto endpoints = cli::load_endpoints();
  if (!endpoints) {
    cli::complain(endpoints.error());
    return cli::exit_code(endpoints.error());
  }
  cli::Context context{std::move(*endpoints), {}};

  CLI::App app("strata: push, pull, sign, register and search disk images");
  app.set_version_flag("--version", "strata " + std::string(strata::kVersion));
  app.add_option("--storage", context.endpoints.storage, "URL of strata-storage")
      ->capture_default_str();
  app.add_option("--registry", context.endpoints.registries, "URLs of registries, comma-separated")
      ->delimiter(',')
      ->allow_extra_args(false);  // what follows may be the subcommand's FILE or IMAGE
  app.require_subcommand(1);
  app.fallthrough();  // --storage and --registry may stand behind the subcommand
  cli::add_digest(app, context);
  cli::add_push(app, context);
  cli::add_pull(app, context);
  cli::add_images(app, context);
  cli::add_metadata(app, context);
  cli::add_registry(app, context);
  cli::add_search(app, context);
  cli::add_policy(app, context);
  cli::add_bench(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return cli::kUsage;
  }
  strata::Status status = context.run();
  if (status && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)) {
    status = strata::Error(strata::Errc::kIo, "writing to standard output failed");
  }
  if (status) return cli::kDone;
  cli::complain(status.error());
  return cli::exit_code(status.error());
}
