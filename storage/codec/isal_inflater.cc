#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include "storage/codec/inflater.h"
#include "storage/codec/isal_code_lengths.h"
#include "storage/codec/vector_state.h"

namespace strata::codec {
namespace {

constexpr std::uint32_t kSpanMax = std::uint32_t{1} << 30;
// ISA-L counts its output in 32 bits, and its portable kernel refuses what looks back further than
// that; so the count must not wrap. For nothing else does it matter.
constexpr std::uint32_t kOutputCountMax = std::uint32_t{1} << 30;
static_assert(kOutputCountMax + kSpanMax + sizeof(inflate_state) <
              std::numeric_limits<std::uint32_t>::max());

class IsalInflater final : public Inflater {
 public:
  IsalInflater() { start(); }

  Step inflate(std::span<const std::byte> in, std::span<std::byte> out) override {
    const CleanVectorState clean;
    const auto in_size = static_cast<std::uint32_t>(std::min<std::size_t>(in.size(), kSpanMax));
    const auto out_size = static_cast<std::uint32_t>(std::min<std::size_t>(out.size(), kSpanMax));
    // ISA-L does not write through next_in; its type lacks the const.
    state_.next_in = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(in.data()));
    state_.avail_in = in_size;
    state_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state_.avail_out = out_size;
    state_.total_out = std::min(state_.total_out, kOutputCountMax);
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

  std::optional<DeflateState> save() const override;
  bool restore(const DeflateState& state) override;

  std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> data) const override {
    const CleanVectorState clean;
    return ::crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(data.data()), data.size());
  }

 private:
  void start() {
    ::isal_inflate_init(&state_);
    state_.crc_flag = ISAL_DEFLATE;
  }
  [[nodiscard]] bool read_block_header(const DeflateState& state);

  inflate_state state_;  // ~90 KiB; init sets what matters, its buffers need no clearing
};

// Whenever isal_inflate returns, what did not fit into `out` lies in tmp_out_buffer, behind the
// last 32 KiB of what did.
std::optional<DeflateState> IsalInflater::save() const {
  DeflateState saved;
  switch (state_.block_state) {
    case ISAL_BLOCK_NEW_HDR:
    case ISAL_BLOCK_HDR:
      saved.at = DeflateState::At::kBlockHeader;
      break;
    case ISAL_BLOCK_TYPE0:
      saved.at = DeflateState::At::kStored;
      saved.stored_left = static_cast<std::uint16_t>(state_.type0_block_len);
      break;
    case ISAL_BLOCK_CODED: {
      const auto lengths = code_lengths_of(state_);
      if (!lengths) return std::nullopt;
      const bool fixed = *lengths == CodeLengths::fixed();
      saved.at = fixed ? DeflateState::At::kFixed : DeflateState::At::kDynamic;
      if (!fixed) saved.lengths = *lengths;
      break;
    }
    case ISAL_BLOCK_INPUT_DONE:
      saved.at = DeflateState::At::kEnded;
      break;
    default:
      return std::nullopt;
  }
  saved.final_block = saved.in_block() && state_.bfinal != 0;
  // Above read_in_length there may be bits that will be read again; behind the last block, below a
  // whole byte, those that fill its last byte.
  const auto bits = static_cast<std::size_t>(state_.read_in_length);
  const std::size_t filling = saved.at == DeflateState::At::kEnded ? bits % 8 : 0;
  saved.unread.add(state_.read_in >> filling, bits - filling);
  const auto as_text = [](const std::uint8_t* bytes, std::size_t size) {
    return std::string_view(reinterpret_cast<const char*>(bytes), size);
  };
  // A block header that is not complete is read anew with what was kept of it.
  saved.unread.add(as_text(state_.tmp_in_buffer, static_cast<std::size_t>(state_.tmp_in_size)));
  const auto end = static_cast<std::size_t>(state_.tmp_out_valid);
  const auto given = static_cast<std::size_t>(state_.tmp_out_processed);
  saved.pending = end - given;
  const std::size_t needed = saved.at == DeflateState::At::kEnded
                                 ? saved.pending
                                 : std::max(saved.pending, kDeflateWindowBytes);
  const std::size_t begin = end - std::min(end, needed);
  saved.window = as_text(state_.tmp_out_buffer + begin, end - begin);
  return saved;
}

bool IsalInflater::restore(const DeflateState& saved) {
  const CleanVectorState clean;
  start();
  std::string window = saved.window;  // ISA-L's parameter lacks the const
  const int code = ::isal_inflate_set_dict(&state_, reinterpret_cast<std::uint8_t*>(window.data()),
                                           static_cast<std::uint32_t>(window.size()));
  if (code != COMP_OK) return false;
  if (saved.in_block() && !read_block_header(saved)) return false;
  state_.read_in = saved.unread.lead();
  state_.read_in_length = static_cast<std::int32_t>(saved.unread.lead_size());
  return true;
}

bool IsalInflater::read_block_header(const DeflateState& saved) {
  const BitString header = saved.block_header();
  std::string bytes = header.behind_lead();
  std::uint8_t nowhere = 0;
  state_.read_in = header.lead();
  state_.read_in_length = static_cast<std::int32_t>(header.lead_size());
  state_.next_in = reinterpret_cast<std::uint8_t*>(bytes.data());
  state_.avail_in = static_cast<std::uint32_t>(bytes.size());
  state_.next_out = &nowhere;
  state_.avail_out = 0;
  const int code = ::isal_inflate(&state_);
  const auto in_block = saved.at == DeflateState::At::kStored ? ISAL_BLOCK_TYPE0 : ISAL_BLOCK_CODED;
  return code == ISAL_DECOMP_OK && state_.block_state == in_block && state_.avail_in == 0 &&
         state_.read_in_length == 0 && state_.tmp_out_valid == state_.tmp_out_processed;
}

}  // namespace

std::unique_ptr<Inflater> make_isal_inflater() {
  return std::make_unique<IsalInflater>();
}

}  // namespace strata::codec
