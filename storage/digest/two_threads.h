#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>

#include "storage/digest/lane_plan.h"
#include "strata/digest/hasher.h"

namespace strata::digest {

// What it costs a byte beside `costs.all` on one thread; kImpossible where it cannot be done.
[[nodiscard]] double two_threads_cost(const KernelCosts& costs);

// hasher.update(data) by two threads: SHA-512, whose chain is the limit of one stream, on the
// caller's, SHA-1 with SHA-256 in a task given to `start`, which another thread should run soon.
// They work on different parts of the same state, so a stream may change between this and update()
// at any byte. Should the task not have begun when SHA-512 is through, the caller's thread does its
// part too, and the task does nothing whenever it runs: so nothing is waited for that is not
// running, and a full pool cannot block this. Returns the CPU time of the other thread. Nothing,
// and nothing done, when the hasher has not all three algorithms of our own, or for less than 64
// KiB (not worth the wake-up).
using Start = std::function<void(std::function<void()>)>;
[[nodiscard]] std::optional<std::chrono::nanoseconds> update_on_two_threads(
    Hasher& hasher, std::span<const std::byte> data, const Start& start);

}  // namespace strata::digest
