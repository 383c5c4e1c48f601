#include "strata/digest/engine.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <mutex>
#include <vector>

#include "storage/digest/lane_plan.h"
#include "storage/digest/parallelism.h"
#include "storage/digest/thread_cpu_time.h"
#include "storage/digest/two_threads.h"

namespace strata::digest {
namespace {

using Clock = std::chrono::steady_clock;

// A turn takes the same number of bytes of each stream: as many as the one with the shortest block
// has, lest its lane stays empty, but not so few that finding the lanes costs more than filling
// them.
constexpr std::size_t kTurnBytesMin = std::size_t{64} << 10;

// See Parallelism::Efficiency. The streams are spread as evenly as turn() does it.
double efficiency(std::size_t active, std::size_t threads) {
  if (active == 1 && threads > 1) {
    const double cost = two_threads_cost(kernel_costs());
    if (cost < kImpossible) return 1 / cost;
  }
  threads = std::min(threads, active);
  const auto& plans = lane_plans(Algorithms::kAll);
  const auto rate = [&](std::size_t streams) {
    const std::size_t lanes = std::min(streams, kLanesMax);
    return static_cast<double>(lanes) / plans[lanes].cost;
  };
  const std::size_t fewer = active / threads;
  const auto with_more = static_cast<double>(active % threads);
  const auto all = static_cast<double>(threads);
  return (with_more * rate(fewer + 1) + (all - with_more) * rate(fewer)) / all;
}

struct Counters {
  explicit Counters(Metrics& metrics)
      : alone(bytes(metrics, "alone")),
        two_threads(bytes(metrics, "two-threads")),
        together(bytes(metrics, "together")),
        turns(metrics.counter("strata_digest_turns_total",
                              "Times that a thread took blocks of streams to digest")),
        lane_bytes(metrics.counter("strata_digest_lane_bytes_total",
                                   "Bytes that the lanes of vector kernels had room for, once for "
                                   "each algorithm")),
        filled_bytes(metrics.counter("strata_digest_lane_filled_bytes_total",
                                     "Bytes of streams in those lanes, once for each algorithm")),
        threads(
            metrics.gauge("strata_digest_threads_allowed",
                          "Threads that digests use at a time: as many as each bring something")),
        queue_seconds(metrics.histogram("strata_digest_queue_seconds",
                                        "Time that a stream's block waited for a thread")) {}

  static Counter& bytes(Metrics& metrics, const std::string& way) {
    return metrics.counter("strata_digest_bytes_total",
                           "Bytes digested: of streams alone, over two threads, or together",
                           "way=\"" + way + "\"");
  }

  Counter &alone, &two_threads, &together, &turns, &lane_bytes, &filled_bytes;
  Gauge& threads;
  Histogram& queue_seconds;
};

}  // namespace

// Guarded by the scheduler's mutex, except for the hasher and the front item of a queue that a turn
// has taken: those are the turn's.
struct Engine::Queue::State {
  struct Item {
    std::shared_ptr<const io::Block> block;  // or null: a task
    std::size_t done = 0;                    // bytes of the block
    std::function<void()> task;
  };

  explicit State(std::shared_ptr<Hasher> h) : hasher(std::move(h)) {}

  const std::shared_ptr<Hasher> hasher;
  std::deque<Item> items;
  bool active = false;  // in the scheduler's `ready`, or taken by a turn
  Clock::time_point ready_since{};
};

class Engine::Scheduler : public std::enable_shared_from_this<Engine::Scheduler> {
 public:
  Scheduler(io::WorkerPool& pool, Metrics& metrics)
      : pool_(pool), counters_(metrics), parallelism_(pool.threads(), efficiency) {
    (void)kernel_costs();  // measured now, not in the first turn
    counters_.threads.set(static_cast<std::int64_t>(parallelism_.allowed()));
  }

  void give(const std::shared_ptr<Queue::State>& queue, Queue::State::Item item) {
    const std::lock_guard lock(mutex_);
    queue->items.push_back(std::move(item));
    if (queue->active) return;
    queue->active = true;
    ++active_;
    make_ready(queue, Clock::now());
    post_turns();
  }

 private:
  using Queues = std::vector<std::shared_ptr<Queue::State>>;

  void make_ready(const std::shared_ptr<Queue::State>& queue, Clock::time_point now) {
    queue->ready_since = now;
    ready_.push_back(queue);
  }

  // As many turns as there are streams that wait, and threads allowed.
  void post_turns() {
    while (turns_waiting_ < ready_.size() && turns_ < parallelism_.allowed()) {
      ++turns_;
      ++turns_waiting_;
      pool_.post([self = shared_from_this()] { self->turn(); });
    }
  }

  // How many streams a turn takes: an even part of those that are ready, for the turns that wait to
  // take some, but no more than its share of all, or those that another thread has just finished
  // with would all join the one that comes next, and stay together.
  [[nodiscard]] std::size_t part(std::size_t turns_waiting) const {
    const auto divided = [](std::size_t streams, std::size_t by) {
      return (streams + by - 1) / by;
    };
    return std::min({divided(ready_.size(), turns_waiting),
                     divided(active_, parallelism_.allowed()), kLanesMax});
  }

  void turn() {
    Queues taken;
    bool may_split = false;
    {
      const std::lock_guard lock(mutex_);
      const std::size_t count = part(turns_waiting_--);
      const auto now = Clock::now();
      for (std::size_t i = 0; i < count; ++i) {
        const std::chrono::duration<double> waited = now - ready_[i]->ready_since;
        counters_.queue_seconds.observe(waited.count());
      }
      const auto end = ready_.begin() + static_cast<std::ptrdiff_t>(count);
      taken.assign(std::make_move_iterator(ready_.begin()), std::make_move_iterator(end));
      ready_.erase(ready_.begin(), end);
      may_split = active_ == 1 && parallelism_.allowed() > 1;
    }
    const auto start = Clock::now();
    const auto cpu_start = thread_cpu_time();
    const auto others = run(taken, may_split);
    const auto cpu = thread_cpu_time() - cpu_start + others;
    give_back(std::move(taken), Clock::now() - start, cpu);
  }

  void give_back(Queues taken, Clock::duration wall, std::chrono::nanoseconds cpu) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    parallelism_.turn(now, wall, cpu, active_);
    counters_.threads.set(static_cast<std::int64_t>(parallelism_.allowed()));
    for (auto& queue : taken) {
      if (!queue->items.empty()) {
        make_ready(queue, now);
      } else {
        queue->active = false;
        --active_;
      }
    }
    --turns_;
    post_turns();
  }

  // Tasks up to the first block of each stream, a piece of that block, and the tasks behind it when
  // it is done. Items are touched only under the lock, what is in them is not. Returns the CPU time
  // of other threads.
  std::chrono::nanoseconds run(const Queues& taken, bool may_split) {
    struct Taken {
      Queue::State* queue;
      std::shared_ptr<const io::Block> block;
      std::size_t done;
    };
    std::vector<Taken> blocks;
    std::size_t shortest = io::kBlockBytes;
    for (const auto& queue : taken) {
      run_tasks(*queue);
      const std::lock_guard lock(mutex_);
      if (queue->items.empty()) continue;
      const auto& item = queue->items.front();
      if (!item.block) continue;  // given while the tasks ran
      blocks.push_back({queue.get(), item.block, item.done});
      shortest = std::min(shortest, item.block->size() - item.done);
    }
    const std::size_t bytes_max = std::max(shortest, kTurnBytesMin);
    std::vector<Piece> pieces;
    for (const Taken& taken_block : blocks) {
      const auto rest = taken_block.block->bytes().subspan(taken_block.done);
      pieces.push_back(
          {taken_block.queue->hasher.get(), rest.first(std::min(rest.size(), bytes_max))});
    }
    const auto others = digest(pieces, may_split);
    {
      std::vector<std::shared_ptr<const io::Block>> released;  // outside the lock: it may call back
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        auto& items = blocks[i].queue->items;
        items.front().done += pieces[i].data.size();
        if (items.front().done < items.front().block->size()) continue;
        released.push_back(std::move(items.front().block));
        items.pop_front();
      }
    }
    blocks.clear();
    for (const auto& queue : taken) run_tasks(*queue);
    return others;
  }

  void run_tasks(Queue::State& queue) {
    for (;;) {
      std::function<void()> task;
      {
        const std::lock_guard lock(mutex_);
        if (queue.items.empty() || queue.items.front().block) return;
        task = std::move(queue.items.front().task);
        queue.items.pop_front();
      }
      task();
    }
  }

  std::chrono::nanoseconds digest(const std::vector<Piece>& pieces, bool may_split) {
    std::chrono::nanoseconds none{0};
    if (pieces.empty()) return none;
    counters_.turns.add();
    if (pieces.size() > 1) {
      const LaneUse use = update_together(pieces);
      counters_.lane_bytes.add(use.lane_bytes);
      counters_.filled_bytes.add(use.filled_bytes);
      for (const Piece& piece : pieces) counters_.together.add(piece.data.size());
      return none;
    }
    const Piece& piece = pieces.front();
    if (may_split && pool_.idle() > 0) {
      const auto start = [this](std::function<void()> task) { pool_.post(std::move(task)); };
      if (const auto others = update_on_two_threads(*piece.hasher, piece.data, start)) {
        counters_.two_threads.add(piece.data.size());
        return *others;
      }
    }
    piece.hasher->update(piece.data);
    counters_.alone.add(piece.data.size());
    return none;
  }

  io::WorkerPool& pool_;
  const Counters counters_;
  std::mutex mutex_;
  std::deque<std::shared_ptr<Queue::State>> ready_;  // those that have waited longest first
  std::size_t active_ = 0;                           // queues ready or taken
  std::size_t turns_ = 0;                            // in the pool: waiting there or running
  std::size_t turns_waiting_ = 0;
  Parallelism parallelism_;
};

Engine::Engine(io::WorkerPool& pool, Metrics& metrics)
    : scheduler_(std::make_shared<Scheduler>(pool, metrics)) {}
Engine::~Engine() = default;

Engine::Queue::Queue(const Engine& engine, std::shared_ptr<Hasher> hasher)
    : scheduler_(engine.scheduler_), state_(std::make_shared<State>(std::move(hasher))) {}
Engine::Queue::~Queue() = default;
Engine::Queue::Queue(Queue&&) noexcept = default;
Engine::Queue& Engine::Queue::operator=(Queue&&) noexcept = default;

void Engine::Queue::update(std::shared_ptr<const io::Block> block) {
  scheduler_->give(state_, {std::move(block), 0, {}});
}

void Engine::Queue::post(std::function<void()> task) {
  scheduler_->give(state_, {nullptr, 0, std::move(task)});
}

}  // namespace strata::digest
