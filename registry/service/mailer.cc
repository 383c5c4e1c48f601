#include "registry/service/mailer.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include "strata/base/log.h"

extern char** environ;

namespace strata::registry {
namespace {

constexpr std::size_t kTitleBytes = 120;  // of a line in the message

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kTitleBytes)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

Status write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(errno, "writing a message");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::lseek(descriptor, 0, SEEK_SET) < 0) return errno_error(errno, "rewinding a message");
  return {};
}

// What a child gets: the message, no other file of ours, and signals as a shell would give them.
class SpawnPlan {
 public:
  explicit SpawnPlan(int message) {
    check(posix_spawn_file_actions_init(&actions_) == 0 && posix_spawnattr_init(&attributes_) == 0,
          "no memory for a program to start");
    posix_spawn_file_actions_adddup2(&actions_, message, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);  // killed with its children
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  [[nodiscard]] int start(const std::vector<std::string>& command, pid_t& pid) const {
    std::vector<char*> arguments;
    for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
    arguments.push_back(nullptr);
    return posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Error failed(std::string_view why) {
  log::error("mail.failed", {{"error", why}});
  return {Errc::kUnavailable, "the e-mail that asks for confirmation could not be sent; try later"};
}

}  // namespace

std::string compose(const ConfirmationMail& mail) {
  std::string date = format_http_date(mail.sent);
  date.replace(date.size() - 3, 3, "+0000");  // "GMT" is obsolete in mail
  std::string text;
  text += "From: " + mail.from + "\n";
  text += "To: " + mail.to + "\n";
  text += "Date: " + date + "\n";
  text += "Subject: Confirm your endorsement of image " + mail.identifier + "\n";
  text += "Auto-Submitted: auto-generated\n";
  text += "MIME-Version: 1.0\n";
  text += "Content-Type: text/plain; charset=us-ascii\n";
  text += "\n";
  text += "A signed record of a disk image was posted to this registry, endorsed in the\n";
  text += "name of " + mail.to + ":\n\n";
  text += "  identifier   " + mail.identifier + "\n";
  if (!mail.title.empty()) text += "  title        " + printable(mail.title) + "\n";
  text += "  signed       " + format_rfc3339(mail.created) + "\n";
  text += "  certificate  SHA-256\n    " + mail.fingerprint + "\n\n";
  text += "It is not published. To confirm it, or to throw it away, open\n\n";
  text += "  " + mail.link + "\n\n";
  text += "and choose there. If you did not sign it, somebody else did with a certificate\n";
  text +=
      "that has your address in it. The link works until " + format_rfc3339(mail.expires) + ".\n";
  return text;
}

CommandMailer::CommandMailer(std::vector<std::string> command, std::size_t parallel_max,
                             std::chrono::milliseconds timeout)
    : command_(std::move(command)), parallel_max_(parallel_max), timeout_(timeout) {
  check(!command_.empty(), "a mailer without a command");
}

Status CommandMailer::send(std::string_view message) {
  // A file in memory, not a pipe: a program that does not read cannot hold us up.
  const Descriptor file(memfd_create("mail", MFD_CLOEXEC));
  if (file.get() < 0) return failed(errno_error(errno, "memfd_create").detail());
  if (Status status = write_all(file.get(), message); !status) {
    return failed(status.error().detail());
  }
  struct Turn {
    std::atomic<std::size_t>& running;
    const std::size_t before;
    explicit Turn(std::atomic<std::size_t>& count) : running(count), before(count.fetch_add(1)) {}
    ~Turn() { running.fetch_sub(1); }
  } turn(running_);
  if (turn.before >= parallel_max_) return failed("too many at the same time");
  return run(file.get());
}

Status CommandMailer::run(int message_descriptor) const {
  const SpawnPlan plan(message_descriptor);
  pid_t pid = -1;
  if (const int error = plan.start(command_, pid); error != 0) {
    return failed(errno_error(error, command_[0]).detail());
  }
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  auto pause = std::chrono::milliseconds(1);
  int state = 0;
  for (;;) {
    const pid_t ended = waitpid(pid, &state, WNOHANG);
    if (ended == pid) break;
    if (ended < 0 && errno != EINTR) return failed(errno_error(errno, "waitpid").detail());
    if (std::chrono::steady_clock::now() >= deadline) {
      kill(-pid, SIGKILL);
      while (waitpid(pid, &state, 0) < 0 && errno == EINTR) {
      }
      return failed(command_[0] + " did not end in time");
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return {};
  return failed(command_[0] + (WIFEXITED(state)
                                   ? " ended with code " + std::to_string(WEXITSTATUS(state))
                                   : " was killed"));
}

}  // namespace strata::registry
