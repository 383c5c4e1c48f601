#include "storage/digest/stream.h"

#include <algorithm>

#include "storage/digest/big_endian.h"
#include "strata/base/result.h"

namespace strata::digest {
namespace {

// The end of a message (FIPS 180-4 section 5.1): a one bit, zeros, and the length in bits, so that
// whole blocks come out. At most 127 bytes are left of the message.
struct Padded {
  std::array<std::byte, 2 * kStreamBlockBytes> bytes{};
  std::size_t blocks = 0;
};

Padded pad(const StreamState& state, std::size_t block_bytes, std::size_t length_bytes) {
  const std::size_t rest = state.bytes % kStreamBlockBytes;
  Padded padded;
  padded.blocks = (rest + 1 + length_bytes + block_bytes - 1) / block_bytes;
  std::copy_n(state.tail.begin(), rest, padded.bytes.begin());
  padded.bytes[rest] = std::byte{0x80};
  const std::size_t end = padded.blocks * block_bytes;
  store_big_endian(&padded.bytes[end - 8], state.bytes << 3);
  // From 2^61 bytes on the length has more than 64 bits; SHA-512's field has room for them.
  if (length_bytes > 8) padded.bytes[end - 9] = static_cast<std::byte>(state.bytes >> 61);
  return padded;
}

template <typename Words, typename D>
void put(const Words& words, D& digest) {
  static_assert(sizeof words == sizeof digest.bytes);
  for (std::size_t i = 0; i < words.size(); ++i) {
    store_big_endian(&digest.bytes[i * sizeof words[i]], words[i]);
  }
}

}  // namespace

void Stream::update(std::span<const std::byte> data) {
  data = complete_block(data);
  if (const std::size_t whole = data.size() / kStreamBlockBytes; whole > 0) {
    run_blocks(data.data(), whole);
    advance(whole * kStreamBlockBytes);
    data = data.subspan(whole * kStreamBlockBytes);
  }
  keep_tail(data);
}

std::span<const std::byte> Stream::complete_block(std::span<const std::byte> data) {
  check(data.size() <= kHashedBytesMax - state_.bytes,
        "a stream longer than SHA-1 and SHA-256 take");
  const std::size_t pending = state_.bytes % kStreamBlockBytes;
  if (pending == 0) return data;
  const std::size_t taken = std::min(kStreamBlockBytes - pending, data.size());
  std::copy_n(data.begin(), taken, state_.tail.begin() + static_cast<std::ptrdiff_t>(pending));
  state_.bytes += taken;
  if (pending + taken == kStreamBlockBytes) run_blocks(state_.tail.data(), 1);
  return data.subspan(taken);
}

void Stream::keep_tail(std::span<const std::byte> tail) {
  std::ranges::copy(tail, state_.tail.begin());
  state_.bytes += tail.size();
}

Algorithms Stream::algorithms() const {
  unsigned set = 0;
  if (run_.pair || run_.sha1) set |= static_cast<unsigned>(Algorithms::kSha1);
  if (run_.pair || run_.sha256) set |= static_cast<unsigned>(Algorithms::kSha256);
  if (run_.sha512) set |= static_cast<unsigned>(Algorithms::kSha512);
  return static_cast<Algorithms>(set);
}

DigestSet Stream::finish() {
  DigestSet set;
  set.bytes = state_.bytes;
  if (run_.pair || run_.sha1 || run_.sha256) {
    const Padded end = pad(state_, 64, 8);
    if (run_.pair) run_.pair(state_.sha1, state_.sha256, end.bytes.data(), end.blocks);
    if (run_.sha1) run_.sha1(state_.sha1, end.bytes.data(), end.blocks);
    if (run_.sha256) run_.sha256(state_.sha256, end.bytes.data(), end.blocks);
    if (run_.pair || run_.sha1) put(state_.sha1.h, set.sha1);
    if (run_.pair || run_.sha256) put(state_.sha256.h, set.sha256);
  }
  if (run_.sha512) {
    const Padded end = pad(state_, 128, 16);
    run_.sha512(state_.sha512, end.bytes.data(), end.blocks);
    put(state_.sha512.h, set.sha512);
  }
  return set;
}

void Stream::run_blocks(const std::byte* data, std::size_t count) {
  if (run_.all) return run_.all(state_.sha1, state_.sha256, state_.sha512, data, count);
  if (run_.pair) run_.pair(state_.sha1, state_.sha256, data, 2 * count);
  if (run_.sha1) run_.sha1(state_.sha1, data, 2 * count);
  if (run_.sha256) run_.sha256(state_.sha256, data, 2 * count);
  if (run_.sha512) run_.sha512(state_.sha512, data, count);
}

}  // namespace strata::digest
