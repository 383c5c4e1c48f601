#include "storage/service/view_blocks.h"

#include <exception>
#include <utility>

namespace strata::storage {
namespace {

// A little more than can be decoded at once, so that the next blocks are read meanwhile.
constexpr std::size_t kFetchedAhead = 2;

// Pool tasks must not throw; memory may run out.
template <typename F>
auto guarded(const F& function) -> std::invoke_result_t<F> {
  try {
    return function();
  } catch (const std::exception& e) {
    return Error(Errc::kInternal, std::string("decoding a block: ") + e.what());
  }
}

}  // namespace

// Read-ahead may take all of the compute threads and not more, so that what somebody waits for is
// never behind more than that.
ViewBlocks::ViewBlocks(const Limits& limits, io::WorkerPool& disk, io::WorkerPool& compute,
                       Metrics& metrics)
    : limits_(codec::DecoderLimits::from(limits)),
      disk_(disk),
      compute_(compute),
      at_work_max_(2 * compute.threads() + kFetchedAhead),
      cache_(std::make_shared<codec::BlockCache>(
          codec::BlockCache::Options{.bytes_max = limits.block_cache_bytes,
                                     .ahead_max = compute.threads() + kFetchedAhead},
          metrics)) {}

ViewBlocks::~ViewBlocks() {
  std::deque<LoadPointer> dropped;
  {
    std::unique_lock lock(mutex_);
    dropped.swap(queue_);
    idle_.wait(lock, [this] { return at_work_ == 0; });
  }
  for (const LoadPointer& load : dropped) load->done(Error(Errc::kCancelled, "the server stops"));
}

ViewBlocks::Bytes ViewBlocks::find(const SeekableView& view, std::size_t block) {
  return cache_->find({view.id(), block});
}

void ViewBlocks::get(const View& view, std::size_t block, Done done) {
  cache_->get({view->id(), block}, loader(view), std::move(done));
}

void ViewBlocks::prefetch(const View& view, std::size_t block) {
  cache_->prefetch({view->id(), block}, loader(view));
}

// The cache calls it before get() or prefetch() returns, or never: `view` is still there.
codec::BlockCache::Load ViewBlocks::loader(const View& view) {
  return [this, &view](const codec::BlockCache::Key& key, Done done) {
    add(std::make_shared<const Load>(
        Load{view, static_cast<std::size_t>(key.block), std::move(done)}));
  };
}

void ViewBlocks::add(const LoadPointer& load) {
  if (admit(load)) fetch(load);
}

bool ViewBlocks::admit(const LoadPointer& load) {
  const std::lock_guard lock(mutex_);
  if (at_work_ == at_work_max_) {
    queue_.push_back(load);
    return false;
  }
  ++at_work_;
  return true;
}

void ViewBlocks::fetch(const LoadPointer& load) {
  disk_.post([this, load] {
    const auto& view = *load->view;
    auto input = guarded(
        [&] { return codec::fetch_block(view.index().blocks[load->block], view.sources()); });
    if (!input) return end(*load, input.error());
    // std::function wants copyable tasks.
    compute_.post(
        [this, load, fetched = std::make_shared<const codec::BlockInput>(*std::move(input))] {
          decode(*load, *fetched);
        });
  });
}

void ViewBlocks::decode(const Load& load, const codec::BlockInput& input) {
  end(load, guarded([&]() -> Result<Bytes> {
        STRATA_TRY(auto bytes,
                   codec::decode_block(load.view->index().blocks[load.block], input, limits_));
        return Bytes(std::make_shared<const std::vector<std::byte>>(std::move(bytes)));
      }));
}

// The next in the queue takes over the place of this one. Behind the mutex `this` may be gone.
void ViewBlocks::end(const Load& load, const Result<Bytes>& result) {
  if (!result && result.error().code() == Errc::kCorruptData) load.view->report_damage();
  load.done(result);
  const std::lock_guard lock(mutex_);
  if (!queue_.empty()) {
    fetch(queue_.front());
    queue_.pop_front();
    return;
  }
  --at_work_;
  if (at_work_ == 0) idle_.notify_all();
}

}  // namespace strata::storage
