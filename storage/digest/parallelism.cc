#include "storage/digest/parallelism.h"

#include <algorithm>

namespace strata::digest {
namespace {

using namespace std::chrono_literals;

constexpr auto kJudgedInterval = 50ms;  // some turns: the longest take 10 ms
// After a longer pause what was counted says nothing of now.
constexpr auto kPause = 200ms;
constexpr std::chrono::milliseconds kRestMin = 100ms;
constexpr std::chrono::milliseconds kRestMax = 3200ms;
constexpr double kBusy = 0.9;
// What one thread more must bring. With four uploads on two cores the second brings 5 % more bytes
// for 20 to 30 % more CPU time.
constexpr double kWorthAThread = 1.15;
// And for a stream by itself, which somebody waits for: the second thread brings 10 % more (AMD Zen
// 5) to 20 % (Intel Sapphire Rapids) for half as much CPU time again, while it has nothing else to
// do.
constexpr double kWorthAHelper = 1.05;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

Parallelism::Parallelism(std::size_t threads, Cost cost)
    : threads_(threads), cost_(std::move(cost)), allowed_(threads), rest_(kRestMin) {}

void Parallelism::turn(Clock::time_point now, std::chrono::nanoseconds wall,
                       std::chrono::nanoseconds cpu, std::size_t active) {
  const auto counted = now - since_;
  if (counted > kPause) {
    since_ = now - wall;
    wall_ = cpu_ = 0ns;
  }
  wall_ += wall;
  cpu_ += cpu;
  if (now - since_ < kJudgedInterval) return;
  judge(now, active);
  since_ = now;
  wall_ = cpu_ = 0ns;
}

void Parallelism::judge(Clock::time_point now, std::size_t active) {
  const double elapsed = seconds(now - since_);
  const double processors = seconds(cpu_) / elapsed;
  const double busy = seconds(wall_) / elapsed;
  active = std::max<std::size_t>(1, active);
  const double cost_now = cost_(active, allowed_);
  const double worth = active == 1 ? kWorthAHelper : kWorthAThread;
  std::size_t fewest = allowed_;
  while (fewest > 1) {
    const double wanted = processors * cost_(active, fewest - 1) / cost_now;
    if (wanted > worth * static_cast<double>(fewest - 1)) break;
    --fewest;
  }
  if (fewest < allowed_) {
    if (trying_) rest_ = std::min(2 * rest_, kRestMax);
    allowed_ = fewest;
    given_up_ = now;
  } else if (trying_) {
    rest_ = kRestMin;  // it was worth it
  }
  trying_ = allowed_ < threads_ && fewest == allowed_ && now - given_up_ >= rest_ &&
            busy > kBusy * static_cast<double>(allowed_);
  if (trying_) ++allowed_;
}

}  // namespace strata::digest
