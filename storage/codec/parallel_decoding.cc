#include "strata/codec/parallel_decoding.h"

#include <algorithm>
#include <utility>

namespace strata::codec {

ParallelDecoding::ParallelDecoding(io::WorkerPool& pool, const Options& options)
    : pool_(&pool),
      options_(options),
      used_(std::make_shared<std::atomic<std::uint64_t>>(std::uint64_t{0})) {}

// A part without bytes would end without a step that gives some.
bool ParallelDecoding::suits(std::uint64_t decoded, std::uint64_t bytes) const {
  return decoded >= std::max<std::uint64_t>(1, options_.part_bytes_min) &&
         bytes <= options_.bytes_max / 2;
}

std::optional<ParallelDecoding::Share> ParallelDecoding::take(std::uint64_t bytes) const {
  std::uint64_t used = used_->load();
  do {
    if (used > options_.bytes_max || bytes > options_.bytes_max - used) return std::nullopt;
  } while (!used_->compare_exchange_weak(used, used + bytes));
  return Share(used_, bytes);
}

ParallelDecoding::Share ParallelDecoding::take_beyond(std::uint64_t bytes) const {
  *used_ += bytes;
  return Share(used_, bytes);
}

std::uint64_t ParallelDecoding::used() const {
  return *used_;
}

ParallelDecoding::Share::Share(Used used, std::uint64_t bytes)
    : used_(std::move(used)), bytes_(bytes) {}

ParallelDecoding::Share::Share(Share&& other) noexcept
    : used_(std::move(other.used_)), bytes_(other.bytes_) {}

ParallelDecoding::Share::~Share() {
  if (used_) *used_ -= bytes_;
}

}  // namespace strata::codec
