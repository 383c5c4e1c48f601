#include "bench/engine_hash.h"

#include <algorithm>
#include <future>

#include "strata/base/metrics.h"
#include "strata/digest/engine.h"
#include "strata/io/worker_pool.h"

namespace strata::bench {

BlockStream::BlockStream(Data data) {
  for (; !data.empty(); data = data.subspan(blocks_.back()->size())) {
    auto block = std::make_shared<io::Block>();
    const Data part = data.first(std::min(io::kBlockBytes, data.size()));
    std::ranges::copy(part, block->data());
    block->set_size(part.size());
    blocks_.push_back(std::move(block));
  }
}

DigestSet BlockStream::hash(std::size_t threads) const {
  Metrics metrics;
  io::WorkerPool pool("bench", threads);
  digest::Engine engine(pool, metrics);
  std::vector<std::promise<DigestSet>> promises(digest::engine_parts().size());
  for (std::size_t part = 0; part < promises.size(); ++part) {
    const std::shared_ptr<digest::Hasher> hasher =
        digest::make_hasher(digest::engine_parts()[part]);
    digest::Engine::Queue queue(engine, hasher);
    for (const auto& block : blocks_) queue.update(block);
    queue.post([&, hasher, part] { promises[part].set_value(hasher->finish()); });
  }
  std::vector<DigestSet> found;
  for (auto& promise : promises) found.push_back(promise.get_future().get());
  return digest::join(found);
}

}  // namespace strata::bench
