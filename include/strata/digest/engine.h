#pragma once

#include <functional>
#include <memory>

#include "strata/base/metrics.h"
#include "strata/digest/hasher.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

// Digests of many streams at once on the threads of a pool.
//
// A thread that becomes free takes what is there at that moment: the next block of up to 16 of the
// streams that have waited longest, in the lanes of one kernel (update_together). So lanes fill by
// themselves when the processor is behind, and nobody ever waits for company: a stream by itself
// goes at once through the stitched kernel, or over two threads while there is a free one. No more
// threads are used than bring more bytes (storage/digest/parallelism.h).
//
// Fair: streams take turns, a block each, and a thread takes no more than its share of them.
// Bounded: the engine holds nothing but the blocks that were given to it; whoever gives them bounds
// their number.
namespace strata::digest {

class Engine {
  class Scheduler;

 public:
  // The pool must outlive the engine's queues; the engine itself need not. Counters go to
  // `metrics`, which must outlive the pool's threads.
  Engine(io::WorkerPool& pool, Metrics& metrics);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // The work of one stream, done in order and one thing at a time. Destroying it waits for nothing;
  // what is queued is still done.
  class Queue {
   public:
    Queue(const Engine& engine, std::shared_ptr<Hasher> hasher);
    ~Queue();
    Queue(Queue&&) noexcept;
    Queue& operator=(Queue&&) noexcept;

    // Any thread. The hasher's update() with the block's bytes; the block is released behind it.
    void update(std::shared_ptr<const io::Block> block);
    // Any thread. Runs `task` on one of the pool's threads, behind everything given before: it may
    // use the hasher. It must be short, for the streams in the same turn wait for it, and not
    // throw.
    void post(std::function<void()> task);

   private:
    friend class Engine;
    struct State;
    std::shared_ptr<Scheduler> scheduler_;
    std::shared_ptr<State> state_;
  };

 private:
  std::shared_ptr<Scheduler> scheduler_;  // shared with the streams and the turns in the pool
};

}  // namespace strata::digest
