#include "bench/split_hash.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "bench/hash_runs.h"
#include "strata/digest/hasher.h"

namespace strata::bench {
namespace {

// Bounded, one producer and one consumer. An empty block ends the stream.
class BlockQueue {
 public:
  void push(Data block) {
    std::unique_lock lock(mutex_);
    if (blocks_.size() == kDepthMax) {
      has_room_.wait(lock, [this] { return blocks_.size() <= kDepthMax / 2; });
    }
    blocks_.push_back(block);
    lock.unlock();
    has_blocks_.notify_one();
  }
  Data pop() {
    std::unique_lock lock(mutex_);
    has_blocks_.wait(lock, [this] { return !blocks_.empty(); });
    const Data block = blocks_.front();
    blocks_.pop_front();
    const bool has_room = blocks_.size() == kDepthMax / 2;
    lock.unlock();
    // Seldom: to wake a thread on an idle CPU takes 20 us of this one in a virtual machine.
    if (has_room) has_room_.notify_one();
    return block;
  }

 private:
  static constexpr std::size_t kDepthMax = 8;
  std::mutex mutex_;
  std::condition_variable has_blocks_, has_room_;
  std::deque<Data> blocks_;
};

}  // namespace

DigestSet split_hash(Data data) {
  BlockQueue queue;
  DigestSet sha512_part;
  std::thread second([&] {
    const auto hasher = digest::make_hasher(digest::kSplit[0]);
    for (Data block = queue.pop(); !block.empty(); block = queue.pop()) hasher->update(block);
    sha512_part = hasher->finish();
  });
  const auto hasher = digest::make_hasher(digest::kSplit[1]);
  while (!data.empty()) {
    const Data block = data.first(std::min(kBlockBytes, data.size()));
    queue.push(block);
    hasher->update(block);
    data = data.subspan(block.size());
  }
  queue.push({});
  second.join();
  return digest::join(sha512_part, hasher->finish());
}

}  // namespace strata::bench
