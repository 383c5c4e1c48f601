#include "storage/io/zeros.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace strata::io {

// If the first word is zero and each byte equals the one a word before it: memcmp is the fastest
// loop there is, and it ends at the first difference.
bool all_zero(std::span<const std::byte> data) {
  std::uint64_t first = 0;
  const std::size_t head = std::min(data.size(), sizeof first);
  if (head == 0) return true;
  std::memcpy(&first, data.data(), head);
  return first == 0 && std::memcmp(data.data(), data.data() + head, data.size() - head) == 0;
}

}  // namespace strata::io
