#pragma once

#include <cstddef>
#include <vector>

namespace strata::bench {

// Like a disk image: text, things that do not compress, and holes. Always the same.
[[nodiscard]] std::vector<std::byte> disk_like(std::size_t size);

}  // namespace strata::bench
