#include "storage/codec/zero_run_finder.h"

#include <algorithm>
#include <utility>

#include "storage/io/zeros.h"

namespace strata::codec {

void ZeroRunFinder::update(std::span<const std::byte> data) {
  while (!data.empty()) {
    const auto in_page = at_ % kZeroRunAlignment;
    const auto part = data.first(static_cast<std::size_t>(
        std::min<std::uint64_t>(kZeroRunAlignment - in_page, data.size())));
    page_is_zero_ = page_is_zero_ && io::all_zero(part);
    at_ += part.size();
    data = data.subspan(part.size());
    if (at_ % kZeroRunAlignment == 0) page_ended(kZeroRunAlignment);
  }
}

void ZeroRunFinder::page_ended(std::uint64_t bytes) {
  if (page_is_zero_) {
    run_bytes_ += bytes;
  } else {
    at_ -= bytes;
    run_ended();
    at_ += bytes;
  }
  page_is_zero_ = true;
}

// A run ends at at_.
void ZeroRunFinder::run_ended() {
  const std::uint64_t bytes = std::exchange(run_bytes_, 0);
  if (bytes < kZeroRunBytesMin || runs_.size() == kZeroRunsMax) return;
  runs_.push_back({.start = at_ - bytes, .bytes = bytes});
}

std::vector<ZeroRun> ZeroRunFinder::finish() {
  if (const std::uint64_t rest = at_ % kZeroRunAlignment; rest > 0) page_ended(rest);
  run_ended();
  return std::move(runs_);
}

}  // namespace strata::codec
