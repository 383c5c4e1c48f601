#include "storage/codec/gzip_decoder.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "storage/codec/bounded_decoder.h"
#include "storage/codec/gzip_header.h"
#include "storage/codec/inflater.h"

namespace strata::codec {
namespace {

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder(std::unique_ptr<Inflater> inflater, std::uint64_t members_max)
      : inflater_(std::move(inflater)), members_max_(members_max) {}

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override;
  Status finish() override;

 private:
  // kStart and kBetween differ in what finish() says; kPadding follows the last member.
  enum class Where { kStart, kHeader, kBody, kTrailer, kBetween, kPadding };

  // Each takes what it can and says whether more can be done with what is left.
  Result<bool> read_between(std::span<const std::byte> in, Step& step);
  Result<bool> read_header(std::span<const std::byte> in, Step& step);
  Result<bool> read_body(std::span<const std::byte> in, std::span<std::byte> out, Step& step);
  Result<bool> read_trailer(std::span<const std::byte> in, Step& step);
  Status check_trailer();
  Result<bool> read_padding(std::span<const std::byte> in, Step& step);
  [[nodiscard]] Error corrupt(std::string_view what) const {
    return corrupt_error(Errc::kCorruptGzip, what, decoded_);
  }

  std::unique_ptr<Inflater> inflater_;
  std::uint64_t members_max_;
  std::uint64_t members_ = 0;
  std::uint64_t decoded_ = 0;
  Where where_ = Where::kStart;
  GzipHeader header_;
  std::uint32_t crc_ = 0;
  std::uint32_t member_size_ = 0;  // modulo 2^32, as ISIZE
  std::array<std::byte, 8> trailer_{};
  std::size_t trailer_count_ = 0;
};

Result<Decoder::Step> GzipDecoder::step(std::span<const std::byte> in, std::span<std::byte> out) {
  Step step{0, 0};
  for (;;) {
    const auto rest = in.subspan(step.consumed);
    Result<bool> more = [&]() -> Result<bool> {
      switch (where_) {
        case Where::kStart:
        case Where::kBetween:
          return read_between(rest, step);
        case Where::kHeader:
          return read_header(rest, step);
        case Where::kBody:
          return read_body(rest, out.subspan(step.produced), step);
        case Where::kTrailer:
          return read_trailer(rest, step);
        case Where::kPadding:
          break;
      }
      return read_padding(rest, step);
    }();
    STRATA_TRY(const bool again, std::move(more));
    if (!again) return step;
  }
}

Result<bool> GzipDecoder::read_between(std::span<const std::byte> in, Step&) {
  if (in.empty()) return false;
  if (where_ == Where::kBetween && in[0] == std::byte{0}) {
    where_ = Where::kPadding;
    return true;
  }
  if (where_ == Where::kBetween && in[0] != std::byte{0x1F}) {
    return corrupt("there are bytes behind the last member that are neither gzip nor zero padding");
  }
  if (members_ == members_max_) {
    return limit_error("the number of gzip members", members_max_, "members");
  }
  ++members_;
  header_ = GzipHeader();
  where_ = Where::kHeader;
  return true;
}

Result<bool> GzipDecoder::read_header(std::span<const std::byte> in, Step& step) {
  step.consumed += header_.feed(in);
  if (header_.error()) return corrupt(*header_.error());
  if (!header_.done()) return false;
  inflater_->reset();
  crc_ = 0;
  member_size_ = 0;
  trailer_count_ = 0;
  where_ = Where::kBody;
  return true;
}

Result<bool> GzipDecoder::read_body(std::span<const std::byte> in, std::span<std::byte> out,
                                    Step& step) {
  if (out.empty()) return false;
  const Inflater::Step inflated = inflater_->inflate(in, out);
  if (inflated.corrupt) return corrupt("the deflate data is damaged");
  step.consumed += inflated.consumed;
  step.produced += inflated.produced;
  crc_ = inflater_->crc32(crc_, out.first(inflated.produced));
  member_size_ += static_cast<std::uint32_t>(inflated.produced);
  decoded_ += inflated.produced;
  if (!inflated.done) return inflated.consumed > 0 || inflated.produced > 0;
  const Inflater::Leftover leftover = inflater_->take_leftover();
  std::copy_n(leftover.bytes.begin(), leftover.count, trailer_.begin());
  trailer_count_ = leftover.count;
  where_ = Where::kTrailer;
  return true;
}

Result<bool> GzipDecoder::read_trailer(std::span<const std::byte> in, Step& step) {
  const std::size_t count = std::min(in.size(), trailer_.size() - trailer_count_);
  std::copy_n(in.begin(), count, trailer_.begin() + static_cast<std::ptrdiff_t>(trailer_count_));
  trailer_count_ += count;
  step.consumed += count;
  if (trailer_count_ < trailer_.size()) return false;
  if (Status ok = check_trailer(); !ok) return ok.error();
  where_ = Where::kBetween;
  return true;
}

// CRC32 and ISIZE, both little-endian (RFC 1952 section 2.3.1).
Status GzipDecoder::check_trailer() {
  const auto word = [this](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) {
      value = value << 8 | std::to_integer<std::uint32_t>(trailer_[at + i]);
    }
    return value;
  };
  if (word(0) != crc_) return corrupt("the CRC-32 of a member is wrong");
  if (word(4) != member_size_) {
    return corrupt("a member says that it has " + std::to_string(word(4)) +
                   " bytes (modulo 2^32), it has " + std::to_string(member_size_));
  }
  return {};
}

Result<bool> GzipDecoder::read_padding(std::span<const std::byte> in, Step& step) {
  const bool zeros =
      std::all_of(in.begin(), in.end(), [](std::byte byte) { return byte == std::byte{0}; });
  if (!zeros) return corrupt("the zero padding behind the last member is not all zero");
  step.consumed += in.size();
  return false;
}

Status GzipDecoder::finish() {
  switch (where_) {
    case Where::kBetween:
    case Where::kPadding:
      return {};
    case Where::kBody:
      return corrupt("the stream ends in the middle of a member");
    case Where::kTrailer:
      return corrupt("the stream ends in the middle of a member's trailer");
    case Where::kStart:
    case Where::kHeader:
      break;
  }
  return corrupt("the stream ends in the middle of a member's header");
}

std::unique_ptr<Inflater> make_inflater([[maybe_unused]] InflateEngine engine) {
#if STRATA_WITH_ISAL
  if (engine == InflateEngine::kIsal) return make_isal_inflater();
#endif
  return make_zlib_inflater();
}

}  // namespace

InflateEngine fastest_inflate_engine() {
#if STRATA_WITH_ISAL
  return InflateEngine::kIsal;
#else
  return InflateEngine::kZlib;
#endif
}

std::unique_ptr<Decoder> make_gzip_decoder(InflateEngine engine, const DecoderLimits& limits) {
  return bound_output(std::make_unique<GzipDecoder>(make_inflater(engine), limits.parts_max),
                      limits.output_bytes_max);
}

}  // namespace strata::codec
