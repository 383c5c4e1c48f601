#include "storage/codec/bounded_decoder.h"

#include <algorithm>
#include <string>
#include <utility>

namespace strata::codec {
namespace {

constexpr std::string_view kMagic = "SDec";
constexpr std::uint8_t kVersion = 1;

class BoundedDecoder final : public Decoder {
 public:
  BoundedDecoder(std::unique_ptr<Decoder> inner, Encoding encoding, std::uint64_t output_bytes_max,
                 Place place)
      : inner_(std::move(inner)), encoding_(encoding), limit_(output_bytes_max), place_(place) {}

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override {
    const std::uint64_t left = limit_ - place_.produced;
    if (out.size() > left) out = out.first(static_cast<std::size_t>(left) + 1);
    STRATA_TRY(const Step step, inner_->step(in, out));
    if (step.produced > left) return limit_error("the decoded size", limit_, "bytes");
    place_.consumed += step.consumed;
    place_.produced += step.produced;
    return step;
  }

  bool waiting() const override { return inner_->waiting(); }
  void set_wake(std::function<void()> wake) override { inner_->set_wake(std::move(wake)); }
  std::uint64_t ahead() const override { return inner_->ahead(); }
  Status finish() override { return inner_->finish(); }

  std::optional<std::string> save() const override {
    const auto payload = inner_->save();
    if (!payload) return std::nullopt;
    return whole_state(*payload, given());
  }

  std::optional<Entry> entry() const override {
    const auto inner = inner_->entry();
    if (!inner || inner->produced > limit_ - place_.produced) return std::nullopt;
    const Place place{.consumed = given().consumed, .produced = place_.produced + inner->produced};
    return Entry{.state = whole_state(inner->state, place),
                 .consumed = place.consumed,
                 .produced = place.produced};
  }

 private:
  [[nodiscard]] Place given() const {
    return {.consumed = place_.consumed - inner_->ahead(), .produced = place_.produced};
  }
  [[nodiscard]] std::string whole_state(const std::string& payload, const Place& place) const {
    StateWriter state;
    state.reserve(payload.size() + 32);
    state.run(kMagic);
    state.number(kVersion, 1);
    state.number(static_cast<unsigned>(encoding_), 1);
    state.number(0, 2);
    state.number(place.consumed, 8);
    state.number(place.produced, 8);
    state.run(payload);
    state.seal();
    std::string bytes = state.take();
    check(bytes.size() <= kSavedDecoderBytesMax, "a saved decoder state is longer than any");
    return bytes;
  }

  std::unique_ptr<Decoder> inner_;
  Encoding encoding_;
  std::uint64_t limit_;
  Place place_;
};

}  // namespace

std::unique_ptr<Decoder> bound_output(std::unique_ptr<Decoder> inner, Encoding encoding,
                                      std::uint64_t output_bytes_max, Place place) {
  check(place.produced <= output_bytes_max, "bound_output: already over the limit");
  return std::make_unique<BoundedDecoder>(std::move(inner), encoding, output_bytes_max, place);
}

std::optional<Decoder::Entry> entry_here(std::optional<std::string> payload) {
  if (!payload) return std::nullopt;
  return Decoder::Entry{.state = *std::move(payload), .consumed = 0, .produced = 0};
}

Result<SavedDecoder> open_saved_decoder(std::span<const std::byte> saved,
                                        const DecoderLimits& limits) {
  if (saved.size() > kSavedDecoderBytesMax) return corrupt_decoder_state("is longer than any");
  STRATA_TRY(const auto fields, open_state(saved, "decoder", kMagic, kVersion));
  StateReader reader(fields);
  const auto encoding = reader.number(1);
  const auto zero = reader.number(2);
  const Place place{.consumed = reader.number(8), .produced = reader.number(8)};
  if (reader.cut()) return corrupt_decoder_state("is cut");
  if (encoding < static_cast<unsigned>(Encoding::kGzip) ||
      encoding > static_cast<unsigned>(Encoding::kZstd)) {
    return corrupt_decoder_state("has an unknown encoding");
  }
  if (zero != 0) return corrupt_decoder_state("has reserved bytes that are not zero");
  if (place.produced > limits.output_bytes_max) {
    return limit_error("the decoded size", limits.output_bytes_max, "bytes");
  }
  constexpr std::size_t kFieldsBytes = 1 + 2 + 8 + 8;
  return SavedDecoder{.encoding = static_cast<Encoding>(encoding),
                      .place = place,
                      .payload = fields.subspan(kFieldsBytes)};
}

Error limit_error(std::string_view what, std::uint64_t limit, std::string_view unit) {
  return Error(Errc::kDecompressionLimit, std::string(what) + " is over the limit of " +
                                              std::to_string(limit) + " " + std::string(unit));
}

Error corrupt_error(Errc code, std::string_view what, std::uint64_t offset) {
  return Error(code, std::string(what) + " (at decoded offset " + std::to_string(offset) + ")");
}

}  // namespace strata::codec
