#pragma once

#include <cstdint>
#include <functional>

namespace strata::client {

// How far a transfer is, for a progress bar: bytes done and bytes in all (0: not known).
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

}  // namespace strata::client
