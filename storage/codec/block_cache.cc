#include "storage/codec/block_cache.h"

#include <atomic>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace strata::codec {
namespace {

struct KeyHash {
  std::size_t operator()(const BlockCache::Key& key) const {
    // Both are small numbers that count up: spread them with the golden ratio.
    return static_cast<std::size_t>(key.view * 0x9e3779b97f4a7c15ULL ^ key.block);
  }
};

Counter& requests(Metrics& metrics, std::string_view labels) {
  return metrics.counter("strata_block_cache_requests_total", "Decoded blocks asked for", labels);
}

Counter& read_ahead(Metrics& metrics, std::string_view labels) {
  return metrics.counter("strata_block_cache_read_ahead_total",
                         "Blocks decoded before they were asked for", labels);
}

}  // namespace

struct BlockCache::State {
  State(const Options& limits, Metrics& metrics)
      : options(limits),
        hits(requests(metrics, "result=\"hit\"")),
        joined(requests(metrics, "result=\"joined\"")),
        misses(requests(metrics, "result=\"miss\"")),
        ahead_started(read_ahead(metrics, "result=\"started\"")),
        ahead_unused(read_ahead(metrics, "result=\"unused\"")),
        bytes_gauge(metrics.gauge("strata_block_cache_bytes", "Decoded blocks in memory")) {}
  ~State() { bytes_gauge.add(-static_cast<std::int64_t>(bytes_kept)); }

  struct Kept {
    Key key;
    Bytes bytes;
    bool unused;  // read ahead, and nobody has asked for it yet
  };
  struct Flight {
    std::vector<Done> waiting;
    bool ahead = false;      // of prefetch(), and nobody waits
    bool forgotten = false;  // its view is closed
  };

  // The following need the mutex.
  Bytes take(const Key& key);
  void keep(const Key& key, const Bytes& bytes, bool unused);
  std::list<Kept>::iterator drop(std::list<Kept>::iterator kept);

  void start(const Key& key, const Load& load, const std::shared_ptr<State>& self);
  void end(const Key& key, const Result<Bytes>& result);

  const Options options;
  Counter& hits;
  Counter& joined;
  Counter& misses;
  Counter& ahead_started;
  Counter& ahead_unused;
  Gauge& bytes_gauge;
  std::atomic<std::uint64_t> views{0};

  std::mutex mutex;
  std::list<Kept> order;  // most recently used first
  std::unordered_map<Key, std::list<Kept>::iterator, KeyHash> kept_at;
  std::unordered_map<Key, Flight, KeyHash> flights;
  std::size_t bytes_kept = 0;
  std::size_t ahead = 0;  // flights that nobody waits for
};

BlockCache::Bytes BlockCache::State::take(const Key& key) {
  const auto found = kept_at.find(key);
  if (found == kept_at.end()) return nullptr;
  order.splice(order.begin(), order, found->second);
  found->second->unused = false;
  hits.add();
  return found->second->bytes;
}

std::list<BlockCache::State::Kept>::iterator BlockCache::State::drop(
    std::list<Kept>::iterator kept) {
  if (kept->unused) ahead_unused.add();
  bytes_kept -= kept->bytes->size();
  bytes_gauge.add(-static_cast<std::int64_t>(kept->bytes->size()));
  kept_at.erase(kept->key);
  return order.erase(kept);
}

void BlockCache::State::keep(const Key& key, const Bytes& bytes, bool unused) {
  if (bytes->size() > options.bytes_max) return;
  while (bytes_kept > options.bytes_max - bytes->size()) drop(std::prev(order.end()));
  order.push_front({key, bytes, unused});
  kept_at[key] = order.begin();
  bytes_kept += bytes->size();
  bytes_gauge.add(static_cast<std::int64_t>(bytes->size()));
}

void BlockCache::State::start(const Key& key, const Load& load,
                              const std::shared_ptr<State>& self) {
  load(key, [self, key](const Result<Bytes>& result) { self->end(key, result); });
}

void BlockCache::State::end(const Key& key, const Result<Bytes>& result) {
  Flight flight;
  {
    const std::lock_guard lock(mutex);
    const auto found = flights.find(key);
    check(found != flights.end(), "a load of a block ends once");
    flight = std::move(found->second);
    flights.erase(found);
    if (flight.ahead) --ahead;
    if (result && !flight.forgotten) keep(key, *result, flight.ahead);
  }
  for (const Done& done : flight.waiting) done(result);
}

BlockCache::BlockCache(const Options& options, Metrics& metrics)
    : state_(std::make_shared<State>(options, metrics)) {}

BlockCache::~BlockCache() = default;

std::size_t BlockCache::bytes_max() const {
  return state_->options.bytes_max;
}

std::uint64_t BlockCache::new_view() {
  return ++state_->views;
}

BlockCache::Bytes BlockCache::find(const Key& key) {
  const std::lock_guard lock(state_->mutex);
  return state_->take(key);
}

void BlockCache::get(const Key& key, const Load& load, Done done) {
  Bytes bytes;
  {
    const std::lock_guard lock(state_->mutex);
    bytes = state_->take(key);
    if (!bytes) {
      const auto [flight, started] = state_->flights.try_emplace(key);
      flight->second.waiting.push_back(std::move(done));
      (started ? state_->misses : state_->joined).add();
      if (std::exchange(flight->second.ahead, false)) --state_->ahead;
      if (!started) return;
    }
  }
  if (bytes) return done(std::move(bytes));
  state_->start(key, load, state_);
}

void BlockCache::prefetch(const Key& key, const Load& load) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->ahead >= state_->options.ahead_max || state_->kept_at.contains(key)) return;
    const auto [flight, started] = state_->flights.try_emplace(key);
    if (!started) return;
    flight->second.ahead = true;
    ++state_->ahead;
    state_->ahead_started.add();
  }
  state_->start(key, load, state_);
}

void BlockCache::forget(std::uint64_t view) {
  const std::lock_guard lock(state_->mutex);
  for (auto kept = state_->order.begin(); kept != state_->order.end();) {
    kept = kept->key.view == view ? state_->drop(kept) : std::next(kept);
  }
  for (auto& [key, flight] : state_->flights) {
    if (key.view == view) flight.forgotten = true;
  }
}

}  // namespace strata::codec
