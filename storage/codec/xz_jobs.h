#pragma once

#include <lzma.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "storage/codec/xz_block.h"
#include "strata/codec/parallel_decoding.h"

namespace strata::codec {

// Whole Blocks of one xz file, each decoded as a job on the threads of a pool, several at a time;
// what comes out of the first is there piece by piece. Nobody waits on a thread of the pool: a job
// gives its thread back after each piece, and `wake` is called when there is more to take.
// One thread at a time, but for what runs on the pool.
class XzJobs {
 public:
  explicit XzJobs(const ParallelDecoding& where);
  ~XzJobs();  // jobs stop behind the piece that they are at
  XzJobs(const XzJobs&) = delete;
  XzJobs& operator=(const XzJobs&) = delete;

  // Called on a thread of the pool, without a lock, once after each take() that found nothing.
  // Perhaps once more when this is gone already.
  void set_wake(std::function<void()> wake);

  // Whether a block should be a job: it says its sizes, which need not be true.
  [[nodiscard]] bool suits(const XzBlockSizes& sizes) const;
  // Room for another job, as far as its number goes.
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] bool empty() const;

  // A block to be gathered, behind the ones before it: `header` and sizes from it.
  void begin(std::span<const std::uint8_t> header, lzma_check check, const XzBlockSizes& sizes);
  // Takes of `in` what belongs to it; returns how much. Memory grows as bytes come.
  [[nodiscard]] std::size_t gather(std::span<const std::uint8_t> in);
  [[nodiscard]] bool gathered() const;
  [[nodiscard]] const XzBlockSizes& gathering() const;
  // Starts decoding what was gathered; false when others hold the memory for it, and this has jobs.
  [[nodiscard]] bool submit();

  // What the first job has decoded, as far as `out` goes and it has come.
  struct Taken {
    std::size_t bytes = 0;
    std::uint64_t stored = 0;      // of the block behind its header, for all that was taken of it
    std::optional<lzma_ret> code;  // the block has ended and all of it was taken
    bool begun = false;            // the code is of its data, not of its header
  };
  [[nodiscard]] Taken take(std::span<std::uint8_t> out);
  void pop();  // the first one has ended

 private:
  struct Job;
  struct State;
  class Runner;
  ParallelDecoding where_;
  std::shared_ptr<State> state_;  // shared with the runners
  std::unique_ptr<Job> gathering_;
};

}  // namespace strata::codec
