#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "storage/codec/bounded_decoder.h"
#include "storage/codec/gzip_decoder.h"
#include "storage/codec/saved_bytes.h"
#include "strata/codec/decoder.h"
#include "tests/support/codec_streams.h"

// For tests of saved decoders and probes.
namespace strata::test {

// The body of a saved state with a checksum that fits, so that what is behind the checksum is seen.
[[nodiscard]] inline std::string sealed(std::string body) {
  return body + big_endian(codec::crc64(bytes_of(body)), 8);
}
[[nodiscard]] inline std::string unsealed(std::string state) {
  state.resize(state.size() - std::min<std::size_t>(state.size(), 8));
  return state;
}

// restore_decoder, with an inflate engine of the test's choice.
[[nodiscard]] inline Result<codec::RestoredDecoder> restore_with(
    codec::InflateEngine engine, std::string_view state,
    const codec::DecoderLimits& limits = default_limits()) {
  STRATA_TRY(const auto saved, codec::open_saved_decoder(bytes_of(state), limits));
  if (saved.encoding != codec::Encoding::kGzip) {
    return codec::restore_decoder(bytes_of(state), limits);
  }
  auto decoder = codec::restore_gzip_decoder(engine, saved, limits);
  if (!decoder) return decoder.error();
  return codec::RestoredDecoder{saved.encoding, saved.place.consumed, saved.place.produced,
                                *std::move(decoder)};
}

// A decoder that is saved and thrown away after steps that `when` picks, and goes on as another
// one, made from the state by `engine()`. Fails a check when a state says other offsets, is too
// long, has two forms, or is refused.
class Reborn final : public codec::Decoder {
 public:
  using Engine = std::function<codec::InflateEngine()>;
  Reborn(std::unique_ptr<codec::Decoder> decoder, std::function<bool()> when, Engine engine)
      : decoder_(std::move(decoder)), when_(std::move(when)), engine_(std::move(engine)) {}

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override {
    STRATA_TRY(Step step, decoder_->step(in, out));
    consumed_ += step.consumed;
    produced_ += step.produced;
    if (!when_()) return step;
    rebirth();
    // The new engine may get further with the same input, so it may have output at once.
    if (step.consumed < in.size() || step.produced == out.size()) return step;
    STRATA_TRY(const Step more, decoder_->step({}, out.subspan(step.produced)));
    produced_ += more.produced;
    return Step{step.consumed, step.produced + more.produced};
  }
  Status finish() override { return decoder_->finish(); }
  std::optional<std::string> save() const override { return decoder_->save(); }
  std::optional<Entry> entry() const override { return decoder_->entry(); }

  [[nodiscard]] std::size_t times() const { return times_; }
  [[nodiscard]] std::size_t tried() const { return tried_; }
  [[nodiscard]] std::size_t longest() const { return longest_; }

 private:
  void rebirth() {
    ++tried_;
    const auto state = decoder_->save();
    if (!state) return;
    check(state->size() <= codec::kSavedDecoderBytesMax, "a state longer than any");
    check(state == decoder_->save(), "saving has changed the decoder");
    auto restored = restore_with(engine_(), *state);
    if (!restored) check(false, restored.error().message());
    check(restored->consumed == consumed_ && restored->produced == produced_, "other offsets");
    decoder_ = std::move(restored->decoder);
    const auto again = decoder_->save();
    check(!again || *again == *state, "a state that has two forms");
    longest_ = std::max(longest_, state->size());
    ++times_;
  }

  std::unique_ptr<codec::Decoder> decoder_;
  std::function<bool()> when_;
  Engine engine_;
  std::uint64_t consumed_ = 0;
  std::uint64_t produced_ = 0;
  std::size_t times_ = 0;
  std::size_t tried_ = 0;
  std::size_t longest_ = 0;
};

}  // namespace strata::test
