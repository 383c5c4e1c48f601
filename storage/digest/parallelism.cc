#include "storage/digest/parallelism.h"

#include <algorithm>
#include <utility>

namespace strata::digest {
namespace {

using namespace std::chrono_literals;

constexpr auto kJudgedInterval = 50ms;  // some turns: the longest take 12 ms
constexpr auto kSettling = 25ms;        // turns under the old number end, and queues fill or empty
// After a longer pause what was counted says nothing of now.
constexpr auto kPause = 200ms;
// A try costs 75 ms with emptier lanes: at first nearly half of the time, in the end 2 %.
constexpr std::chrono::milliseconds kRestMin = 100ms;
constexpr std::chrono::milliseconds kRestMax = 3200ms;
constexpr double kBusy = 0.9;
// What the last thread must bring, of what one thread does. With four uploads on two cores the
// second brings 5 % more bytes for 20 to 30 % more CPU time.
constexpr double kWorthAThread = 0.12;
// And for a stream by itself, which somebody waits for: the second thread brings 10 % more (AMD Zen
// 5) to 20 % (Intel Sapphire Rapids) for half as much CPU time again, while it has nothing else to
// do.
constexpr double kWorthAHelper = 0.05;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// More threads than that have nothing to do.
std::size_t usable(std::size_t active) {
  return active == 1 ? 2 : active;
}

}  // namespace

Parallelism::Parallelism(std::size_t threads, Efficiency efficiency)
    : threads_(threads), efficiency_(std::move(efficiency)), allowed_(threads), rest_(kRestMin) {}

void Parallelism::turn(Clock::time_point now, std::chrono::nanoseconds wall,
                       std::chrono::nanoseconds cpu, std::size_t active) {
  if (now < settled_) return;
  if (since_ < settled_ || now - since_ > kPause) {  // begins with the turns that follow
    since_ = now;
    wall_ = cpu_ = 0ns;
    return;
  }
  wall_ += wall;
  cpu_ += cpu;
  if (now - since_ < kJudgedInterval) return;
  judge(now, std::max<std::size_t>(1, active));
  since_ = now;
  wall_ = cpu_ = 0ns;
}

void Parallelism::judge(Clock::time_point now, std::size_t active) {
  const double elapsed = seconds(now - since_);
  const double busy = seconds(wall_) / elapsed;
  const std::size_t wanted = fewest(seconds(cpu_) / elapsed, active);
  if (tried_from_ > 0) {
    rest_ = wanted > tried_from_ ? kRestMin : std::min(2 * rest_, kRestMax);
    tried_from_ = 0;
  }
  if (wanted < allowed_) {
    change(now, wanted);
    given_up_ = now;
    given_up_active_ = active;
    return;
  }
  const std::size_t most = std::min(threads_, usable(active));
  if (allowed_ >= most || busy < kBusy * static_cast<double>(allowed_)) return;
  // With more streams than there were it is another question.
  if (now - given_up_ < rest_ && active <= given_up_active_) return;
  tried_from_ = allowed_;
  change(now, std::min(most, 2 * allowed_));
}

void Parallelism::change(Clock::time_point now, std::size_t threads) {
  allowed_ = threads;
  settled_ = now + kSettling;
}

std::size_t Parallelism::fewest(double processors, std::size_t active) const {
  const auto rate = [&](std::size_t threads) {
    return std::min(processors, static_cast<double>(threads)) * efficiency_(active, threads);
  };
  const double worth = active == 1 ? kWorthAHelper : kWorthAThread;
  std::size_t threads = std::min(allowed_, usable(active));
  while (threads > 1) {
    const double gain = rate(threads) - rate(threads - 1);
    if (gain >= worth * efficiency_(active, threads - 1)) break;
    --threads;
  }
  return threads;
}

}  // namespace strata::digest
