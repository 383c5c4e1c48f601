#include "storage/client/push_log.h"

#include <cstdio>

#include "strata/base/text.h"

namespace strata::client {
namespace {

std::string what_happened(const Error& error) {
  switch (error.code()) {
    case Errc::kConnectionLost:
      return "connection lost";
    case Errc::kUnreachable:
      return "no connection (" + error.detail() + ")";
    default:
      return "the server is not ready (" + error.detail() + ")";
  }
}

std::string seconds_of(std::chrono::milliseconds time) {
  char text[32];
  const double seconds = static_cast<double>(time.count()) / 1000;
  std::snprintf(text, sizeof(text), seconds < 10 ? "%.1f s" : "%.0f s", seconds);
  return text;
}

}  // namespace

void PushLog::add(std::string line) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

void PushLog::lost(const Error& error, std::uint64_t done, std::chrono::milliseconds wait) {
  const std::lock_guard lock(mutex_);
  if (out_) return;
  out_ = true;
  lines_.push_back(what_happened(error) + " at " + position(done) + ", trying again in " +
                   seconds_of(wait));
}

void PushLog::back(std::optional<std::uint64_t> done) {
  const std::lock_guard lock(mutex_);
  if (!out_) return;
  out_ = false;
  lines_.push_back(done ? "resuming at " + position(*done) + " (server has it)"
                        : "the server answers again");
}

void PushLog::write() {
  if (std::this_thread::get_id() != writer_) return;
  std::vector<std::string> lines;
  {
    const std::lock_guard lock(mutex_);
    lines.swap(lines_);
  }
  if (!note_) return;
  for (const std::string& line : lines) note_(line);
}

std::string PushLog::position(std::uint64_t done) const {
  return human_bytes(done) + " of " + human_bytes(total_);
}

}  // namespace strata::client
