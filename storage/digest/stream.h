#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/digest/kernels.h"
#include "storage/digest/sha_state.h"
#include "strata/digest/hasher.h"

namespace strata::digest {

// The longer of the two block sizes: all algorithms go on together.
inline constexpr std::size_t kStreamBlockBytes = 128;

// Everything a stream's digests depend on so far: plain values, which can be copied and stored.
// They say nothing of the kernels that made them.
struct StreamState {
  // After the first bytes / 128 * 128 bytes; untouched where the algorithm was not asked for.
  Sha1State sha1;
  Sha256State sha256;
  Sha512State sha512;
  std::uint64_t bytes = 0;
  std::array<std::byte, kStreamBlockBytes> tail{};  // the last bytes % 128 ones
};

// One stream of bytes through block functions that this processor supports.
class Stream {
 public:
  explicit Stream(const BlockFunctions& run) : run_(run) {}
  Stream(const BlockFunctions& run, const StreamState& state) : run_(run), state_(state) {}

  void update(std::span<const std::byte> data);

  // The same in steps, for callers that run the whole blocks themselves. First what completes a
  // block that was begun: returns the data behind that, which is empty while none is complete. All
  // of the data together may not go beyond kHashedBytesMax.
  [[nodiscard]] std::span<const std::byte> complete_block(std::span<const std::byte> data);
  // Whole blocks by this stream's functions, or by the caller's over the chaining values in
  // state(); advance() counts them.
  void run_blocks(const std::byte* data, std::size_t count);
  void advance(std::size_t bytes) { state_.bytes += bytes; }
  // Last what is left, less than a block.
  void keep_tail(std::span<const std::byte> tail);

  // Ends the stream: state() is of no use then.
  [[nodiscard]] DigestSet finish();
  [[nodiscard]] const StreamState& state() const { return state_; }
  [[nodiscard]] StreamState& state() { return state_; }
  [[nodiscard]] Algorithms algorithms() const;

 private:
  BlockFunctions run_;
  StreamState state_;
};

}  // namespace strata::digest
