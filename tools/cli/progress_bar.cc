#include "tools/cli/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "strata/base/text.h"

namespace strata::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr auto kRedraw = std::chrono::milliseconds(200);
constexpr int kWidth = 24;

std::string time_left(double seconds) {
  const auto whole = static_cast<unsigned long long>(std::min(seconds, 359'999.0));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof(text), "%lluh%02llum", whole / 3600, whole / 60 % 60);
  } else {
    std::snprintf(text, sizeof(text), "%llum%02llus", whole / 60, whole % 60);
  }
  return text;
}

}  // namespace

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) == 1), start_(Clock::now()) {}

void ProgressBar::update(std::uint64_t done, std::uint64_t total) {
  // An upload that starts over has less than it had.
  if (!started_ || done < first_) first_ = done;
  started_ = true;
  done_ = done;
  total_ = total;
  const auto now = Clock::now();
  if (!terminal_ || now - drawn_ < kRedraw) return;
  drawn_ = now;
  draw(now);
}

void ProgressBar::draw(Clock::time_point now) {
  const double elapsed = std::max(1e-3, Seconds(now - start_).count());
  const double rate = static_cast<double>(done_ - first_) / elapsed;
  const double part = total_ == 0 ? 0 : static_cast<double>(done_) / static_cast<double>(total_);
  const auto filled = static_cast<std::size_t>(part * kWidth);
  std::string bar(std::min<std::size_t>(filled, kWidth), '#');
  bar.resize(kWidth, '.');
  const std::string left =
      total_ > 0 && rate > 0 ? time_left(static_cast<double>(total_ - done_) / rate) : "-";
  std::fprintf(stderr, "\r%s [%s] %3.0f%%  %s  %s/s  %s left \x1b[K", what_.c_str(), bar.c_str(),
               100 * part, human_bytes(done_).c_str(),
               human_bytes(static_cast<std::uint64_t>(rate)).c_str(), left.c_str());
  std::fflush(stderr);
}

void ProgressBar::note(const std::string& line) {
  std::fprintf(stderr, "%sstrata: %s\n", terminal_ ? "\r\x1b[K" : "", line.c_str());
}

void ProgressBar::finish() {
  const double elapsed = std::max(1e-3, Seconds(Clock::now() - start_).count());
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(done_ - first_) / elapsed);
  std::fprintf(stderr, "%s%s: %s in %.1f s, %s/s\n", terminal_ ? "\r\x1b[K" : "", what_.c_str(),
               human_bytes(done_).c_str(), elapsed, human_bytes(rate).c_str());
}

}  // namespace strata::cli
