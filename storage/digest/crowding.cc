#include "storage/digest/crowding.h"

#include <algorithm>

namespace strata::digest {
namespace {

using namespace std::chrono_literals;

constexpr auto kShortestJudged = 500us;  // shorter turns say nothing: one timer tick is 1 to 4 ms
constexpr auto kDecreaseInterval = 20ms;
constexpr auto kIncreaseInterval = 200ms;

}  // namespace

void Crowding::turn(Clock::time_point now, std::chrono::nanoseconds wall,
                    std::chrono::nanoseconds cpu) {
  if (wall < kShortestJudged) return;
  if (cpu < wall * 9 / 10) {
    calm_since_ = now;
    if (now - decreased_ < kDecreaseInterval || allowed_ == 1) return;
    // A quarter at a time: one of two threads, many of sixty-four.
    allowed_ -= std::max<std::size_t>(1, allowed_ / 4);
    decreased_ = now;
  } else if (now - calm_since_ >= kIncreaseInterval && allowed_ < threads_) {
    ++allowed_;
    calm_since_ = now;
  }
}

}  // namespace strata::digest
