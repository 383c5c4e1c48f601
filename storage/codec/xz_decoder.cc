#include "storage/codec/xz_decoder.h"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "storage/codec/bounded_decoder.h"
#include "storage/codec/xz_block.h"
#include "storage/codec/xz_index.h"
#include "storage/codec/xz_jobs.h"

namespace strata::codec {
namespace {

std::string damaged_header(const std::string& block) {
  return "the header of " + block + " is damaged";
}

std::string damaged_data(const std::string& block) {
  return "the data, sizes, padding or check of " + block + " is damaged";
}

// The walk over the file (xz file format 1.1.0):
//   file   = stream { padding stream } [ padding ]     padding: zeros, a multiple of four
//   stream = header { block } index footer             header and footer: twelve bytes each
//   block  = header data padding check                 an index begins with 0, a block never does
//
// With jobs, a block whose header says its sizes is gathered here and decoded elsewhere, while the
// walk goes on behind it as if the sizes were true: the job finds out, and what the walk finds
// wrong meanwhile is said when everything before it was given. So the caller sees what it would see
// without jobs, but that more input is taken before.
class XzDecoder final : public Decoder {
 public:
  XzDecoder(const DecoderLimits& limits, const ParallelDecoding* parallel) : limits_(limits) {
    if (parallel != nullptr && parallel->pool().threads() > 1) jobs_.emplace(*parallel);
  }

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override;
  bool waiting() const override { return !flights_.empty() || held_error_; }
  void set_wake(std::function<void()> wake) override {
    if (jobs_) jobs_->set_wake(std::move(wake));
  }
  std::uint64_t ahead() const override;
  Status finish() override;
  std::optional<std::string> save() const override;
  std::optional<Entry> entry() const override { return entry_here(save()); }
  // Into a decoder that is new. Refuses what save() cannot have made.
  Status restore(std::span<const std::byte> payload, Place place);

 private:
  // The numbers are those of storage/FORMAT.md; there is none for the inside of a block.
  enum class State { kStreamHeader, kBlockHeader, kIndex, kFooter, kPadding, kBlock, kGather };

  struct BlockName {
    std::uint64_t number = 0;  // in all streams
    Place begin{};
    [[nodiscard]] std::string text() const;
  };
  // Behind a block: all that save() needs there.
  struct Boundary {
    Place place{};
    std::uint64_t streams = 0;
    std::uint64_t blocks = 0;
    lzma_check check{};
    XzIndex index{};
  };
  // A block that is with the jobs.
  struct Flight {
    BlockName name{};
    Place given{};  // how far it was given
    std::uint64_t data_begin = 0;
    Boundary end{};
  };

  // What the jobs have, up to the end of a block.
  Status give(XzBuffers& buffers);
  [[nodiscard]] Error job_error(const Flight& flight, const XzJobs::Taken& taken) const;
  // As far as it goes.
  Status walk(XzBuffers& buffers);
  // Each does what it can in its state and returns whether the next can go on.
  Result<bool> advance(XzBuffers& buffers);
  Result<bool> read_stream_header(XzBuffers& buffers);
  Result<bool> read_block_header(XzBuffers& buffers);
  Result<bool> decode_block(XzBuffers& buffers);
  Result<bool> gather_block(XzBuffers& buffers);
  Result<bool> read_index(XzBuffers& buffers);
  Result<bool> read_footer(XzBuffers& buffers);
  Result<bool> skip_padding(XzBuffers& buffers);

  // Notes that the block which begins here is the next one.
  Status enter_block();
  Result<bool> enter_data(std::span<const std::uint8_t> header);
  // For the index of this stream; it goes on behind the block.
  Result<bool> leave_block(std::uint64_t unpadded_size, std::uint64_t decoded_size);
  // Fills held_ to `size` bytes as far as the input goes; returns whether it got there.
  bool hold(XzBuffers& buffers, std::size_t size);
  // How many bytes held_ may have in this state.
  [[nodiscard]] std::size_t held_max() const;
  [[nodiscard]] bool in_stream() const {
    return state_ != State::kStreamHeader && state_ != State::kPadding;
  }
  void pass(XzBuffers& buffers, std::size_t count);
  Result<bool> enter(State state);

  // The error that a code of liblzma means; `what` says what is wrong after LZMA_DATA_ERROR.
  [[nodiscard]] Error judge(lzma_ret code, std::string_view what) const {
    return judge(code, what, here_.produced);
  }
  [[nodiscard]] Error judge(lzma_ret code, std::string_view what, std::uint64_t produced) const;
  [[nodiscard]] Error corrupt(std::string_view what) const {
    return corrupt_error(Errc::kCorruptXz, what, here_.produced);
  }
  // A state between blocks and at the other places of the walk.
  [[nodiscard]] static std::string save_boundary(const Boundary& boundary);
  [[nodiscard]] std::string save_walk() const;

  DecoderLimits limits_;
  State state_ = State::kStreamHeader;
  Place here_{};
  BlockName this_block_{};  // the one that is or was read last
  std::uint64_t streams_ = 0;
  std::uint64_t blocks_ = 0;  // of all streams
  lzma_stream_flags flags_{};
  XzBlock block_{};
  XzIndex index_{};  // what the blocks of this stream were, to compare with its index
  std::array<std::uint8_t, LZMA_BLOCK_HEADER_SIZE_MAX> held_{};  // a header or footer
  std::size_t held_count_ = 0;

  std::optional<XzJobs> jobs_;  // none: all blocks are decoded in step
  Flight gathering_{};
  std::deque<Flight> flights_;  // those of jobs_
  // The end of the block that was given last, until more is given; the walk is perhaps further.
  std::optional<Boundary> boundary_;
  std::optional<Error> held_error_;  // of the walk, behind the flights
};

Result<Decoder::Step> XzDecoder::step(std::span<const std::byte> in, std::span<std::byte> out) {
  XzBuffers buffers{.in = {reinterpret_cast<const std::uint8_t*>(in.data()), in.size()},
                    .out = {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}};
  if (flights_.empty()) boundary_.reset();  // the walk goes on from there
  if (Status ok = give(buffers); !ok) return ok.error();
  if (Status ok = walk(buffers); !ok) return ok.error();
  return Step{in.size() - buffers.in.size(), out.size() - buffers.out.size()};
}

Status XzDecoder::give(XzBuffers& buffers) {
  if (flights_.empty()) return {};
  Flight& flight = flights_.front();
  const XzJobs::Taken taken = jobs_->take(buffers.out);
  buffers.out = buffers.out.subspan(taken.bytes);
  flight.given.produced += taken.bytes;
  flight.given.consumed = flight.data_begin + taken.stored;
  if (taken.bytes > 0) boundary_.reset();
  if (!taken.code) return {};
  if (*taken.code != LZMA_STREAM_END) return job_error(flight, taken);
  boundary_ = flight.end;
  flights_.pop_front();
  jobs_->pop();
  return {};
}

Error XzDecoder::job_error(const Flight& flight, const XzJobs::Taken& taken) const {
  const std::string what =
      taken.begun ? damaged_data(flight.name.text()) : damaged_header(flight.name.text());
  return judge(*taken.code, what, flight.given.produced);
}

Status XzDecoder::walk(XzBuffers& buffers) {
  if (held_error_ && flights_.empty()) return *held_error_;
  for (bool more = !held_error_; more;) {
    const State before = state_;
    const Result<bool> advanced = advance(buffers);
    if (!advanced && flights_.empty()) return advanced.error();
    if (!advanced) held_error_ = advanced.error();
    more = advanced && *advanced;
    // Behind a block is where save() has an answer again: the caller may want it.
    if (before == State::kBlock && state_ != State::kBlock) break;
  }
  return {};
}

Result<bool> XzDecoder::advance(XzBuffers& buffers) {
  switch (state_) {
    case State::kStreamHeader:
      return read_stream_header(buffers);
    case State::kBlockHeader:
      return read_block_header(buffers);
    case State::kBlock:
      return decode_block(buffers);
    case State::kGather:
      return gather_block(buffers);
    case State::kIndex:
      return read_index(buffers);
    case State::kFooter:
      return read_footer(buffers);
    case State::kPadding:
      break;
  }
  return skip_padding(buffers);
}

Result<bool> XzDecoder::read_stream_header(XzBuffers& buffers) {
  if (!hold(buffers, LZMA_STREAM_HEADER_SIZE)) return false;
  const lzma_ret code = ::lzma_stream_header_decode(&flags_, held_.data());
  if (code == LZMA_FORMAT_ERROR) {
    return corrupt(streams_ == 0 ? "the stream does not begin with the xz magic bytes"
                                 : "there are bytes behind the last stream that are not a stream");
  }
  if (code != LZMA_OK) return judge(code, "the header of a stream is damaged");
  if (::lzma_check_is_supported(flags_.check) == 0) {
    return corrupt("a stream has an integrity check of an unknown type");
  }
  if (streams_ >= limits_.parts_max)
    return limit_error("the number of xz streams", limits_.parts_max, "streams");
  ++streams_;
  index_ = XzIndex();
  return enter(State::kBlockHeader);
}

Result<bool> XzDecoder::read_block_header(XzBuffers& buffers) {
  if (held_count_ == 0) {
    if (buffers.in.empty()) return false;
    if (buffers.in[0] == 0) return enter(State::kIndex);
    if (Status ok = enter_block(); !ok) return ok.error();
    hold(buffers, 1);
  }
  const std::size_t size = lzma_block_header_size_decode(held_[0]);
  if (!hold(buffers, size)) return false;
  return enter_data(std::span(held_).first(size));
}

Status XzDecoder::enter_block() {
  if (blocks_ >= limits_.parts_max) {
    return limit_error("the number of xz blocks", limits_.parts_max, "blocks");
  }
  ++blocks_;
  this_block_ = {.number = blocks_, .begin = here_};
  return {};
}

// A block that is wrong or over a limit as its header says is one for the decoder in step, which
// has the words for it.
Result<bool> XzDecoder::enter_data(std::span<const std::uint8_t> header) {
  const auto sizes = jobs_ ? claimed_sizes(header, flags_.check) : std::nullopt;
  if (sizes && sizes->memory <= limits_.xz_memory_bytes_max && jobs_->suits(*sizes) &&
      sizes->decoded <= limits_.output_bytes_max - here_.produced) {
    gathering_ = {.name = this_block_,
                  .given = {.consumed = here_.consumed, .produced = here_.produced},
                  .data_begin = here_.consumed};
    jobs_->begin(header, flags_.check, *sizes);
    return enter(State::kGather);
  }
  const lzma_ret code = block_.begin(header, flags_.check, limits_.xz_memory_bytes_max);
  if (code != LZMA_OK) return judge(code, damaged_header(this_block_.text()));
  return enter(State::kBlock);
}

Result<bool> XzDecoder::decode_block(XzBuffers& buffers) {
  if (waiting() || boundary_) return false;  // what is before it first, and the caller's look there
  const XzBuffers before = buffers;
  const lzma_ret code = block_.decode(buffers);
  here_.consumed += before.in.size() - buffers.in.size();
  here_.produced += before.out.size() - buffers.out.size();
  if (code == LZMA_OK) return false;
  if (code != LZMA_STREAM_END) return judge(code, damaged_data(this_block_.text()));
  return leave_block(block_.unpadded_size(), block_.decoded_size());
}

Result<bool> XzDecoder::gather_block(XzBuffers& buffers) {
  if (!jobs_->has_room()) return false;
  pass(buffers, jobs_->gather(buffers.in));
  if (!jobs_->gathered()) return false;
  const XzBlockSizes sizes = jobs_->gathering();
  if (!jobs_->submit()) return false;
  here_.produced += sizes.decoded;
  STRATA_TRY(const bool more, leave_block(sizes.unpadded, sizes.decoded));
  gathering_.end = {.place = here_,
                    .streams = streams_,
                    .blocks = blocks_,
                    .check = flags_.check,
                    .index = index_};
  flights_.push_back(gathering_);
  return more;
}

Result<bool> XzDecoder::leave_block(std::uint64_t unpadded_size, std::uint64_t decoded_size) {
  if (!index_.append(unpadded_size, decoded_size)) {
    return corrupt("a stream is longer than xz allows");
  }
  return enter(State::kBlockHeader);
}

Result<bool> XzDecoder::read_index(XzBuffers& buffers) {
  std::size_t taken = 0;
  const XzIndex::Verdict verdict = index_.read(buffers.in, taken);
  pass(buffers, taken);
  if (verdict == XzIndex::Verdict::kMore) return false;
  if (verdict == XzIndex::Verdict::kEnd) return enter(State::kFooter);
  return corrupt("the index is damaged or lists other blocks than those of its stream");
}

Result<bool> XzDecoder::read_footer(XzBuffers& buffers) {
  if (!hold(buffers, LZMA_STREAM_HEADER_SIZE)) return false;
  lzma_stream_flags footer{};
  const lzma_ret code = ::lzma_stream_footer_decode(&footer, held_.data());
  if (code != LZMA_OK) return judge(code, "the footer of a stream is damaged");
  if (footer.backward_size != index_.size()) {
    return corrupt("the footer of a stream gives another size of the index");
  }
  if (::lzma_stream_flags_compare(&flags_, &footer) != LZMA_OK) {
    return corrupt("the footer of a stream has other flags than its header");
  }
  return enter(State::kPadding);
}

// held_count_ counts the zeros modulo four here; none of them is kept.
Result<bool> XzDecoder::skip_padding(XzBuffers& buffers) {
  const auto end = std::find_if(buffers.in.begin(), buffers.in.end(),
                                [](std::uint8_t byte) { return byte != 0; });
  const auto zeros = static_cast<std::size_t>(end - buffers.in.begin());
  pass(buffers, zeros);
  held_count_ = (held_count_ + zeros) % 4;
  if (buffers.in.empty()) return false;
  if (held_count_ != 0) return corrupt("the padding behind a stream is not a multiple of four");
  return enter(State::kStreamHeader);
}

Status XzDecoder::finish() {
  check(!waiting(), "the end of a decoder that is waiting");
  if (state_ == State::kPadding && held_count_ == 0) return {};
  if (state_ == State::kPadding) {
    return corrupt("the padding behind a stream is not a multiple of four");
  }
  return corrupt("the stream ends too early");
}

bool XzDecoder::hold(XzBuffers& buffers, std::size_t size) {
  const std::size_t count = std::min(size - held_count_, buffers.in.size());
  std::copy_n(buffers.in.begin(), count, held_.begin() + static_cast<std::ptrdiff_t>(held_count_));
  held_count_ += count;
  pass(buffers, count);
  return held_count_ == size;
}

void XzDecoder::pass(XzBuffers& buffers, std::size_t count) {
  buffers.in = buffers.in.subspan(count);
  here_.consumed += count;
}

Result<bool> XzDecoder::enter(State state) {
  state_ = state;
  held_count_ = 0;
  return true;
}

Error XzDecoder::judge(lzma_ret code, std::string_view what, std::uint64_t produced) const {
  switch (code) {
    case LZMA_MEMLIMIT_ERROR:
      return limit_error("the memory that the xz dictionary needs, " +
                             std::to_string(block_.memory_bytes()) + " bytes,",
                         limits_.xz_memory_bytes_max, "bytes");
    case LZMA_OPTIONS_ERROR:
      return corrupt_error(Errc::kCorruptXz,
                           "a header asks for filters or options that xz does not have", produced);
    case LZMA_MEM_ERROR:
      return Error(Errc::kUnavailable, "no memory for the xz decoder");
    default:
      return corrupt_error(Errc::kCorruptXz, what, produced);
  }
}

std::string XzDecoder::BlockName::text() const {
  return "block " + std::to_string(number) + ", which begins at stored offset " +
         std::to_string(begin.consumed) + " and decoded offset " + std::to_string(begin.produced) +
         ",";
}

std::size_t XzDecoder::held_max() const {
  switch (state_) {
    case State::kStreamHeader:
    case State::kFooter:
      return LZMA_STREAM_HEADER_SIZE - 1;
    case State::kBlockHeader:
      // The first byte says how long it is; a block never begins with 0.
      return held_[0] == 0 ? 0 : lzma_block_header_size_decode(held_[0]) - 1;
    case State::kPadding:
      return 3;
    case State::kIndex:
    case State::kBlock:
    case State::kGather:
      break;
  }
  return 0;
}

std::uint64_t XzDecoder::ahead() const {
  if (boundary_) return here_.consumed - boundary_->place.consumed;
  if (!flights_.empty()) return here_.consumed - flights_.front().given.consumed;
  return state_ == State::kGather ? here_.consumed - gathering_.data_begin : 0;
}

std::optional<std::string> XzDecoder::save() const {
  if (boundary_) return save_boundary(*boundary_);
  const bool in_block = state_ == State::kBlock || state_ == State::kGather;
  if (in_block || !flights_.empty()) return std::nullopt;
  return save_walk();
}

std::string XzDecoder::save_boundary(const Boundary& boundary) {
  StateWriter state;
  state.number(static_cast<unsigned>(State::kBlockHeader), 1);
  state.number(boundary.streams, 8);
  state.number(boundary.blocks, 8);
  state.number(boundary.check, 1);
  boundary.index.save(state);
  state.number(0, 2);  // nothing is held of the next header
  return state.take();
}

std::string XzDecoder::save_walk() const {
  StateWriter state;
  state.number(static_cast<unsigned>(state_), 1);
  state.number(streams_, 8);
  state.number(blocks_, 8);
  if (in_stream()) {
    state.number(flags_.check, 1);
    index_.save(state);
  }
  state.number(held_count_, 2);
  if (state_ != State::kPadding) state.run(std::as_bytes(std::span(held_).first(held_count_)));
  return state.take();
}

Status XzDecoder::restore(std::span<const std::byte> payload, Place place) {
  StateReader state(payload);
  const std::uint64_t number = state.number(1);
  if (number >= static_cast<unsigned>(State::kBlock)) {
    return corrupt_decoder_state("is at an unknown place of an xz stream");
  }
  state_ = static_cast<State>(number);
  streams_ = state.number(8);
  blocks_ = state.number(8);
  if (in_stream()) {
    flags_ = {};
    flags_.backward_size = LZMA_VLI_UNKNOWN;
    flags_.check = static_cast<lzma_check>(state.number(1));
    if (::lzma_check_is_supported(flags_.check) == 0) {
      return corrupt_decoder_state("has an integrity check of an unknown type");
    }
    if (!index_.restore(state, state_ == State::kIndex || state_ == State::kFooter)) {
      return corrupt_decoder_state("has an xz index that cannot be");
    }
  }
  held_count_ = state.number(2);
  if (held_count_ >= held_.size()) return corrupt_decoder_state("has too long a piece of a header");
  if (state_ != State::kPadding) {
    std::ranges::transform(state.run(held_count_), held_.begin(),
                           [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  }
  if (!state.ended()) return corrupt_decoder_state("of xz has another length");
  const bool begun = state_ != State::kStreamHeader;
  if (held_count_ > held_max() || held_count_ > place.consumed || (begun && streams_ == 0) ||
      (streams_ == 0 && (blocks_ > 0 || place.produced > 0)) || index_.records() > blocks_) {
    return corrupt_decoder_state("has counts that cannot be");
  }
  here_ = place;
  // Should the piece of a header be that of a block.
  this_block_ = {.number = blocks_,
                 .begin = {.consumed = place.consumed - held_count_, .produced = place.produced}};
  return {};
}

}  // namespace

std::unique_ptr<Decoder> make_xz_decoder(const DecoderLimits& limits,
                                         const ParallelDecoding* parallel) {
  return bound_output(std::make_unique<XzDecoder>(limits, parallel), Encoding::kXz,
                      limits.output_bytes_max);
}

Result<std::unique_ptr<Decoder>> restore_xz_decoder(const SavedDecoder& saved,
                                                    const DecoderLimits& limits,
                                                    const ParallelDecoding* parallel) {
  auto decoder = std::make_unique<XzDecoder>(limits, parallel);
  if (Status ok = decoder->restore(saved.payload, saved.place); !ok) return ok.error();
  return bound_output(std::move(decoder), Encoding::kXz, limits.output_bytes_max, saved.place);
}

}  // namespace strata::codec
