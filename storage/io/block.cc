#include "strata/io/block.h"

#include <sys/mman.h>

#include <mutex>
#include <vector>

#include "strata/base/result.h"

namespace strata::io {

Block::Block() {
  void* memory =
      mmap(nullptr, kBlockBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "out of memory for a block");
  data_ = static_cast<std::byte*>(memory);
}

Block::~Block() {
  munmap(data_, kBlockBytes);
}

struct BlockPool::State {
  std::mutex mutex;
  std::vector<std::unique_ptr<Block>> free;
  std::size_t kept_max;

  void put_back(std::unique_ptr<Block> block) {
    block->set_size(0);
    const std::lock_guard lock(mutex);
    if (free.size() < kept_max) free.push_back(std::move(block));
  }
};

BlockPool::BlockPool(std::size_t kept_max) : state_(std::make_shared<State>()) {
  state_->kept_max = kept_max;
  state_->free.reserve(kept_max);
}

BlockPool::~BlockPool() = default;

std::shared_ptr<Block> BlockPool::take(void (*on_release)(void*), std::shared_ptr<void> context) {
  std::unique_ptr<Block> block;
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->free.empty()) {
      block = std::move(state_->free.back());
      state_->free.pop_back();
    }
  }
  if (!block) block = std::make_unique<Block>();
  return {block.release(),
          [state = state_, on_release, context = std::move(context)](Block* released) {
            state->put_back(std::unique_ptr<Block>(released));
            if (on_release != nullptr) on_release(context.get());
          }};
}

}  // namespace strata::io
