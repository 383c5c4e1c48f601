#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/client/push.h"
#include "strata/base/result.h"

namespace strata::client {

// The lines of one push. Any thread adds; the thread that the
// caller waits on writes them out. An
// outage is one line at its beginning and one at its end, however many tries and parts it has.
class PushLog {
 public:
  PushLog(Note note, std::uint64_t total) : note_(std::move(note)), total_(total) {}

  void add(std::string line);
  // A try failed at `done` bytes; the next one is in `wait`.
  void lost(const Error& error, std::uint64_t done, std::chrono::milliseconds wait);
  // After lost(): the server goes on, from `done` bytes if there are some.
  void back(std::optional<std::uint64_t> done);
  void write();  // on the thread that made this; nothing on others

  // "1.2 GiB of 20 GiB"
  [[nodiscard]] std::string position(std::uint64_t done) const;

 private:
  const Note note_;
  const std::uint64_t total_;
  const std::thread::id writer_ = std::this_thread::get_id();
  std::mutex mutex_;  // guards what follows
  bool out_ = false;
  std::vector<std::string> lines_;
};

}  // namespace strata::client
