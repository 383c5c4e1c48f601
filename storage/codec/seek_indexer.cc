#include "storage/codec/seek_indexer.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "storage/codec/saved_bytes.h"
#include "storage/codec/zero_run_finder.h"
#include "storage/codec/zstd_bytes.h"
#include "storage/io/zeros.h"
#include "strata/base/limits.h"

namespace strata::codec {
namespace {

// How far apart places may be, so that a block takes 2 ms at the speed of its decoder (gzip 1.1,
// xz 0.14, zstd 1 GB/s); and how near, so that states cost little beside the data.
struct Spacing {
  std::uint64_t min;
  std::uint64_t max;  // what is longer goes into the copy
};
Spacing spacing_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kGzip:
      return {.min = kMiB - 64 * kKiB, .max = kSeekBlockBytesMax};
    case Encoding::kXz:
      return {.min = 64 * kKiB, .max = 256 * kKiB};
    case Encoding::kZstd:
      return {.min = 256 * kKiB, .max = kMiB};
    case Encoding::kIdentity:
      break;
  }
  return {.min = 0, .max = 0};
}

// States of gzip hold a window of 32 KiB, whose compressed size depends on the data: places are
// taken a MiB apart as long as all states together stay below this part of the view, and else as
// far apart as a block allows.
constexpr std::uint64_t kStatesShare = 100;
constexpr std::uint64_t kStatesAllowance = 64 * kKiB;
constexpr std::uint64_t kWideSpacing = kSeekBlockBytesMax - 2 * kMiB;

// Bytes of a block that a decoder may want to see beyond those that it had when the block was
// decoded the first time: engines look up several symbols at once.
constexpr std::uint64_t kLookahead = 64;

// A frame decodes in 0.13 ms; half of that would cost 3 % more space.
constexpr std::uint64_t kFrameBytes = 256 * kKiB;

// Places that are not reached yet: those within one piece of output. There are 32 at most where
// they are of use; a stream that asks for more, with a window in each, gets a copy.
constexpr std::size_t kPlacesMax = 64;

// The zstd seekable format (contrib/seekable_format of zstd), whose numbers are little-endian.
constexpr std::uint32_t kSeekTableMagic = 0x184D2A5E;
constexpr std::uint32_t kSeekableMagic = 0x8F92EAB1;
constexpr std::size_t kSeekTableFooterBytes = 9;

void append_le32(std::string& bytes, std::uint64_t value) {
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

struct Place {
  std::string state;
  std::uint64_t consumed;
  std::uint64_t produced;
};

}  // namespace

struct SeekIndexer::State {
  State(const SeekIndexerOptions& o, SeekSink& s)
      : options(o), sink(s), spacing(spacing_of(o.encoding)) {
    index.encoding = o.encoding;
  }

  SeekIndexerOptions options;
  SeekSink& sink;
  const Spacing spacing;
  SeekIndex index;
  ZeroRunFinder zeros;
  ZstdCompressor compressor;

  std::uint64_t at = 0;         // decoded bytes seen
  std::uint64_t consumed = 0;   // stored bytes behind them
  std::deque<Place> next;       // where the next blocks may begin, at or behind `at`, ascending
  std::optional<Place> open;    // where the block under way began; none: it goes into the copy
  std::vector<std::byte> held;  // its decoded bytes, up to `at`
  bool given_up = false;        // ranges are not possible
  std::uint64_t states_bytes = 0;
  std::uint64_t state_bytes = 24 * kKiB;  // of the newest state, compressed
  std::string seek_table;                 // its entries
  std::uint64_t frames = 0;

  void update(std::span<const std::byte> decoded);
  void hold(std::span<const std::byte> part);
  void arrive();
  [[nodiscard]] bool worth_a_block(const Place& here) const;
  void close_block(std::uint64_t end);  // `end`: stored bytes behind it
  void add_zeros(std::uint64_t bytes);
  void add_encoded(std::uint64_t end);
  void add_frame(std::span<const std::byte> bytes);
  void leave_encoded();
  void write_frames(bool all);
  void add(const SeekBlock& block);
  void give_up();
  void end_copy();
  [[nodiscard]] std::uint64_t block_offset() const { return at - held.size(); }
};

SeekIndexer::SeekIndexer(const SeekIndexerOptions& options, SeekSink& sink)
    : state_(std::make_unique<State>(options, sink)) {}

SeekIndexer::~SeekIndexer() = default;

void SeekIndexer::place(std::string state, std::uint64_t consumed, std::uint64_t produced) {
  State& s = *state_;
  const std::uint64_t reached = s.next.empty() ? s.at : s.next.back().produced;
  if (s.given_up || produced < reached) return;
  // Much input that gives nothing: the newest place is the best one.
  if (!s.next.empty() && produced == reached) s.next.pop_back();
  if (s.next.size() == kPlacesMax) return;
  s.next.push_back({.state = std::move(state), .consumed = consumed, .produced = produced});
  if (s.next.front().produced == s.at) s.arrive();
}

void SeekIndexer::update(std::span<const std::byte> decoded, std::uint64_t consumed) {
  State& s = *state_;
  s.consumed = std::max(s.consumed, consumed);
  s.zeros.update(decoded);
  s.update(decoded);
}

void SeekIndexer::State::update(std::span<const std::byte> decoded) {
  const bool indexed = options.encoding != Encoding::kIdentity && !given_up;
  while (indexed && !given_up && !next.empty() && next.front().produced - at <= decoded.size()) {
    const auto part = decoded.first(static_cast<std::size_t>(next.front().produced - at));
    hold(part);
    decoded = decoded.subspan(part.size());
    if (!given_up) arrive();
  }
  if (indexed && !given_up) {
    hold(decoded);
  } else {
    at += decoded.size();
  }
}

// More of the block under way.
void SeekIndexer::State::hold(std::span<const std::byte> part) {
  while (!part.empty()) {
    if (given_up) {
      at += part.size();
      return;
    }
    const std::uint64_t held_max = open ? spacing.max : kFrameBytes;
    if (held.size() >= held_max) {
      if (open) leave_encoded();
      write_frames(false);
      continue;
    }
    const auto taken = part.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(held_max - held.size(), part.size())));
    held.insert(held.end(), taken.begin(), taken.end());
    at += taken.size();
    part = part.subspan(taken.size());
  }
}

// The next place is reached: the block under way may end here.
void SeekIndexer::State::arrive() {
  Place here = std::move(next.front());
  next.pop_front();
  if (!worth_a_block(here)) return;
  close_block(here.consumed);
  if (!given_up) open = std::move(here);
}

bool SeekIndexer::State::worth_a_block(const Place& here) const {
  if (!open || held.empty() || io::all_zero(held)) return true;
  if (here.consumed - open->consumed > kSeekStoredBytesMax / 2) return true;
  if (held.size() < spacing.min) return false;
  const bool affordable = states_bytes + 2 * state_bytes <= at / kStatesShare + kStatesAllowance;
  return options.encoding != Encoding::kGzip || affordable || held.size() >= kWideSpacing;
}

void SeekIndexer::State::close_block(std::uint64_t end) {
  if (held.empty()) return;
  if (open && io::all_zero(held)) {
    add_zeros(held.size());
    held.clear();
    return;
  }
  if (open && end - open->consumed + kLookahead > kSeekStoredBytesMax) leave_encoded();
  if (open) {
    add_encoded(end);
    held.clear();
  } else {
    write_frames(true);
  }
}

void SeekIndexer::State::add_zeros(std::uint64_t bytes) {
  if (!index.blocks.empty() && index.blocks.back().kind == SeekBlock::Kind::kZero) {
    index.blocks.back().decoded_bytes += bytes;
    return;
  }
  SeekBlock block;
  block.decoded_offset = block_offset();
  block.decoded_bytes = bytes;
  add(block);
}

void SeekIndexer::State::add_encoded(std::uint64_t end) {
  std::string state = compressor.compress(std::as_bytes(std::span(open->state)));
  SeekBlock block;
  block.decoded_offset = block_offset();
  block.decoded_bytes = held.size();
  block.kind = SeekBlock::Kind::kEncoded;
  block.checksum = checksum64(held);
  block.stored_offset = open->consumed;
  block.stored_bytes = static_cast<std::uint32_t>(end - open->consumed + kLookahead);
  block.data_offset = states_bytes;
  block.data_bytes = static_cast<std::uint32_t>(state.size());
  add(block);
  if (given_up) return;
  state_bytes = state.size();
  states_bytes += state.size();
  sink.append_index(std::move(state));
}

// No place came soon enough: what is held, and what follows up to the next place, is copied.
void SeekIndexer::State::leave_encoded() {
  if (options.copy == CopyPolicy::kNever) return give_up();
  open.reset();
}

// Whole frames of what is held, or all of it.
void SeekIndexer::State::write_frames(bool all) {
  if (!held.empty() && options.copy == CopyPolicy::kNever) return give_up();
  std::size_t written = 0;
  const std::size_t end = held.size();
  while (!given_up && written < end && (all || end - written >= kFrameBytes)) {
    const auto bytes = std::min<std::size_t>(kFrameBytes, end - written);
    add_frame(std::span(held).subspan(written, bytes));
    written += bytes;
  }
  if (given_up) return;
  held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(written));
}

void SeekIndexer::State::add_frame(std::span<const std::byte> bytes) {
  SeekBlock block;
  block.decoded_offset = block_offset() + static_cast<std::uint64_t>(bytes.data() - held.data());
  block.decoded_bytes = bytes.size();
  if (io::all_zero(bytes)) {
    if (!index.blocks.empty() && index.blocks.back().kind == SeekBlock::Kind::kZero) {
      index.blocks.back().decoded_bytes += bytes.size();
    } else {
      add(block);
    }
    return;
  }
  std::string frame = compressor.compress(bytes);
  if (frame.size() > options.copy_bytes_max - std::min(index.copy_bytes, options.copy_bytes_max)) {
    return give_up();
  }
  block.kind = SeekBlock::Kind::kFrame;
  block.checksum = checksum64(bytes);
  block.data_offset = index.copy_bytes;
  block.data_bytes = static_cast<std::uint32_t>(frame.size());
  add(block);
  if (given_up) return;
  index.copy_bytes += frame.size();
  append_le32(seek_table, frame.size());
  append_le32(seek_table, bytes.size());
  ++frames;
  sink.append_copy(std::move(frame));
}

// One more block, if there may be one.
void SeekIndexer::State::add(const SeekBlock& block) {
  if (index.blocks.size() == kSeekBlocksMax) return give_up();
  index.blocks.push_back(block);
}

// What was written to the index file stays there, as bytes that nothing points to.
void SeekIndexer::State::give_up() {
  given_up = true;
  index.blocks = {};
  index.copy_bytes = 0;
  held = {};
  open.reset();
  next.clear();
  seek_table = {};
  frames = 0;
  sink.drop_copy();
}

void SeekIndexer::State::end_copy() {
  if (frames == 0) return;
  std::string end;
  append_le32(end, kSeekTableMagic);
  append_le32(end, seek_table.size() + kSeekTableFooterBytes);
  end += seek_table;
  append_le32(end, frames);
  end += '\0';  // no checksums in the table: the index has them
  append_le32(end, kSeekableMagic);
  index.copy_bytes += end.size();
  sink.append_copy(std::move(end));
}

void SeekIndexer::give_up_copy() {
  state_->options.copy = CopyPolicy::kNever;
  if (!state_->given_up && (state_->frames > 0 || !state_->open)) state_->give_up();
}

SeekIndex SeekIndexer::finish(std::uint64_t stored_bytes, const Sha256Digest& stored_sha256) {
  State& s = *state_;
  s.consumed = std::min(s.consumed, stored_bytes);
  if (!s.given_up) s.close_block(s.consumed);
  for (SeekBlock& block : s.index.blocks) {
    if (block.kind != SeekBlock::Kind::kEncoded) continue;
    block.stored_bytes = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(block.stored_bytes, stored_bytes - block.stored_offset));
  }
  if (!s.given_up) s.end_copy();
  s.index.stored_bytes = stored_bytes;
  s.index.decoded_bytes = s.at;
  s.index.stored_sha256 = stored_sha256;
  s.index.zero_runs = s.zeros.finish();
  s.sink.append_index(to_bytes(s.index, s.states_bytes));
  return std::move(s.index);
}

}  // namespace strata::codec
