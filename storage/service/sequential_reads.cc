#include "storage/service/sequential_reads.h"

#include <algorithm>

namespace strata::storage {

std::uint64_t SequentialReads::note(std::uint64_t offset, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  auto run = std::ranges::find_if(
      runs_, [&](const Run& candidate) { return candidate.bytes > 0 && candidate.end == offset; });
  if (run == runs_.end()) {
    run = std::prev(runs_.end());
    *run = {};
  }
  const std::uint64_t before = run->bytes;
  *run = {.end = offset + bytes, .bytes = before + bytes};
  std::rotate(runs_.begin(), run, std::next(run));
  return before;
}

}  // namespace strata::storage
