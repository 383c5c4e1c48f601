#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

#include "registry/policy/holder.h"
#include "storage/service/config.h"
#include "storage/service/daemon.h"
#include "strata/base/log.h"

namespace {

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2 };

int complain(const strata::Error& error) {
  std::fprintf(stderr, "strata-storage: %s\n", error.detail().c_str());
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
  return signals;
}

// As many connections and open images as the configuration allows need as many descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

// SIGHUP: what can change while the daemon runs is the log and the policy. A configuration that is
// not right changes nothing but that the policy, whose path is known, is read again: a ban must not
// wait for a key elsewhere to be corrected.
void reload(int argc, char** argv, strata::storage::Daemon& daemon, std::string& policy_file) {
  const auto line = strata::storage::parse_command_line(argc, argv);
  if (line) {
    strata::log::configure(line->config.log_level, line->config.log_format);
    policy_file = line->config.policy_file;
  } else {
    strata::log::error("reload.refused", {{"error", line.error().detail()}});
  }
  daemon.reload_policy(policy_file);
  strata::log::info("reload", {{"what", line ? "log, policy" : "policy"}});
}

}  // namespace

int main(int argc, char** argv) {
  using strata::storage::CommandLine;
  auto line = strata::storage::parse_command_line(argc, argv);
  if (!line) return complain(line.error());
  if (line->action == CommandLine::Action::kExit) return kDone;
  if (line->action == CommandLine::Action::kCheckConfig) {
    const strata::policy::PolicyHolder policy(line->config.policy_file);
    if (policy.get() != nullptr && policy.get()->denied()) return kFailed;  // it has said why
    std::puts("the configuration is good");
    return kDone;
  }
  strata::log::configure(line->config.log_level, line->config.log_format);
  raise_descriptor_limit();
  const sigset_t signals = block_signals();
  strata::storage::Daemon daemon(line->config);
  if (const auto status = daemon.start(); !status) return complain(status.error());
  std::fprintf(stderr, "listening on %s\n", daemon.url().c_str());
  std::string policy_file = line->config.policy_file;
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    reload(argc, argv, daemon, policy_file);
  }
  strata::log::info("draining", {});
  daemon.drain();
  strata::log::info("stopped", {});
  return kDone;
}
