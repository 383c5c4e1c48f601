#include "storage/codec/zstd_decoder.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "storage/codec/bounded_decoder.h"

namespace strata::codec {
namespace {

constexpr int kWindowLogMin = 10;  // RFC 8878 section 3.1.1.1.2
constexpr int kWindowLogMax = 31;

int window_log(std::uint64_t window_bytes_max) {
  return std::clamp(static_cast<int>(std::bit_width(window_bytes_max)) - 1, kWindowLogMin,
                    kWindowLogMax);
}

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder(std::uint64_t window_bytes_max, std::uint64_t frames_max)
      : context_(::ZSTD_createDCtx()), window_max_(window_bytes_max), frames_max_(frames_max) {
    check(context_ != nullptr, "ZSTD_createDCtx: out of memory");
    const std::size_t code =
        ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log(window_bytes_max));
    check(::ZSTD_isError(code) == 0, "ZSTD_d_windowLogMax was refused");
  }

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override;
  Status finish() override;
  std::optional<std::string> save() const override;
  std::optional<Entry> entry() const override { return entry_here(save()); }
  // Into a decoder that is new. Refuses what save() cannot have made.
  Status restore(std::span<const std::byte> payload, std::uint64_t decoded);

 private:
  // The four magic bytes of each frame are read here before libzstd sees them: to count frames, and
  // to refuse what is neither kind of frame (libzstd would also accept frames of v0.5 to v0.7).
  [[nodiscard]] bool in_magic() const { return magic_count_ < magic_.size(); }
  Status read_magic(std::span<const std::byte> in, Step& step);
  // Returns whether more can be done.
  Result<bool> decode(ZSTD_inBuffer in, std::span<std::byte> out, Step& step);
  [[nodiscard]] Error decode_error(std::size_t code) const;
  [[nodiscard]] Error corrupt(std::string_view what) const {
    return corrupt_error(Errc::kCorruptZstd, what, decoded_);
  }

  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  std::uint64_t window_max_;
  std::uint64_t frames_max_;
  std::uint64_t frames_ = 0;
  std::uint64_t decoded_ = 0;
  std::array<std::byte, 4> magic_{};
  std::size_t magic_count_ = 0;
  bool output_pending_ = false;  // the last call filled `out`, so there may be more
};

Result<Decoder::Step> ZstdDecoder::step(std::span<const std::byte> in, std::span<std::byte> out) {
  Step step{0, 0};
  for (;;) {
    if (in_magic()) {
      if (Status ok = read_magic(in.subspan(step.consumed), step); !ok) return ok.error();
      if (in_magic()) return step;
    }
    const auto rest = in.subspan(step.consumed);
    // libzstd takes repeated calls without input or without room for an error of the caller.
    if (step.produced == out.size() || (rest.empty() && !output_pending_)) return step;
    STRATA_TRY(const bool more, decode({.src = rest.data(), .size = rest.size(), .pos = 0},
                                       out.subspan(step.produced), step));
    // Between frames is the one place where save() has an answer: the caller may want it.
    if (!more || in_magic()) return step;
  }
}

Status ZstdDecoder::read_magic(std::span<const std::byte> in, Step& step) {
  while (in_magic() && !in.empty()) {
    magic_[magic_count_++] = in[0];
    in = in.subspan(1);
    ++step.consumed;
  }
  if (in_magic()) return {};
  if (detect_encoding(magic_) != Encoding::kZstd) {
    return corrupt(frames_ == 0 ? "the stream does not begin with the zstd magic bytes"
                                : "there are bytes behind the last frame that are not a frame");
  }
  if (frames_ >= frames_max_)
    return limit_error("the number of zstd frames", frames_max_, "frames");
  ++frames_;
  ZSTD_inBuffer magic{.src = magic_.data(), .size = magic_.size(), .pos = 0};
  ZSTD_outBuffer nothing{.dst = magic_.data(), .size = 0, .pos = 0};
  const std::size_t code = ::ZSTD_decompressStream(context_.get(), &nothing, &magic);
  if (::ZSTD_isError(code) != 0) return decode_error(code);
  check(magic.pos == magic.size, "libzstd left a part of the magic bytes");
  return {};
}

Result<bool> ZstdDecoder::decode(ZSTD_inBuffer in, std::span<std::byte> out, Step& step) {
  ZSTD_outBuffer room{.dst = out.data(), .size = out.size(), .pos = 0};
  const std::size_t code = ::ZSTD_decompressStream(context_.get(), &room, &in);
  if (::ZSTD_isError(code) != 0) return decode_error(code);
  step.consumed += in.pos;
  step.produced += room.pos;
  decoded_ += room.pos;
  output_pending_ = room.pos == room.size;
  if (code == 0) {  // the frame has ended and its output is out
    magic_count_ = 0;
    output_pending_ = false;
    return true;
  }
  return in.pos > 0 || room.pos > 0;
}

Error ZstdDecoder::decode_error(std::size_t code) const {
  switch (::ZSTD_getErrorCode(code)) {
    case ZSTD_error_frameParameter_windowTooLarge:
      return limit_error("the window that a zstd frame asks for", window_max_, "bytes");
    case ZSTD_error_dictionary_wrong:
      return corrupt("a frame needs a dictionary; images are decoded without one");
    case ZSTD_error_checksum_wrong:
      return corrupt("the checksum of a frame is wrong");
    case ZSTD_error_memory_allocation:
      return Error(Errc::kUnavailable, "no memory for the zstd decoder");
    default:
      return corrupt(std::string("a frame is damaged: ") + ::ZSTD_getErrorName(code));
  }
}

Status ZstdDecoder::finish() {
  if (frames_ > 0 && magic_count_ == 0) return {};
  return corrupt("the stream ends too early");
}

std::optional<std::string> ZstdDecoder::save() const {
  if (!in_magic()) return std::nullopt;
  StateWriter state;
  state.number(frames_, 8);
  state.number(magic_count_, 1);
  state.run(std::span(magic_).first(magic_count_));
  return state.take();
}

Status ZstdDecoder::restore(std::span<const std::byte> payload, std::uint64_t decoded) {
  StateReader state(payload);
  frames_ = state.number(8);
  const std::uint64_t count = state.number(1);
  if (count >= magic_.size()) return corrupt_decoder_state("has too many magic bytes");
  magic_count_ = count;
  std::ranges::copy(state.run(magic_count_), magic_.begin());
  if (!state.ended()) return corrupt_decoder_state("of zstd has another length");
  if (frames_ == 0 && decoded > 0) return corrupt_decoder_state("has decoded bytes of no frame");
  decoded_ = decoded;
  return {};
}

std::unique_ptr<ZstdDecoder> make_bare_decoder(const DecoderLimits& limits) {
  return std::make_unique<ZstdDecoder>(limits.zstd_window_bytes_max, limits.parts_max);
}

}  // namespace

std::unique_ptr<Decoder> make_zstd_decoder(const DecoderLimits& limits) {
  return bound_output(make_bare_decoder(limits), Encoding::kZstd, limits.output_bytes_max);
}

Result<std::unique_ptr<Decoder>> restore_zstd_decoder(const SavedDecoder& saved,
                                                      const DecoderLimits& limits) {
  auto decoder = make_bare_decoder(limits);
  if (Status ok = decoder->restore(saved.payload, saved.place.produced); !ok) return ok.error();
  return bound_output(std::move(decoder), Encoding::kZstd, limits.output_bytes_max, saved.place);
}

}  // namespace strata::codec
