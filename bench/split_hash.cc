#include "bench/split_hash.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "strata/digest/hasher.h"

namespace strata::bench {
namespace {

using Block = std::span<const std::byte>;

// Bounded, one producer and one consumer. An empty block ends the stream.
class BlockQueue {
 public:
  void push(Block block) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return blocks_.size() < kDepthMax; });
    blocks_.push_back(block);
    changed_.notify_one();
  }
  Block pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !blocks_.empty(); });
    const Block block = blocks_.front();
    blocks_.pop_front();
    changed_.notify_one();
    return block;
  }

 private:
  static constexpr std::size_t kDepthMax = 8;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> blocks_;
};

}  // namespace

DigestSet split_hash(std::span<const std::byte> data) {
  BlockQueue queue;
  DigestSet second_part;
  std::thread second([&] {
    const auto hasher = digest::make_hasher(digest::kSplit[1]);
    for (Block block = queue.pop(); !block.empty(); block = queue.pop()) hasher->update(block);
    second_part = hasher->finish();
  });
  const auto hasher = digest::make_hasher(digest::kSplit[0]);
  while (!data.empty()) {
    const Block block = data.first(std::min(kBlockBytes, data.size()));
    queue.push(block);
    hasher->update(block);
    data = data.subspan(block.size());
  }
  queue.push({});
  second.join();
  return digest::join(hasher->finish(), second_part);
}

}  // namespace strata::bench
