#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>

#include "storage/codec/inflater.h"

namespace strata::codec {
namespace {

constexpr std::size_t kSpanMax = std::numeric_limits<std::uint32_t>::max();

// ISA-L's kernels return with dirty upper halves of the vector registers. Code that then mixes
// legacy SSE with AVX (our stitched digest kernel on the same core) runs up to 100 times slower.
class CleanVectorState {
 public:
  CleanVectorState() = default;
  CleanVectorState(const CleanVectorState&) = delete;
  CleanVectorState& operator=(const CleanVectorState&) = delete;
  ~CleanVectorState() {
#if defined(__x86_64__)
    static const bool has_avx = __builtin_cpu_supports("avx") != 0;
    // No clobbers: this file is compiled for baseline x86-64, which never holds upper halves.
    if (has_avx) __asm__ volatile("vzeroupper" ::: "memory");
#endif
  }
};

class IsalInflater final : public Inflater {
 public:
  IsalInflater() { start(); }

  Step inflate(std::span<const std::byte> in, std::span<std::byte> out) override {
    const CleanVectorState clean;
    const auto in_size = static_cast<std::uint32_t>(std::min(in.size(), kSpanMax));
    const auto out_size = static_cast<std::uint32_t>(std::min(out.size(), kSpanMax));
    // ISA-L does not write through next_in; its type lacks the const.
    state_.next_in = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(in.data()));
    state_.avail_in = in_size;
    state_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state_.avail_out = out_size;
    const int code = ::isal_inflate(&state_);
    // A version that gave back more than it was lent would break the framing: refuse.
    if (code < 0 || code == ISAL_NEED_DICT || state_.avail_in > in_size) return {.corrupt = true};
    return {.consumed = in_size - state_.avail_in,
            .produced = out_size - state_.avail_out,
            .done = state_.block_state == ISAL_BLOCK_FINISH};
  }

  // isal_inflate reads 64 bits at a time and leaves what it did not need in read_in: first the
  // padding bits of the last deflate byte, then whole bytes.
  Leftover take_leftover() override {
    Leftover leftover;
    if (state_.read_in_length <= 0) return leftover;
    const auto bits = static_cast<unsigned>(state_.read_in_length);
    leftover.count = std::min<std::size_t>(bits / 8, leftover.bytes.size());
    std::uint64_t value = state_.read_in >> (bits % 8);
    for (std::size_t i = 0; i < leftover.count; ++i, value >>= 8) {
      leftover.bytes[i] = static_cast<std::byte>(value & 0xFF);
    }
    return leftover;
  }

  void reset() override { start(); }

  std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> data) const override {
    const CleanVectorState clean;
    return ::crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(data.data()), data.size());
  }

 private:
  void start() {
    ::isal_inflate_init(&state_);
    state_.crc_flag = ISAL_DEFLATE;
  }

  inflate_state state_;  // ~90 KiB; init sets what matters, its buffers need no clearing
};

}  // namespace

std::unique_ptr<Inflater> make_isal_inflater() {
  return std::make_unique<IsalInflater>();
}

}  // namespace strata::codec
