#include "storage/digest/stitched_hasher.h"

#include <algorithm>
#include <span>
#include <utility>

namespace strata::digest {
namespace {

// The end of a message (FIPS 180-4 section 5.1): a one bit, zeros, and the length in bits, so that
// whole blocks come out. At most 127 bytes are left of the message.
struct Padded {
  std::array<std::byte, 2 * kStitchedBlockBytes> bytes{};
  std::size_t blocks = 0;
};

Padded pad(const StitchedState& state, std::size_t block_bytes, std::size_t length_bytes) {
  const std::size_t rest = state.bytes % kStitchedBlockBytes;
  Padded padded;
  padded.blocks = (rest + 1 + length_bytes + block_bytes - 1) / block_bytes;
  std::copy_n(state.tail.begin(), rest, padded.bytes.begin());
  padded.bytes[rest] = std::byte{0x80};
  const std::size_t end = padded.blocks * block_bytes;
  for (std::size_t i = 0; i < 8; ++i) {
    padded.bytes[end - 1 - i] = static_cast<std::byte>(state.bytes << 3 >> 8 * i);
  }
  // From 2^61 bytes on the length has more than 64 bits; SHA-512's field has room for them.
  if (length_bytes > 8) padded.bytes[end - 9] = static_cast<std::byte>(state.bytes >> 61);
  return padded;
}

// State words to bytes, big-endian.
template <typename Words, typename D>
void put(const Words& words, D& digest) {
  constexpr std::size_t kWordBytes = sizeof(words[0]);
  static_assert(std::tuple_size_v<Words> * kWordBytes == sizeof digest.bytes);
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const std::size_t shift = 8 * (kWordBytes - 1 - i % kWordBytes);
    digest.bytes[i] = static_cast<std::uint8_t>(words[i / kWordBytes] >> shift);
  }
}

class StitchedHasher final : public Hasher {
 public:
  StitchedHasher(const Kernel& kernel, std::unique_ptr<Hasher> rest)
      : kernel_(kernel), rest_(std::move(rest)) {
    check(kernel.supported, "a digest kernel that this processor does not support");
  }

  void update(std::span<const std::byte> data) override {
    if (rest_) rest_->update(data);
    const std::size_t pending = state_.bytes % kStitchedBlockBytes;
    state_.bytes += data.size();
    if (pending > 0) {
      const std::size_t taken = std::min(kStitchedBlockBytes - pending, data.size());
      std::copy_n(data.begin(), taken, state_.tail.begin() + static_cast<std::ptrdiff_t>(pending));
      data = data.subspan(taken);
      if (pending + taken < kStitchedBlockBytes) return;
      run(state_.tail.data(), 1);
    }
    if (const std::size_t blocks = data.size() / kStitchedBlockBytes; blocks > 0) {
      run(data.data(), blocks);
      data = data.subspan(blocks * kStitchedBlockBytes);
    }
    std::ranges::copy(data, state_.tail.begin());
  }

  DigestSet finish() override {
    DigestSet set;
    if (rest_) set = rest_->finish();
    set.bytes = state_.bytes;
    const Padded short_blocks = pad(state_, 64, 8);
    kernel_.pair(state_.sha1, state_.sha256, short_blocks.bytes.data(), short_blocks.blocks);
    put(state_.sha1.h, set.sha1);
    put(state_.sha256.h, set.sha256);
    if (kernel_.algorithms == Algorithms::kAll) {
      const Padded long_blocks = pad(state_, 128, 16);
      kernel_.sha512(state_.sha512, long_blocks.bytes.data(), long_blocks.blocks);
      put(state_.sha512.h, set.sha512);
    }
    return set;
  }

 private:
  void run(const std::byte* data, std::size_t blocks) {
    if (kernel_.algorithms == Algorithms::kAll) {
      kernel_.all(state_.sha1, state_.sha256, state_.sha512, data, blocks);
    } else {
      kernel_.pair(state_.sha1, state_.sha256, data, 2 * blocks);
    }
  }

  const Kernel& kernel_;
  std::unique_ptr<Hasher> rest_;
  StitchedState state_;
};

}  // namespace

std::unique_ptr<Hasher> make_stitched_hasher(const Kernel& kernel, std::unique_ptr<Hasher> rest) {
  return std::make_unique<StitchedHasher>(kernel, std::move(rest));
}

}  // namespace strata::digest
