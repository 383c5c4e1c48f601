#include "daemon_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "strata/base/result.h"

extern char** environ;

namespace strata::test {
namespace {

struct Child {
  pid_t pid;
  int output;  // read end of its standard error
};

Child spawn(const std::vector<std::string>& command, bool with_stdout) {
  std::array<int, 2> pipe_ends{};
  check(pipe2(pipe_ends.data(), O_CLOEXEC) == 0, "pipe2");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
  if (with_stdout) posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  check(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) == 0,
        "cannot run " + command.front());
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  return {pid, pipe_ends[0]};
}

// Appends what one read(2) gives; false at the end.
bool read_some(int descriptor, std::string& out) {
  std::array<char, 4096> bytes;
  ssize_t n = 0;
  do {
    n = read(descriptor, bytes.data(), bytes.size());
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return false;
  out.append(bytes.data(), static_cast<std::size_t>(n));
  return true;
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

DaemonProcess::DaemonProcess(std::vector<std::string> command) {
  const Child child = spawn(command, false);
  pid_ = child.pid;
  stderr_ = child.output;
  reader_ = std::thread([this] { read_log(); });
  constexpr std::string_view kReady = "listening on ";
  std::unique_lock lock(mutex_);
  grown_.wait_for(lock, std::chrono::seconds(30), [&] {
    const std::size_t at = log_.find(kReady);
    return ended_ || (at != std::string::npos && log_.find('\n', at) != std::string::npos);
  });
  const std::size_t at = log_.find(kReady);
  check(at != std::string::npos, command.front() + " did not start: " + log_);
  url_ = log_.substr(at + kReady.size(), log_.find('\n', at) - at - kReady.size());
}

DaemonProcess::~DaemonProcess() {
  if (!exit_) {
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
  }
  reader_.join();
  close(stderr_);
}

void DaemonProcess::read_log() {
  std::string piece;
  while (read_some(stderr_, piece)) {
    const std::lock_guard lock(mutex_);
    log_ += piece;
    piece.clear();
    grown_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  grown_.notify_all();
}

std::uint16_t DaemonProcess::port() const {
  return http::Url::parse(url_)->port;
}

void DaemonProcess::signal(int number) const {
  kill(pid_, number);
}

int DaemonProcess::wait(std::chrono::milliseconds patience) {
  {
    std::unique_lock lock(mutex_);
    const bool gone = grown_.wait_for(lock, patience, [this] { return ended_; });
    check(gone, "the daemon does not end: " + log_);
  }
  int status = 0;
  check(waitpid(pid_, &status, 0) == pid_, "waitpid");
  exit_ = code_of(status);
  return *exit_;
}

std::string DaemonProcess::log() {
  const std::lock_guard lock(mutex_);
  return log_;
}

bool DaemonProcess::wait_for_log(const std::string& text, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return grown_.wait_for(lock, patience, [&] {
    return log_.find(text) != std::string::npos || ended_;
  }) && log_.find(text) != std::string::npos;
}

http::ClientResponse DaemonProcess::send(const http::ClientRequest& request) const {
  http::Client client(*http::Url::parse(url_));
  auto response = client.send(request);
  if (!response) check(false, request.target + ": " + response.error().message());
  return std::move(*response);
}

http::ClientResponse DaemonProcess::get(const std::string& target,
                                        const std::string& accept) const {
  http::ClientRequest request;
  request.target = target;
  if (!accept.empty()) request.headers.add("Accept", accept);
  return send(request);
}

Finished run_program(const std::vector<std::string>& command) {
  const Child child = spawn(command, true);
  Finished finished{};
  while (read_some(child.output, finished.output)) {
  }
  close(child.output);
  int status = 0;
  check(waitpid(child.pid, &status, 0) == child.pid, "waitpid");
  finished.code = code_of(status);
  return finished;
}

}  // namespace strata::test
