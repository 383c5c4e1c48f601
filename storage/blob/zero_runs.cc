#include "storage/blob/zero_runs.h"

#include "storage/io/zeros.h"
#include "strata/io/block.h"

namespace strata::blob {
namespace {

constexpr std::size_t kPageBytes = io::kBlockAlignment;
constexpr std::size_t kRunPages = kHoleBytesMin / kPageBytes;
static_assert(kHoleBytesMin % kPageBytes == 0);

}  // namespace

// As Boyer and Moore: a run that begins in the window has to cover its last page, so that one is
// looked at first. Where data have no zeros, this is one word in 64 KiB.
Stretch next_stretch(std::uint64_t position, std::span<const std::byte> data) {
  const std::size_t to_page = (0 - static_cast<std::size_t>(position)) & (kPageBytes - 1);
  if (data.size() < to_page + kHoleBytesMin) return {data.size(), 0};
  const std::byte* const base = data.data() + to_page;
  const std::size_t pages = (data.size() - to_page) / kPageBytes;
  const auto zero = [&](std::size_t page) {
    return io::all_zero({base + page * kPageBytes, kPageBytes});
  };
  for (std::size_t start = 0; start + kRunPages <= pages;) {
    std::size_t zeros_from = start + kRunPages;
    while (zeros_from > start && zero(zeros_from - 1)) --zeros_from;
    if (zeros_from > start) {
      start = zeros_from;  // the page before is not zero: no run begins in front of it
      continue;
    }
    std::size_t end = start + kRunPages;
    while (end < pages && zero(end)) ++end;
    return {to_page + start * kPageBytes, (end - start) * kPageBytes};
  }
  return {data.size(), 0};
}

}  // namespace strata::blob
