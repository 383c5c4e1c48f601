#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace strata::storage {

// Which readers of one view read on where they stopped, over requests and connections: a hypervisor
// asks for a disk in ranges of 64 KiB, a client with four connections in four rows of ranges.
// Nobody tells us who the reader is, so a reader is the place where it stopped. Thread-safe.
class SequentialReads {
 public:
  // Somebody reads these bytes; how many were read right before them without a gap. 0: a reader
  // that begins, or one that jumps.
  std::uint64_t note(std::uint64_t offset, std::uint64_t bytes);

 private:
  struct Run {
    std::uint64_t end = 0;
    std::uint64_t bytes = 0;  // 0: free
  };
  static constexpr std::size_t kRuns = 16;  // as many readers of an image are told apart

  std::mutex mutex_;
  std::array<Run, kRuns> runs_;  // most recently used first
};

}  // namespace strata::storage
