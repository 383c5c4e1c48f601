#pragma once

#include <sys/types.h>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "strata/http/client.h"

namespace strata::test {

// A real daemon as a child process: it has said "listening on ..." when the constructor returns,
// else the test fails there. Killed by the destructor if it still runs.
class DaemonProcess {
 public:
  explicit DaemonProcess(std::vector<std::string> command);
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }  // "http://127.0.0.1:PORT"
  [[nodiscard]] std::uint16_t port() const;
  void signal(int number) const;
  // Its exit code, or -signal; a failed check when it is still there after `patience`.
  int wait(std::chrono::milliseconds patience = std::chrono::seconds(30));
  // Everything it wrote to standard error so far.
  [[nodiscard]] std::string log();
  // Waits until the log holds `text`; false after `patience`.
  [[nodiscard]] bool wait_for_log(const std::string& text,
                                  std::chrono::milliseconds patience = std::chrono::seconds(10));

  // One request on a connection of its own.
  [[nodiscard]] http::ClientResponse send(const http::ClientRequest& request) const;
  [[nodiscard]] http::ClientResponse get(const std::string& target,
                                         const std::string& accept = {}) const;

 private:
  void read_log();

  pid_t pid_ = -1;
  int stderr_ = -1;
  std::string url_;
  std::mutex mutex_;
  std::condition_variable grown_;
  std::string log_;     // with mutex_
  bool ended_ = false;  // with mutex_: standard error is closed
  std::optional<int> exit_;
  std::thread reader_;
};

// Runs a command to its end: exit code and what it wrote to both outputs.
struct Finished {
  int code;
  std::string output;
};
[[nodiscard]] Finished run_program(const std::vector<std::string>& command);

}  // namespace strata::test
