#include <algorithm>
#include <utility>

#include "storage/upload/ingest_state.h"

namespace strata::upload {

// What the index calls is weak: it is part of this state, which must not keep itself alive.
std::shared_ptr<IndexStage> Ingest::State::make_index() {
  auto made = std::make_shared<IndexStage>(
      seek_options(*encoding, limits), pools.compute,
      [weak = weak_from_this()](std::function<void()> task) {
        const auto self = weak.lock();
        if (!self) return;
        self->writes.post([self, task = std::move(task)] {
          if (!self->cancelled && self->writer) task();
        });
      },
      [weak = weak_from_this()](blob::Side side) -> Result<std::unique_ptr<blob::SideWriter>> {
        const auto self = weak.lock();
        if (!self) return Error(Errc::kCancelled, "the upload was closed");
        return self->writer->begin_side(side);
      },
      [weak = weak_from_this()](const Status& status) {
        const auto self = weak.lock();
        if (!self) return;
        if (!status) return self->fail(status.error());
        self->stage_done();
      });
  const std::lock_guard lock(mutex);
  index = made;
  return made;
}

void Ingest::State::finish_index() {
  if (const auto stage = current_index()) {
    return stage->finish(stored_found.digests.bytes, stored_found.digests.sha256);
  }
  auto made = std::make_unique<IndexPass>(
      IndexPass::Source{
          .encoding = *encoding,
          .stored_bytes = stored_found.digests.bytes,
          .stored_sha256 = stored_found.digests.sha256,
          .read =
              [weak = weak_from_this()](std::uint64_t at, std::shared_ptr<io::Block> block,
                                        std::size_t size, std::function<void(const Status&)> done) {
                const auto self = weak.lock();
                if (!self) {
                  return done(Error(Errc::kCancelled, "the upload was closed"));
                }
                self->read(at, std::move(block), size, std::move(done));
              }},
      limits, DecodeStage::Pools{pools.compute, pools.digests, pools.blocks, pools.decoding},
      make_index(), [weak = weak_from_this()](const Error& why) {
        if (const auto self = weak.lock()) self->fail(why);
      });
  const std::lock_guard lock(mutex);
  if (!cancelled) pass = std::move(made);
}

void Ingest::State::stop_pass() {
  std::unique_ptr<IndexPass> ended;  // goes outside the lock
  {
    const std::lock_guard lock(mutex);
    ended = std::move(pass);
  }
}

void Ingest::State::close_index() {
  const auto stage = current_index();
  {
    const std::lock_guard lock(mutex);
    index = nullptr;
  }
  if (stage) stage->close();
}

void Ingest::State::index_head() {
  auto block = pools.blocks.take();
  const auto first = std::as_bytes(std::span(head)).first(static_cast<std::size_t>(processed));
  std::ranges::copy(first, block->free_space().begin());
  block->set_size(first.size());
  index->update(std::move(block), 0);
}

}  // namespace strata::upload
