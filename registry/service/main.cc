#include <pthread.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "registry/entries/maintenance.h"
#include "registry/policy/holder.h"
#include "registry/service/config.h"
#include "registry/service/daemon.h"
#include "strata/base/log.h"
#include "strata/base/version.h"

namespace {

using strata::registry::Flags;

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2 };

int complain(const strata::Error& error) {
  std::fprintf(stderr, "strata-registry: %s\n", error.detail().c_str());
  return error.code() == strata::Errc::kUsage ? kUsage : kFailed;
}

// Blocked in every thread and taken here by sigwait: no code runs in a handler.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file over "ulimit -f" is a failed write (EFBIG), no death
  // Who starts us may have it ignored; then no child could be waited for, and no mail be sent.
  std::signal(SIGCHLD, SIG_DFL);
  return signals;
}

// As many connections as the configuration allows need as many descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void reload(const Flags& flags, strata::registry::Daemon& daemon) {
  const auto config = strata::registry::load_config(flags);
  if (!config) {
    // The policy has its own file; a ban must not wait until all the rest is right again.
    daemon.reload_policy();
    strata::log::error("reload.failed", {{"error", config.error().detail()}});
    return;
  }
  daemon.reload(*config);
  strata::log::info("reloaded", {{"endorsers", config->trust.endorsers.size()}});
}

// --check and --rebuild: on a registry that does not run. 1: there is something to say.
int maintain(const strata::registry::Config& config, bool rebuild, bool leave_out) {
  using strata::entries::Unverified;
  const std::string store = config.data + "/entries";
  const auto unverified = leave_out ? Unverified::kLeaveOut : Unverified::kRefuse;
  const auto report = rebuild ? strata::entries::rebuild_store(store, config.limits, unverified)
                              : strata::entries::check_store(store, config.limits);
  if (!report) return complain(report.error());
  for (const std::string& problem : report->problems) {
    std::fprintf(stderr, "strata-registry: %s\n", problem.c_str());
  }
  if (rebuild && report->problem_count > 0) {
    std::fprintf(stderr, "strata-registry: %s\n",
                 leave_out ? "the store from before is kept in entries.before-rebuild"
                           : "nothing was changed; --leave-out rebuilds without these entries and "
                             "keeps the store from before beside");
  }
  std::printf("%llu entries %s, %llu problems\n", static_cast<unsigned long long>(report->entries),
              !rebuild                                  ? "checked"
              : report->problem_count == 0 || leave_out ? "rebuilt"
                                                        : "would be rebuilt",
              static_cast<unsigned long long>(report->problem_count));
  return report->problem_count == 0 ? kDone : kFailed;
}

int serve(const Flags& flags, const strata::registry::Config& config) {
  strata::log::configure(config.log_level, config.log_format);
  for (const std::string& warning : config.warnings) {
    strata::log::warn("config.open", {{"why", warning}});
  }
  raise_descriptor_limit();
  const sigset_t signals = block_signals();
  strata::registry::Daemon daemon(config);
  if (const auto status = daemon.start(); !status) return complain(status.error());
  std::fprintf(stderr, "listening on %s\n", daemon.url().c_str());
  // These stay, whatever the file says later: what is allowed on an address is judged by it.
  Flags running = flags;
  running.listen = config.host + ":" + std::to_string(config.port);
  if (!config.public_url.empty()) running.public_url = config.public_url;
  running.confirmation = config.confirmation;
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    reload(running, daemon);
  }
  strata::log::info("draining", {});
  daemon.drain();
  strata::log::info("stopped", {});
  return kDone;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App line{"Strata's registry: publishes signed, searchable records of disk images."};
  Flags flags;
  bool check_config = false, check = false, rebuild = false, leave_out = false;
  line.set_version_flag("--version", "strata-registry " + std::string(strata::kVersion));
  line.add_option("--config", flags.config, "TOML configuration file");
  line.add_option("--listen", flags.listen, "HOST:PORT, default 127.0.0.1:8081; port 0 picks one");
  line.add_option("--data", flags.data, "folder of the entries, made when missing");
  line.add_option("--public-url", flags.public_url, "what our URLs begin with for others");
  line.add_option("--trust", flags.trust,
                  "any (loopback only), listed or ca: whose entries are taken");
  line.add_flag("--check-config", check_config, "check the configuration and stop");
  auto* checks =
      line.add_flag("--check", check, "compare the stored entries with their index and stop");
  line.add_flag("--rebuild", rebuild, "make records and search index anew from the documents")
      ->excludes(checks);
  line.add_flag("--leave-out", leave_out,
                "with --rebuild: leave entries out whose document does not verify any more")
      ->needs("--rebuild");
  try {
    line.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return line.exit(error) == 0 ? kDone : kUsage;
  }
  const auto config = strata::registry::load_config(flags);
  if (!config) return complain(config.error());
  if (check_config) {
    const strata::policy::PolicyHolder policy(config->policy_file);
    if (policy.get() != nullptr && policy.get()->denied()) return kFailed;  // it has said why
    std::puts("the configuration is good");
    return kDone;
  }
  if (check || rebuild) return maintain(*config, rebuild, leave_out);
  return serve(flags, *config);
}
