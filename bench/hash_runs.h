#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/digest/lane_kernels.h"
#include "strata/base/digest.h"
#include "strata/digest/hasher.h"

// The ways to compute digests that are compared, on the caller's thread.
namespace strata::bench {

using Data = std::span<const std::byte>;

inline constexpr std::size_t kBlockBytes = std::size_t{1} << 20;  // as uploads hand them over

// One stream, in pieces of kBlockBytes.
[[nodiscard]] DigestSet hash_stream(digest::Hasher& hasher, Data data);

// All three digests of each stream, side by side: digest::update_together() with the next
// kBlockBytes of every one.
[[nodiscard]] std::vector<DigestSet> hash_together(std::span<const Data> streams);

// For what a kernel for lanes can do at most: each stream is kLaneBytes in its own memory, again
// and again, which stay in the second cache.
inline constexpr std::size_t kLaneBytes = std::size_t{16} << 10;
// One algorithm's digests of as many streams as the kernel has lanes, each `times` times its
// kLaneBytes; the other algorithms' stay zero.
template <typename State>
[[nodiscard]] std::vector<DigestSet> hash_in_lanes(const digest::LaneKernel<State>& kernel,
                                                   std::span<const Data> streams, int times);

// `count` streams out of one piece of memory, in equal shares of whole pages; the last has what is
// left over.
[[nodiscard]] std::vector<Data> shares(Data data, std::size_t count);

// Bytes that no kernel could do faster than others, the same in each run; at a page's start, like
// the blocks of uploads.
class RandomBytes {
 public:
  explicit RandomBytes(std::size_t size);
  [[nodiscard]] Data data() const { return data_; }
  RandomBytes(const RandomBytes&) = delete;
  RandomBytes& operator=(const RandomBytes&) = delete;

 private:
  std::vector<std::uint64_t> words_;
  Data data_;  // in words_
};

}  // namespace strata::bench
