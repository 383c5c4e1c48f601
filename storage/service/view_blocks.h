#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "storage/codec/block_cache.h"
#include "storage/service/seekable_view.h"
#include "strata/base/limits.h"
#include "strata/base/metrics.h"
#include "strata/codec/decoder.h"
#include "strata/io/worker_pool.h"

namespace strata::storage {

// The decoded blocks of all seekable views: a cache, and behind it the loads, which read on the
// disk pool and decode on the compute pool. However many readers wait, only a few loads are at work
// at a time, since each holds stored bytes, a state and a decoded block (18 MiB at most); the
// others wait in order. Thread-safe; never blocks, but for the destructor.
class ViewBlocks {
 public:
  using Bytes = codec::BlockCache::Bytes;
  using Done = codec::BlockCache::Done;
  using View = std::shared_ptr<const SeekableView>;  // sharers: its image, responses, loads

  ViewBlocks(const Limits& limits, io::WorkerPool& disk, io::WorkerPool& compute, Metrics& metrics);
  // When nobody asks any more. Waits for the loads at work, which need the pools; what is in the
  // queue ends with kCancelled.
  ~ViewBlocks();
  ViewBlocks(const ViewBlocks&) = delete;
  ViewBlocks& operator=(const ViewBlocks&) = delete;

  // For the views, which leave it when they are closed.
  [[nodiscard]] const std::shared_ptr<codec::BlockCache>& cache() const { return cache_; }
  // Null when it would have to be decoded. `block` is the number of one that is not kZero, here and
  // below.
  [[nodiscard]] Bytes find(const SeekableView& view, std::size_t block);
  // See BlockCache::get() and prefetch().
  void get(const View& view, std::size_t block, Done done);
  void prefetch(const View& view, std::size_t block);

 private:
  struct Load {
    View view;
    std::size_t block;
    Done done;
  };
  using LoadPointer = std::shared_ptr<const Load>;  // sharers: the queue, then tasks of the pools
  [[nodiscard]] codec::BlockCache::Load loader(const View& view);
  void add(const LoadPointer& load);
  // Whether it has its turn now; else it is queued.
  [[nodiscard]] bool admit(const LoadPointer& load);
  void fetch(const LoadPointer& load);
  void decode(const Load& load, const codec::BlockInput& input);
  void end(const Load& load, const Result<Bytes>& result);

  const codec::DecoderLimits limits_;
  io::WorkerPool& disk_;
  io::WorkerPool& compute_;
  const std::size_t at_work_max_;
  const std::shared_ptr<codec::BlockCache> cache_;  // sharers: this and the views

  std::mutex mutex_;
  std::condition_variable idle_;
  std::deque<LoadPointer> queue_;
  std::size_t at_work_ = 0;
};

}  // namespace strata::storage
