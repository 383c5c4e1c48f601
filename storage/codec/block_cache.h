#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "strata/base/metrics.h"
#include "strata/base/result.h"

namespace strata::codec {

// Decoded blocks of images in demand. Bounded in bytes, the least recently used goes first; single
// flight: a block that several readers want is decoded once. Thread-safe; never blocks.
class BlockCache {
 public:
  using Bytes = std::shared_ptr<const std::vector<std::byte>>;  // sharers: the cache and readers
  struct Key {
    std::uint64_t view;   // from new_view(), one for each open index
    std::uint64_t block;  // its number there
    bool operator==(const Key&) const = default;
  };
  using Done = std::function<void(Result<Bytes>)>;  // must not throw
  // Starts the work and calls back once, on any thread, maybe at once. Must not throw.
  using Load = std::function<void(const Key&, Done)>;

  struct Options {
    std::size_t bytes_max;  // a block that is larger goes to those who wait for it, and is not kept
    std::size_t ahead_max;  // loads of prefetch() under way that no get() waits for
  };

  // Loads may end when the cache has gone; the metrics must still be there.
  BlockCache(const Options& options, Metrics& metrics);
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  [[nodiscard]] std::size_t bytes_max() const;
  [[nodiscard]] std::uint64_t new_view();
  // Null when it is not there (yet).
  [[nodiscard]] Bytes find(const Key& key);
  // `done` runs once: at once when the block is there, else when the load that is under way, or
  // that this call starts, ends. An error is not kept: the next get() tries again.
  void get(const Key& key, const Load& load, Done done);
  // get() for nobody yet: read-ahead. Nothing when it is there or under way, or when `ahead_max`
  // loads of nobody are under way already.
  void prefetch(const Key& key, const Load& load);
  // Drops the blocks of a view that is closed; loads under way end without being kept.
  void forget(std::uint64_t view);

 private:
  struct State;
  std::shared_ptr<State> state_;  // sharers: the cache and the loads under way
};

}  // namespace strata::codec
