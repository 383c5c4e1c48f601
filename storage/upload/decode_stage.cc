#include "storage/upload/decode_stage.h"

#include <deque>
#include <mutex>

namespace strata::upload {
namespace {

constexpr int kStepsPerTurn = 8;

}  // namespace

struct DecodeStage::State : std::enable_shared_from_this<DecodeStage::State> {
  State(codec::Encoding encoding, const Limits& limits, io::WorkerPool& compute_pool,
        io::BlockPool& block_pool, Done on_done)
      : decoder(codec::make_decoder(encoding, codec::DecoderLimits::from(limits))),
        blocks(block_pool),
        blocks_max(limits.decoded_blocks),
        digests(compute_pool),
        queue(compute_pool),
        done(std::move(on_done)) {}

  // --- guarded by mutex: what other threads touch
  std::mutex mutex;
  std::deque<std::shared_ptr<const io::Block>> input;
  bool input_ended = false;
  bool cancelled = false;
  std::size_t blocks_out = 0;
  bool scheduled = false;  // a run() is queued or running
  bool again = false;      // something changed while it ran

  // --- touched by run() only, which never runs twice at a time
  std::unique_ptr<codec::Decoder> decoder;
  io::BlockPool& blocks;
  const std::size_t blocks_max;
  DigestStage digests;
  std::shared_ptr<const io::Block> in;
  std::size_t in_used = 0;
  std::shared_ptr<io::Block> out;
  bool output_pending = false;  // the decoder filled `out` exactly and may hold more
  bool ended = false;           // done has been called, or handed to the digest stage

  io::SerialQueue queue;
  Done done;

  void wake() {
    const std::lock_guard lock(mutex);
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
    bool last = false;
    if (!in && !take_input(last) && !output_pending && !last) return false;
    if (!in && !output_pending && last) return finish_decoding(), false;
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
    }
    if (!ended) done = nullptr;
    ended = true;
    in = nullptr;
    out = nullptr;
    return true;
  }

  bool take_input(bool& last) {
    const std::lock_guard lock(mutex);
    if (input.empty()) {
      last = input_ended;
      return false;
    }
    in = std::move(input.front());
    input.pop_front();
    in_used = 0;
    return true;
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
    const auto unread = in ? in->bytes().subspan(in_used) : std::span<const std::byte>();
    const auto result = decoder->step(unread, out->free_space());
    if (!result) return fail(result.error()), false;
    in_used += result->consumed;
    out->set_size(out->size() + result->produced);
    // A full block means that more may be pending; an output with room left means that it is not.
    output_pending = out->size() == io::kBlockBytes;
    if (output_pending) digests.submit(std::move(out), true), out = nullptr;
    if (in && in_used == in->size()) in = nullptr;
    if (result->consumed == 0 && result->produced == 0) output_pending = false;
    return true;
  }

  void finish_decoding() {
    if (const Status status = decoder->finish(); !status) return fail(status.error());
    if (out && out->size() > 0) digests.submit(std::move(out), true);
    out = nullptr;
    ended = true;
    digests.finish([self = shared_from_this()](const DigestStage::Found& found) {
      const Done callback = std::move(self->done);
      callback(found);
    });
  }

  void fail(const Error& error) {
    ended = true;
    in = nullptr;
    out = nullptr;
    const Done callback = std::move(done);
    callback(error);
  }
};

DecodeStage::DecodeStage(codec::Encoding encoding, const Limits& limits, io::WorkerPool& compute,
                         io::BlockPool& blocks, Done done)
    : state_(std::make_shared<State>(encoding, limits, compute, blocks, std::move(done))) {}

DecodeStage::~DecodeStage() {
  // The state and the block it fills hold each other; run() parts them.
  {
    const std::lock_guard lock(state_->mutex);
    state_->cancelled = true;
  }
  state_->wake();
}

void DecodeStage::submit(std::shared_ptr<const io::Block> block) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->input.push_back(std::move(block));
  }
  state_->wake();
}

void DecodeStage::finish() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->input_ended = true;
  }
  state_->wake();
}

}  // namespace strata::upload
