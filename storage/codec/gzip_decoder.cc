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

// Bytes that are used up from the front.
class Queue {
 public:
  Queue() = default;
  explicit Queue(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] bool empty() const { return at_ == bytes_.size(); }
  [[nodiscard]] std::string_view left() const { return std::string_view(bytes_).substr(at_); }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span(left()));
  }
  void drop(std::size_t count) { at_ += count; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder(std::unique_ptr<Inflater> inflater, std::uint64_t members_max)
      : inflater_(std::move(inflater)), members_max_(members_max) {}

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override;
  Status finish() override;
  std::optional<std::string> save() const override;
  std::optional<Entry> entry() const override;
  // Into a decoder that is new. Refuses what save() cannot have made.
  Status restore(std::span<const std::byte> payload, std::uint64_t decoded);

 private:
  // The numbers are those of storage/FORMAT.md. kStart and kBetween differ in what finish() says;
  // kPadding follows the last member.
  enum class Where { kStart, kHeader, kBody, kTrailer, kBetween, kPadding };

  // Each takes what it can and says whether more can be done with what is left.
  Result<bool> read_between(std::span<const std::byte> in, Step& step);
  Result<bool> read_header(std::span<const std::byte> in, Step& step);
  Result<bool> read_body(std::span<const std::byte> in, std::span<std::byte> out, Step& step);
  Result<bool> read_trailer(std::span<const std::byte> in, Step& step);
  void give(std::span<const std::byte> produced, Step& step);
  void enter_trailer(const Inflater::Leftover& leftover);
  Status check_trailer();
  Result<bool> read_padding(std::span<const std::byte> in, Step& step);
  [[nodiscard]] std::optional<DeflateState> save_body() const;
  // What save() writes: of a member, what was given out or has to be; of its body or its trailer,
  // what is known.
  struct Snapshot {
    Where where;
    std::uint32_t crc;
    std::uint32_t member_size;
    std::optional<DeflateState> body{};
    std::span<const std::byte> trailer{};
  };
  [[nodiscard]] std::string payload(const Snapshot& snapshot) const;
  [[nodiscard]] std::optional<Entry> entry_in_body() const;
  Status restore_body(StateReader& state);
  Status restore_trailer(StateReader& state);
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
  // What a restored member has to do before its inflater goes on, as that does not know of it: to
  // give out what was decoded, and to read what was taken from the stream.
  Queue pending_{};
  Queue unread_{};
  bool ended_ = false;  // there is nothing to be read any more, only pending_
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
  if (members_ >= members_max_) {
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
  if (!pending_.empty()) {
    const auto given = out.first(std::min(out.size(), pending_.bytes().size()));
    std::ranges::copy(pending_.bytes().first(given.size()), given.begin());
    pending_.drop(given.size());
    give(given, step);
    if (ended_ && pending_.empty()) enter_trailer({});
    return true;
  }
  const bool replay = !unread_.empty();
  const Inflater::Step inflated = inflater_->inflate(replay ? unread_.bytes() : in, out);
  if (inflated.corrupt) return corrupt("the deflate data is damaged");
  if (replay) {
    unread_.drop(inflated.consumed);
  } else {
    step.consumed += inflated.consumed;
  }
  give(out.first(inflated.produced), step);
  if (inflated.done) {
    const Inflater::Leftover leftover = inflater_->take_leftover();
    if (leftover.count + unread_.left().size() > trailer_.size()) {
      return corrupt("the deflate data ends too early");  // only in a state that was forged
    }
    enter_trailer(leftover);
    return true;
  }
  return !inflated.pause && (inflated.consumed > 0 || inflated.produced > 0);
}

void GzipDecoder::give(std::span<const std::byte> produced, Step& step) {
  step.produced += produced.size();
  crc_ = inflater_->crc32(crc_, produced);
  member_size_ += static_cast<std::uint32_t>(produced.size());
  decoded_ += produced.size();
}

// Of the trailer some bytes may have been taken already.
void GzipDecoder::enter_trailer(const Inflater::Leftover& leftover) {
  const auto behind = std::copy_n(leftover.bytes.begin(), leftover.count, trailer_.begin());
  std::ranges::copy(unread_.bytes(), behind);
  trailer_count_ = leftover.count + unread_.left().size();
  unread_ = {};
  ended_ = false;
  where_ = Where::kTrailer;
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

std::optional<std::string> GzipDecoder::save() const {
  Snapshot snapshot{.where = where_, .crc = crc_, .member_size = member_size_};
  snapshot.trailer = std::span(trailer_).first(trailer_count_);
  if (where_ == Where::kBody) {
    snapshot.body = save_body();
    if (!snapshot.body) return std::nullopt;
  }
  return payload(snapshot);
}

std::optional<Decoder::Entry> GzipDecoder::entry() const {
  if (where_ == Where::kBody) return entry_in_body();
  return entry_here(save());
}

// Behind what is pending: as if it had been given out.
std::optional<Decoder::Entry> GzipDecoder::entry_in_body() const {
  auto body = save_body();
  if (!body) return std::nullopt;
  const std::size_t ahead = std::exchange(body->pending, 0);
  const auto held = std::as_bytes(std::span(body->window)).last(ahead);
  Snapshot snapshot{.where = Where::kBody,
                    .crc = inflater_->crc32(crc_, held),
                    .member_size = member_size_ + static_cast<std::uint32_t>(ahead)};
  const std::string trailer = body->at == DeflateState::At::kEnded ? body->unread.bytes() : "";
  if (body->at != DeflateState::At::kEnded) {
    const std::size_t excess =
        body->window.size() - std::min(body->window.size(), kDeflateWindowBytes);
    body->window.erase(0, excess);
    snapshot.body = std::move(body);
  } else if (trailer.size() < trailer_.size()) {
    snapshot.where = Where::kTrailer;
    snapshot.trailer = std::as_bytes(std::span(trailer));
  } else {
    return std::nullopt;  // the trailer is here and not judged yet
  }
  return Entry{.state = payload(snapshot), .consumed = 0, .produced = ahead};
}

std::string GzipDecoder::payload(const Snapshot& snapshot) const {
  StateWriter state;
  if (snapshot.body) state.reserve(snapshot.body->window.size() + 1024);
  state.number(static_cast<unsigned>(snapshot.where), 1);
  state.number(members_, 8);
  if (snapshot.where == Where::kHeader) header_.save(state);
  if (snapshot.where == Where::kBody || snapshot.where == Where::kTrailer) {
    state.number(snapshot.crc, 4);
    state.number(snapshot.member_size, 4);
  }
  if (snapshot.body) snapshot.body->save(state);
  if (snapshot.where == Where::kTrailer) {
    state.number(snapshot.trailer.size(), 1);
    state.run(snapshot.trailer);
  }
  return state.take();
}

// What the inflater knows, and what it was not told yet after restore().
std::optional<DeflateState> GzipDecoder::save_body() const {
  auto deflate = ended_ ? DeflateState{.at = DeflateState::At::kEnded} : inflater_->save();
  if (!deflate) return std::nullopt;
  deflate->unread.add(unread_.left());
  if (!pending_.empty()) {
    deflate->pending = pending_.left().size();
    if (deflate->pending > deflate->window.size()) deflate->window = pending_.left();
  }
  return deflate;
}

Status GzipDecoder::restore(std::span<const std::byte> payload, std::uint64_t decoded) {
  StateReader state(payload);
  const std::uint64_t where = state.number(1);
  if (where > static_cast<unsigned>(Where::kPadding)) {
    return corrupt_decoder_state("is at an unknown place of a gzip stream");
  }
  where_ = static_cast<Where>(where);
  members_ = state.number(8);
  decoded_ = decoded;
  if ((members_ == 0) != (where_ == Where::kStart) || (members_ == 0 && decoded > 0)) {
    return corrupt_decoder_state("has counts that cannot be");
  }
  if (where_ == Where::kHeader) {
    const auto header = GzipHeader::restore(state);
    if (!header) return corrupt_decoder_state("has a gzip header that cannot be");
    header_ = *header;
  }
  if (where_ == Where::kBody || where_ == Where::kTrailer) {
    crc_ = state.number<std::uint32_t>();
    member_size_ = state.number<std::uint32_t>();
    Status ok = where_ == Where::kBody ? restore_body(state) : restore_trailer(state);
    if (!ok) return ok;
  }
  if (!state.ended()) return corrupt_decoder_state("of gzip has another length");
  return {};
}

Status GzipDecoder::restore_body(StateReader& state) {
  const auto deflate = DeflateState::restore(state);
  if (!deflate || deflate->window.size() - deflate->pending > decoded_) {
    return corrupt_decoder_state("has deflate data that cannot be");
  }
  ended_ = deflate->at == DeflateState::At::kEnded;
  if (!ended_ && !inflater_->restore(*deflate)) {
    return corrupt_decoder_state("has a deflate block that cannot be");
  }
  pending_ = Queue(deflate->window.substr(deflate->window.size() - deflate->pending));
  unread_ = Queue(deflate->unread.behind_lead());
  return {};
}

Status GzipDecoder::restore_trailer(StateReader& state) {
  trailer_count_ = state.number(1);
  if (trailer_count_ >= trailer_.size()) {
    return corrupt_decoder_state("has too many bytes of a trailer");
  }
  std::ranges::copy(state.run(trailer_count_), trailer_.begin());
  return {};
}

std::unique_ptr<Inflater> make_inflater([[maybe_unused]] InflateEngine engine) {
#if STRATA_WITH_ISAL
  if (engine == InflateEngine::kIsal) return make_isal_inflater();
#endif
  return make_zlib_inflater();
}

std::unique_ptr<GzipDecoder> make_bare_decoder(InflateEngine engine, const DecoderLimits& limits) {
  return std::make_unique<GzipDecoder>(make_inflater(engine), limits.parts_max);
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
  return bound_output(make_bare_decoder(engine, limits), Encoding::kGzip, limits.output_bytes_max);
}

Result<std::unique_ptr<Decoder>> restore_gzip_decoder(InflateEngine engine,
                                                      const SavedDecoder& saved,
                                                      const DecoderLimits& limits) {
  auto decoder = make_bare_decoder(engine, limits);
  if (Status ok = decoder->restore(saved.payload, saved.place.produced); !ok) return ok.error();
  return bound_output(std::move(decoder), Encoding::kGzip, limits.output_bytes_max, saved.place);
}

}  // namespace strata::codec
