#include "storage/upload/ingest.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <optional>

#include "storage/upload/ingest_state.h"
#include "strata/base/log.h"

namespace strata::upload {
namespace asio = boost::asio;

Status Ingest::State::restore(const Checkpoint& checkpoint) {
  released = checkpoint.offset;
  if (mode == Mode::kKeepOnly || !checkpoint.stored) return {};
  auto digests = DigestStage::restore(pools.digests, *checkpoint.stored);
  if (!digests) {
    log::warn("upload.digests_not_restored", {{"error", digests.error().message()}});
    return {};
  }
  stored = *std::move(digests);
  processed = checkpoint.stored->bytes;
  std::array<std::byte, codec::kMagicBytes> first{};
  const auto known = std::span(first).first(std::min<std::size_t>(processed, first.size()));
  if (const Status read = writer->read_at(0, known); !read) return read;
  if (known.size() < first.size()) {
    find_encoding(known, false);
    return {};
  }
  encoding = codec::detect_encoding(known);
  if (*encoding != codec::Encoding::kIdentity) restore_decoder(checkpoint);
  return {};
}

void Ingest::State::restore_decoder(const Checkpoint& checkpoint) {
  if (checkpoint.decoding) {
    auto stage = DecodeStage::restore(*checkpoint.decoding, limits,
                                      {pools.compute, pools.digests, pools.blocks, pools.decoding},
                                      read_callback(), decoded_callback());
    if (stage) return set_decoder(std::shared_ptr<DecodeStage>(*std::move(stage)));
    log::warn("upload.decoder_not_restored", {{"error", stage.error().message()}});
  }
  set_encoding(*encoding);
}

Ingest::Ingest(std::shared_ptr<State> state) : state_(std::move(state)) {}

Ingest::Ingest(const Limits& limits, IngestPools pools, std::unique_ptr<blob::BlobWriter> writer,
               Mode mode, UnixMillis created)
    : Ingest(std::make_shared<State>(limits, pools, std::move(writer), mode, created)) {}

Result<std::unique_ptr<Ingest>> Ingest::resume(const Limits& limits, IngestPools pools,
                                               std::unique_ptr<blob::BlobWriter> writer, Mode mode,
                                               const Checkpoint& checkpoint, UnixMillis created) {
  check(writer->size() == checkpoint.offset, "a writer at another place than its checkpoint");
  auto state = std::make_shared<State>(limits, pools, std::move(writer), mode, created);
  if (const Status restored = state->restore(checkpoint); !restored) return restored.error();
  return std::unique_ptr<Ingest>(new Ingest(std::move(state)));
}

Ingest::~Ingest() {
  state_->cancelled = true;
  state_->set_decoder(nullptr);
  state_->stop_pass();
  // Removing files: on the disk pool, behind the last write. A writer that is kept is let go of by
  // the last task.
  state_->writes.post([state = state_] {
    state->close_index();
    if (state->mode == Mode::kOnce) state->writer.reset();
  });
}

asio::awaitable<Result<std::shared_ptr<io::Block>>> Ingest::next_block() {
  for (;;) {
    const auto seen = state_->changed.version();
    if (const Status now = status(); !now) co_return now.error();
    if (state_->blocks_out < state_->limits.upload_blocks) break;
    co_await state_->changed.wait(seen);
  }
  ++state_->blocks_out;
  co_return state_->pools.blocks.take(
      [](void* context) {
        auto* state = static_cast<State*>(context);
        --state->blocks_out;
        state->changed.notify();
      },
      state_);
}

std::size_t Ingest::block_room() const {
  return io::kBlockBytes - static_cast<std::size_t>(state_->offset % io::kBlockBytes);
}

void Ingest::submit(std::shared_ptr<io::Block> block) {
  check(!state_->unverified, "bytes submitted behind unverified ones");
  state_->process(block);
  state_->write(std::move(block), true);
}

void Ingest::submit_unverified(std::shared_ptr<io::Block> block) {
  if (!state_->unverified) state_->unverified_from = state_->offset;
  state_->unverified = true;
  state_->write(std::move(block), false);
}

void Ingest::accept() {
  state_->unverified = false;
}

asio::awaitable<Status> Ingest::reject() {
  if (!state_->unverified) co_return Status();
  state_->unverified = false;
  state_->offset = state_->unverified_from;
  auto done = std::make_shared<std::atomic<bool>>(false);
  state_->writes.post([state = state_, done, size = state_->unverified_from] {
    if (!state->cancelled && state->status()) {
      if (const Status cut = state->writer->truncate(size); !cut) state->fail(cut.error());
    }
    *done = true;
    state->changed.notify();
  });
  for (;;) {
    const auto seen = state_->changed.version();
    if (*done) co_return status();
    co_await state_->changed.wait(seen);
  }
}

asio::awaitable<Status> Ingest::catch_up(const std::function<bool()>& give_up) {
  State& state = *state_;
  while (state.mode != Mode::kKeepOnly && state.processed < state.offset) {
    if (give_up && give_up()) co_return Error(Errc::kCancelled, "somebody else wants the upload");
    STRATA_CO_TRY(auto block, co_await next_block());
    const auto size = static_cast<std::size_t>(
        std::min<std::uint64_t>(io::kBlockBytes, state.offset - state.processed));
    auto outcome = std::make_shared<std::optional<Status>>();
    state.read_back += size;
    state.read(state.processed, block, size, [self = state_, outcome](const Status& status) {
      {
        const std::lock_guard lock(self->mutex);
        *outcome = status;
      }
      self->changed.notify();
    });
    for (;;) {
      const auto seen = state.changed.version();
      {
        const std::lock_guard lock(state.mutex);
        if (*outcome) break;
      }
      co_await state.changed.wait(seen);
    }
    if (!**outcome) co_return **outcome;
    state.process(block);
    state.release(state.processed);
  }
  co_return status();
}

Status Ingest::status() const {
  return state_->status();
}
std::uint64_t Ingest::offset() const {
  return state_->offset;
}
std::uint64_t Ingest::processed() const {
  return state_->processed;
}
std::uint64_t Ingest::read_back() const {
  return state_->read_back;
}

void Ingest::checkpoint(std::function<void(Result<Checkpoint>)> done) {
  struct Taking {
    std::mutex mutex;
    Checkpoint value;
    Status synced;
    int left;
    std::function<void(Result<Checkpoint>)> done;
  };
  check(state_->mode != Mode::kOnce && !state_->unverified, "a checkpoint of what is not believed");
  auto taking = std::make_shared<Taking>();
  taking->value.offset = state_->offset;
  taking->left = state_->mode == Mode::kResumable ? 2 : 1;
  taking->done = std::move(done);
  if (const auto stage = state_->current_decoder()) stage->want_state();
  const auto part_done = [state = state_, taking] {
    {
      const std::lock_guard lock(taking->mutex);
      if (--taking->left > 0) return;
    }
    if (!taking->synced) return taking->done(taking->synced.error());
    if (const auto stage = state->current_decoder()) {
      taking->value.decoding = stage->state_at(taking->value.offset);
    }
    taking->done(std::move(taking->value));
  };
  if (state_->mode == Mode::kResumable) {
    state_->stored.save([taking, part_done](DigestStage::Saved saved) {
      {
        const std::lock_guard lock(taking->mutex);
        taking->value.stored = std::move(saved);
      }
      part_done();
    });
  }
  ++state_->syncs;
  // Behind the writes so far, but not in their queue: the next writes do not wait for the sync.
  state_->writes.post([state = state_, taking, part_done] {
    state->pools.disk.post([state, taking, part_done] {
      Status synced = state->status();
      if (state->cancelled) synced = Error(Errc::kCancelled, "the upload was closed");
      if (synced) synced = state->writer->sync();
      if (!synced) state->fail(synced.error());
      {
        const std::lock_guard lock(taking->mutex);
        taking->synced = synced;
      }
      part_done();
      --state->syncs;
      state->changed.notify();
    });
  });
}

asio::awaitable<Result<Ingest::Finished>> Ingest::finish() {
  state_->finish();
  for (;;) {
    const auto seen = state_->changed.version();
    if (const Status now = status(); !now) co_return now.error();
    if (state_->all_stages_done() && state_->syncs == 0) break;
    co_await state_->changed.wait(seen);
  }
  co_return Finished{std::move(state_->writer), state_->properties()};
}

void Ingest::cancel(const Error& why) {
  state_->fail(why);
}

asio::awaitable<void> Ingest::close() {
  state_->cancelled = true;
  state_->set_decoder(nullptr);
  state_->stop_pass();
  auto closed = std::make_shared<std::atomic<bool>>(false);
  state_->writes.post([state = state_, closed] {
    state->close_index();
    // A sync that runs beside still uses the writer: its task is behind the write that it follows.
    state->pools.disk.post([state, closed] {
      *closed = true;
      state->changed.notify();
    });
  });
  for (;;) {
    const auto seen = state_->changed.version();
    if (*closed && state_->syncs == 0) break;
    co_await state_->changed.wait(seen);
  }
  state_->writer.reset();
}

}  // namespace strata::upload
