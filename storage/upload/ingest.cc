#include "storage/upload/ingest.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <optional>

#include "storage/upload/decode_stage.h"
#include "storage/upload/digest_stage.h"

namespace strata::upload {
namespace asio = boost::asio;

struct Ingest::State : std::enable_shared_from_this<Ingest::State> {
  State(const Limits& l, IngestPools p, std::unique_ptr<blob::BlobWriter> w,
        asio::any_io_executor e, UnixMillis c)
      : limits(l),
        pools(p),
        writer(std::move(w)),
        executor(std::move(e)),
        changed(executor, asio::steady_timer::time_point::max()),
        created(c),
        writes(p.disk),
        stored(p.compute) {}

  const Limits& limits;
  IngestPools pools;
  std::unique_ptr<blob::BlobWriter> writer;  // used by the tasks of `writes` until finish()
  asio::any_io_executor executor;
  asio::steady_timer changed;  // never expires: cancelled to wake the coroutine
  const UnixMillis created;

  io::SerialQueue writes;
  DigestStage stored;
  std::unique_ptr<DecodeStage> decoder;  // set at the first block of an encoded upload
  codec::Encoding encoding = codec::Encoding::kIdentity;
  bool started = false;

  std::atomic<std::size_t> blocks_out{0};
  std::atomic<bool> cancelled{false};

  mutable std::mutex mutex;
  std::optional<Error> error;  // the first one
  DigestStage::Found stored_found, decoded_found;
  int stages_left = 0;

  // From any thread: the coroutine looks again at what it waits for.
  void wake() {
    asio::post(executor, [self = shared_from_this()] { self->changed.cancel(); });
  }

  void fail(const Error& first) {
    {
      const std::lock_guard lock(mutex);
      if (!error) error = first;
    }
    wake();
  }

  bool failed() const {
    const std::lock_guard lock(mutex);
    return error.has_value();
  }

  void stage_done() {
    {
      const std::lock_guard lock(mutex);
      --stages_left;
    }
    wake();
  }

  bool all_stages_done() const {
    const std::lock_guard lock(mutex);
    return stages_left == 0;
  }

  asio::awaitable<void> wait_for_change() {
    boost::system::error_code ignored;  // cancelled: that is the signal
    co_await changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  void start(const io::Block& first) {
    started = true;
    encoding = codec::detect_encoding(first.bytes());
    stages_left = encoding == codec::Encoding::kIdentity ? 2 : 3;
    if (encoding == codec::Encoding::kIdentity) return;
    // Weak: the decoder is part of this state, which must not keep itself alive.
    decoder = std::make_unique<DecodeStage>(
        encoding, limits, pools.compute, pools.blocks,
        [weak = weak_from_this()](const Result<DigestStage::Found>& found) {
          const auto self = weak.lock();
          if (!self) return;
          if (!found) return self->fail(found.error());
          self->decoded_found = *found;
          self->stage_done();
        });
  }

  void submit(std::shared_ptr<io::Block> block) {
    if (!started) start(*block);
    stored.submit(block, encoding == codec::Encoding::kIdentity);
    if (decoder) decoder->submit(block);
    writes.post([self = shared_from_this(), block = std::move(block)] {
      if (self->cancelled || self->failed()) return;
      if (const Status status = self->writer->append(block->bytes()); !status) {
        self->fail(status.error());
      }
    });
  }

  void finish() {
    if (!started) start(io::Block());  // no byte at all: an empty identity image
    if (decoder) decoder->finish();
    stored.finish([self = shared_from_this()](const DigestStage::Found& found) {
      self->stored_found = found;
      self->stage_done();
    });
    writes.post([self = shared_from_this()] { self->stage_done(); });
  }

  blob::BlobProperties properties() const {
    const bool identity = encoding == codec::Encoding::kIdentity;
    const DigestStage::Found& decoded = identity ? stored_found : decoded_found;
    return {stored_found.digests, decoded.digests, encoding, decoded.disk, created};
  }
};

Ingest::Ingest(const Limits& limits, IngestPools pools, std::unique_ptr<blob::BlobWriter> writer,
               asio::any_io_executor executor, UnixMillis created)
    : state_(std::make_shared<State>(limits, pools, std::move(writer), std::move(executor),
                                     created)) {}

Ingest::~Ingest() {
  state_->cancelled = true;
  state_->decoder.reset();
  // Aborting removes files: on the disk pool, behind the last write.
  state_->writes.post([state = state_] {
    if (state->writer) state->writer->abort();
    state->writer.reset();
  });
}

asio::awaitable<Result<std::shared_ptr<io::Block>>> Ingest::next_block() {
  for (;;) {
    if (const Status now = status(); !now) co_return now.error();
    if (state_->blocks_out < state_->limits.upload_blocks) break;
    co_await state_->wait_for_change();
  }
  ++state_->blocks_out;
  co_return state_->pools.blocks.take(
      [](void* context) {
        auto* state = static_cast<State*>(context);
        --state->blocks_out;
        state->wake();
      },
      state_);
}

void Ingest::submit(std::shared_ptr<io::Block> block) {
  state_->submit(std::move(block));
}

Status Ingest::status() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->error) return *state_->error;
  return {};
}

asio::awaitable<Result<Ingest::Finished>> Ingest::finish() {
  state_->finish();
  for (;;) {
    if (const Status now = status(); !now) co_return now.error();
    if (state_->all_stages_done()) break;
    co_await state_->wait_for_change();
  }
  co_return Finished{std::move(state_->writer), state_->properties()};
}

}  // namespace strata::upload
