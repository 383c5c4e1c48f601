#include "storage/upload/decode_stage.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>

#include "storage/codec/seek_places.h"

namespace strata::upload {
namespace {

constexpr int kStepsPerTurn = 8;
// Between blocks and frames a state is small, and the next such place may be far: it is taken
// whenever this much was consumed since the last, asked for or not.
constexpr std::uint64_t kEagerBytes = io::kBlockBytes;

bool has_small_states(codec::Encoding encoding) {
  return encoding != codec::Encoding::kGzip;  // which holds a window of 32 KiB
}

// The decoded view of an identity image, for the one who wants to see all views alike.
class Copier final : public codec::Decoder {
 public:
  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override {
    const std::size_t count = std::min(in.size(), out.size());
    std::copy_n(in.begin(), count, out.begin());
    return Step{count, count};
  }
  Status finish() override { return {}; }
  std::optional<std::string> save() const override { return std::nullopt; }
  std::optional<Entry> entry() const override { return std::nullopt; }
};

std::unique_ptr<codec::Decoder> decoder_of(codec::Encoding encoding, const Limits& limits,
                                           const codec::ParallelDecoding& decoding) {
  if (encoding == codec::Encoding::kIdentity) return std::make_unique<Copier>();
  return codec::make_decoder(encoding, codec::DecoderLimits::from(limits), &decoding);
}

}  // namespace

struct DecodeStage::State : std::enable_shared_from_this<DecodeStage::State> {
  // Where a decoder is, and how what it gives is used.
  struct Start {
    codec::Encoding encoding;
    std::unique_ptr<codec::Decoder> decoder;
    bool eager = false;
    std::uint64_t consumed = 0;
    std::optional<DigestStage> digests{};
    std::shared_ptr<IndexStage> index{};  // only from the beginning
  };
  State(Start start, const Limits& limits, Pools pools, Read r, Done on_done)
      : frontier(start.consumed),
        eager(start.eager),
        state_at(start.consumed),
        decoder(std::move(start.decoder)),
        consumed(start.consumed),
        places(start.encoding),
        blocks(pools.blocks),
        blocks_max(limits.decoded_blocks),
        states_max(limits.upload_blocks + 2),
        digests(std::move(start.digests)),
        index(std::move(start.index)),
        read(std::move(r)),
        queue(pools.compute),
        done(std::move(on_done)) {}

  // --- guarded by mutex: what other threads touch
  mutable std::mutex mutex;
  std::deque<std::shared_ptr<const io::Block>> input;  // contiguous
  std::uint64_t frontier;            // behind the last byte in `input`, being read or decoded
  std::uint64_t released = 0;        // can be read back
  std::optional<std::uint64_t> end;  // where the stream ends
  bool reading = false;              // a block is on its way from the file
  std::uint64_t read_back = 0;
  bool cancelled = false;
  bool state_wanted = false;
  std::deque<Saved> states;  // the newest last
  std::size_t blocks_out = 0;
  bool scheduled = false;  // a run() is queued or running
  bool again = false;      // something changed while it ran
  bool over = false;       // nothing will run any more: the pool may go before the last block
  std::optional<Error> read_error;

  // --- touched by run() only, which never runs twice at a time
  const bool eager;        // states are taken without being asked for
  std::uint64_t state_at;  // where the newest was
  std::unique_ptr<codec::Decoder> decoder;
  std::uint64_t consumed;      // stored bytes taken, from the stream's beginning
  std::uint64_t produced = 0;  // decoded bytes, where there is an index
  codec::SeekPlaces places;
  io::BlockPool& blocks;
  const std::size_t blocks_max;
  // A checkpoint wants the newest state at or before its offset. The decoder may be ahead of that
  // by the blocks in flight, with a state in each, and by what it has begun of one.
  const std::size_t states_max;
  std::optional<DigestStage> digests;  // none: only the index is wanted
  const std::shared_ptr<IndexStage> index;
  std::shared_ptr<const io::Block> in;
  std::size_t in_used = 0;
  std::shared_ptr<io::Block> out;
  bool output_pending = false;  // the decoder filled `out` exactly and may hold more
  bool ended = false;           // done has been called, or handed to the digest stage

  const Read read;
  io::SerialQueue queue;
  Done done;

  // Weak: the decoder is part of this.
  void listen() {
    decoder->set_wake([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    });
  }
  // Stored bytes behind what the decoder has given.
  [[nodiscard]] std::uint64_t given() const { return consumed - decoder->ahead(); }

  void wake() {
    const std::lock_guard lock(mutex);
    wake_locked();
  }
  void wake_locked() {
    if (over) return;
    if (scheduled) {
      again = true;
      return;
    }
    scheduled = true;
    queue.post([self = shared_from_this()] { self->run(); });
  }

  // A few steps, then back to the end of the pool's queue: uploads share the threads fairly.
  void run() {
    for (int turn = 0; turn < kStepsPerTurn; ++turn) {
      if (advance()) continue;
      const std::lock_guard lock(mutex);
      if (!again) {
        scheduled = false;
        return;
      }
      again = false;
    }
    queue.post([self = shared_from_this()] { self->run(); });
  }

  // One step of decoding. false = nothing can be done now: input or an output block is missing, or
  // everything is over.
  bool advance() {
    if (drop_when_over()) return false;
    // A small state is of a place where nothing is held back.
    if (eager || !output_pending) take_state_if_wanted();
    take_place_if_due();
    bool last = false;
    const bool more = output_pending || decoder->waiting();
    if (!in && !take_input(last) && !more && !last) return false;
    if (ended) return false;  // the input could not be read
    if (!in && !more && last) return finish_decoding(), false;
    if (!out && !take_output()) return false;
    return step();
  }

  // Releasing a block takes the mutex again (take_output), so blocks are let go outside it.
  bool drop_when_over() {
    std::deque<std::shared_ptr<const io::Block>> dropped;
    {
      const std::lock_guard lock(mutex);
      if (!ended && !cancelled) return false;
      dropped.swap(input);
      over = cancelled;
    }
    if (!ended) done = nullptr;
    ended = true;
    in = nullptr;
    out = nullptr;
    decoder = nullptr;
    return true;
  }

  bool take_input(bool& last) {
    std::unique_lock lock(mutex);
    if (read_error) {
      const Error error = *read_error;
      lock.unlock();
      fail(error);
      return false;
    }
    if (reading) return false;  // what is in `input` comes behind it
    if (input.empty()) {
      if (frontier < released) {
        start_reading(lock);
      } else {
        last = end && frontier == *end;
      }
      return false;
    }
    in = std::move(input.front());
    input.pop_front();
    in_used = 0;
    return true;
  }

  void start_reading(std::unique_lock<std::mutex>& lock) {
    const std::uint64_t offset = frontier;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(io::kBlockBytes, released - frontier));
    frontier += size;
    read_back += size;
    reading = true;
    lock.unlock();
    auto block = blocks.take();
    read(offset, block, size, [self = shared_from_this(), block](const Status& status) {
      const std::lock_guard guard(self->mutex);
      self->reading = false;
      if (status) {
        self->input.push_front(block);
      } else {
        self->read_error = status.error();
      }
      self->wake_locked();
    });
  }

  bool take_output() {
    {
      const std::lock_guard lock(mutex);
      if (blocks_out == blocks_max) return false;
      ++blocks_out;
    }
    out = blocks.take(
        [](void* context) {
          auto* state = static_cast<State*>(context);
          {
            const std::lock_guard lock(state->mutex);
            --state->blocks_out;
          }
          state->wake();
        },
        shared_from_this());
    return true;
  }

  bool step() {
    // While output is pending it alone is asked for: the decoder stops at the end of a block or
    // frame, and more input would take it past the place where it can be saved. One that is waiting
    // takes more input without giving what comes behind that place.
    const bool hungry = !output_pending || decoder->waiting();
    const auto unread = in && hungry ? in->bytes().subspan(in_used) : std::span<const std::byte>();
    auto room = out->free_space();
    if (index) room = room.first(places.room(produced, room.size()));
    const auto result = decoder->step(unread, room);
    if (!result) return fail(result.error()), false;
    in_used += result->consumed;
    consumed += result->consumed;
    produced += result->produced;
    out->set_size(out->size() + result->produced);
    // Room that was filled means that more may be pending; room that is left means that it is not.
    output_pending = result->produced == room.size();
    if (out->size() == io::kBlockBytes) give_output();
    if (in && in_used == in->size()) in = nullptr;
    if (result->consumed > 0 || result->produced > 0) return true;
    output_pending = false;
    return !decoder->waiting();  // which wakes us, as more input does
  }

  void give_output() {
    if (!out || out->size() == 0) return;
    if (index) index->update(out, given());
    if (digests) digests->submit(out);
    out = nullptr;
  }

  void take_place_if_due() {
    if (!index || !places.due(given(), produced)) return;
    auto entry = decoder->entry();
    if (!entry) return;
    places.taken(given(), produced);
    index->place(*std::move(entry));
  }

  // The decoder's state and, when the digests have come that far, theirs.
  void take_state_if_wanted() {
    if (!digests) return;
    const std::uint64_t at = given();
    {
      const std::lock_guard lock(mutex);
      if (at == state_at) state_wanted = false;  // there is one
      const bool due = eager && at - state_at >= kEagerBytes;
      if (!state_wanted && !due) return;
    }
    auto saved = decoder->save();
    if (!saved) return;  // in an xz block or a zstd frame: later
    state_at = at;
    {
      const std::lock_guard lock(mutex);
      state_wanted = false;
    }
    give_output();
    digests->save([self = shared_from_this(), at,
                   decoder_state = std::move(*saved)](DigestStage::Saved found) mutable {
      const std::lock_guard lock(self->mutex);
      self->states.push_back({at, std::move(decoder_state), std::move(found)});
      if (self->states.size() > self->states_max) self->states.pop_front();
    });
  }

  void finish_decoding() {
    if (const Status status = decoder->finish(); !status) return fail(status.error());
    give_output();
    out = nullptr;
    ended = true;
    {
      const std::lock_guard lock(mutex);
      over = true;
    }
    if (!digests) {
      const Done callback = std::move(done);
      return callback(DigestStage::Found{});
    }
    digests->finish([self = shared_from_this()](const DigestStage::Found& found) {
      const Done callback = std::move(self->done);
      callback(found);
    });
  }

  void fail(const Error& error) {
    ended = true;
    in = nullptr;
    out = nullptr;
    decoder = nullptr;  // and its jobs
    const Done callback = std::move(done);
    callback(error);
  }
};

DecodeStage::DecodeStage(std::shared_ptr<State> state) : state_(std::move(state)) {
  state_->listen();
}

DecodeStage::DecodeStage(codec::Encoding encoding, DigestStage::Kind kind, const Limits& limits,
                         Pools pools, Read read, std::shared_ptr<IndexStage> index, Done done)
    : DecodeStage(std::make_shared<State>(
          State::Start{.encoding = encoding,
                       .decoder = decoder_of(encoding, limits, pools.decoding),
                       .eager = kind == DigestStage::Kind::kResumable && has_small_states(encoding),
                       .digests = DigestStage(pools.digests, kind),
                       .index = std::move(index)},
          limits, pools, std::move(read), std::move(done))) {}

std::unique_ptr<DecodeStage> DecodeStage::for_index(codec::Encoding encoding, const Limits& limits,
                                                    Pools pools, Read read,
                                                    std::shared_ptr<IndexStage> index, Done done) {
  return std::unique_ptr<DecodeStage>(new DecodeStage(
      std::make_shared<State>(State::Start{.encoding = encoding,
                                           .decoder = decoder_of(encoding, limits, pools.decoding),
                                           .index = std::move(index)},
                              limits, pools, std::move(read), std::move(done))));
}

Result<std::unique_ptr<DecodeStage>> DecodeStage::restore(const Saved& saved, const Limits& limits,
                                                          Pools pools, Read read, Done done) {
  STRATA_TRY(codec::RestoredDecoder restored,
             codec::restore_decoder(std::as_bytes(std::span(saved.decoder)),
                                    codec::DecoderLimits::from(limits), &pools.decoding));
  if (restored.consumed != saved.consumed || restored.produced != saved.digests.bytes) {
    return Error(Errc::kCorruptData, "the saved decoder of an upload is at another place");
  }
  STRATA_TRY(DigestStage digests, DigestStage::restore(pools.digests, saved.digests));
  auto state = std::make_shared<State>(State::Start{.encoding = restored.encoding,
                                                    .decoder = std::move(restored.decoder),
                                                    .eager = has_small_states(restored.encoding),
                                                    .consumed = saved.consumed,
                                                    .digests = std::move(digests)},
                                       limits, pools, std::move(read), std::move(done));
  state->states.push_back(saved);
  state->output_pending = true;  // what it had decoded and not given yet comes without input
  return std::unique_ptr<DecodeStage>(new DecodeStage(std::move(state)));
}

DecodeStage::~DecodeStage() {
  // The state and the block it fills hold each other; run() parts them.
  const std::lock_guard lock(state_->mutex);
  state_->cancelled = true;
  state_->wake_locked();
}

void DecodeStage::submit(std::uint64_t offset, std::shared_ptr<const io::Block> block) {
  const std::lock_guard lock(state_->mutex);
  if (offset != state_->frontier || state_->cancelled) return;
  state_->frontier += block->size();
  state_->input.push_back(std::move(block));
  state_->wake_locked();
}

void DecodeStage::release(std::uint64_t size) {
  const std::lock_guard lock(state_->mutex);
  if (size <= state_->released) return;
  state_->released = size;
  if (state_->frontier < size) state_->wake_locked();
}

void DecodeStage::finish(std::uint64_t size) {
  const std::lock_guard lock(state_->mutex);
  state_->end = size;
  state_->wake_locked();
}

void DecodeStage::want_state() {
  const std::lock_guard lock(state_->mutex);
  state_->state_wanted = true;
  state_->wake_locked();
}

std::optional<DecodeStage::Saved> DecodeStage::state_at(std::uint64_t offset) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = std::find_if(state_->states.rbegin(), state_->states.rend(),
                                  [&](const Saved& saved) { return saved.consumed <= offset; });
  if (found == state_->states.rend()) return std::nullopt;
  return *found;
}

std::uint64_t DecodeStage::read_back() const {
  const std::lock_guard lock(state_->mutex);
  return state_->read_back;
}

}  // namespace strata::upload
