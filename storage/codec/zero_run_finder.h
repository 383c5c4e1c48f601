#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/codec/seek_index.h"

namespace strata::codec {

// At most this many runs of a view are recorded, 16 MiB of them; zeros behind the last one count as
// data, which is always right.
inline constexpr std::size_t kZeroRunsMax = 1 << 20;

// The runs of zeros in a view that goes past in pieces of any size: kZeroRunBytesMin and longer,
// both ends at multiples of kZeroRunAlignment, or at the end of the view.
class ZeroRunFinder {
 public:
  void update(std::span<const std::byte> data);
  // The view has ended.
  [[nodiscard]] std::vector<ZeroRun> finish();

 private:
  void page_ended(std::uint64_t bytes);
  void run_ended();

  std::uint64_t at_ = 0;         // bytes seen
  bool page_is_zero_ = true;     // of the page that at_ is in, as far as it was seen
  std::uint64_t run_bytes_ = 0;  // of zero pages right before it
  std::vector<ZeroRun> runs_;
};

}  // namespace strata::codec
