#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "storage/digest/lane_plan.h"
#include "strata/digest/hasher.h"
#include "strata/io/worker_pool.h"

namespace strata::digest {

// What it costs a byte beside `costs.all` on one thread; kImpossible where it cannot be done.
[[nodiscard]] double two_threads_cost(const KernelCosts& costs);

// hasher.update(data) by two threads of the pool: SHA-512, whose chain is the limit of one stream,
// on the caller's, SHA-1 with SHA-256 on another. They work on different parts of the same state,
// so a stream may change between this and update() at any byte. Returns the CPU time of the other
// thread. Nothing, and nothing done, when no thread is free, when the hasher has not all three of
// our own, or for a few blocks (not worth the wake-up). Should the other thread not have begun when
// the first is through, the first does its part too: a full pool cannot block this.
[[nodiscard]] std::optional<std::chrono::nanoseconds> update_on_two_threads(
    Hasher& hasher, std::span<const std::byte> data, io::WorkerPool& pool);

}  // namespace strata::digest
