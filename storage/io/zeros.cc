#include "storage/io/zeros.h"

#include <cstdint>
#include <cstring>

namespace strata::io {
namespace {

constexpr std::size_t kLine = 64;

// Without a branch inside, so that the compiler uses vectors.
bool line_is_zero(const std::byte* data) {
  std::uint64_t words[kLine / sizeof(std::uint64_t)];
  std::memcpy(words, data, kLine);
  std::uint64_t any = 0;
  for (const std::uint64_t word : words) any |= word;
  return any == 0;
}

}  // namespace

bool all_zero(std::span<const std::byte> data) {
  while (data.size() >= kLine) {
    if (!line_is_zero(data.data())) return false;
    data = data.subspan(kLine);
  }
  for (const std::byte byte : data) {
    if (byte != std::byte{0}) return false;
  }
  return true;
}

}  // namespace strata::io
