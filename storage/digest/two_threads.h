#pragma once

#include <span>

#include "strata/digest/hasher.h"
#include "strata/io/worker_pool.h"

namespace strata::digest {

// hasher.update(data) by two threads of the pool: SHA-512, whose chain is the limit of one stream,
// on the caller's, SHA-1 with SHA-256 on another. They work on different parts of the same state,
// so a stream may change between this and update() at any byte. False, and nothing done, when no
// thread is free, when the hasher has not all three of our own, or for a few blocks (not worth the
// wake-up). Should the other thread not have begun when the first is through, the first does its
// part too: a full pool cannot block this.
[[nodiscard]] bool update_on_two_threads(Hasher& hasher, std::span<const std::byte> data,
                                         io::WorkerPool& pool);

}  // namespace strata::digest
