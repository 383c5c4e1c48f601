#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "strata/base/limits.h"
#include "strata/codec/encoding.h"

namespace strata::codec {

// When the decoder of a stream is asked for an entry (Decoder::entry()), so that SeekIndexer has
// places to choose from. Which they are depends on the stream only, not on how its bytes arrive.
class SeekPlaces {
 public:
  explicit SeekPlaces(Encoding encoding)
      : anywhere_(encoding == Encoding::kGzip), interval_(anywhere_ ? kMiB : 32 * kKiB) {}

  // How much of `room` the decoder may fill, so that it stops where a place is wanted.
  [[nodiscard]] std::size_t room(std::uint64_t produced, std::size_t room) const {
    if (!anywhere_) return room;
    const std::uint64_t until = interval_ - produced % interval_;
    return static_cast<std::size_t>(std::min<std::uint64_t>(until, room));
  }
  // Where it stopped: should it be asked? Until it has answered, the next step is asked again.
  [[nodiscard]] bool due(std::uint64_t consumed, std::uint64_t produced) const {
    return !last_ || produced / interval_ != last_->produced / interval_ ||
           consumed - last_->consumed >= kMiB;
  }
  void taken(std::uint64_t consumed, std::uint64_t produced) { last_ = {consumed, produced}; }

 private:
  struct Last {
    std::uint64_t consumed;
    std::uint64_t produced;
  };
  // gzip has places anywhere, and each costs 0.1 ms. xz and zstd have theirs at the ends of blocks
  // and frames, where the decoder stops by itself, and they cost nothing.
  bool anywhere_;
  std::uint64_t interval_;
  std::optional<Last> last_;
};

}  // namespace strata::codec
