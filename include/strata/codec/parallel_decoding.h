#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "strata/io/worker_pool.h"

namespace strata::codec {

// Where decoders whose format allows it (xz: blocks that say their sizes) decode parts of a stream
// beside each other, and how much memory all of them together may hold for that. Copies are the
// same one. Thread-safe; the pool outlives the steps of decoders.
class ParallelDecoding {
 public:
  struct Options {
    // Stored and decoded bytes and decoder state of all jobs. A stream may always have one job, of
    // at most half of this, so that no stream ever waits for another one; that job may be beyond.
    std::uint64_t bytes_max;
    // Decoded bytes of a part. What is smaller is decoded in step: blocks of 64 KiB of xz are still
    // decoded 1.6 times as fast on two threads as on one, those of 1 MiB 1.9 times (strata-bench
    // --xz); below, handing them over soon costs more than it brings.
    std::uint64_t part_bytes_min = 64 * 1024;
  };
  ParallelDecoding(io::WorkerPool& pool, const Options& options);

  [[nodiscard]] io::WorkerPool& pool() const { return *pool_; }
  // Whether a part is worth a job: `decoded` bytes, `bytes` of memory with all it needs.
  [[nodiscard]] bool suits(std::uint64_t decoded, std::uint64_t bytes) const;

  // Memory of a job; given back when it goes.
  class Share {
   public:
    ~Share();
    Share(Share&& other) noexcept;
    Share& operator=(Share&&) = delete;

   private:
    friend class ParallelDecoding;
    using Used = std::shared_ptr<std::atomic<std::uint64_t>>;  // by all copies and jobs
    Share(Used used, std::uint64_t bytes);
    Used used_;
    std::uint64_t bytes_;
  };
  // nullopt when others hold too much.
  [[nodiscard]] std::optional<Share> take(std::uint64_t bytes) const;
  // For the only job of a stream.
  [[nodiscard]] Share take_beyond(std::uint64_t bytes) const;
  [[nodiscard]] std::uint64_t used() const;

 private:
  io::WorkerPool* pool_;
  Options options_;
  Share::Used used_;
};

}  // namespace strata::codec
