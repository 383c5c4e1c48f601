#pragma once

#include <cstdint>
#include <span>

#include "strata/base/result.h"
#include "strata/io/file_system.h"

namespace strata::client {

// The smallest run of zeros that becomes a hole, and the alignment of a hole's ends. The server
// records the same runs (storage/FORMAT.md, "Seek index").
inline constexpr std::uint64_t kHoleBytesMin = 64 * 1024;
inline constexpr std::uint64_t kHoleAlignment = 4096;

// Makes the bytes read as zeros and gives their blocks back to the disk; where the file system
// cannot do that, writes zeros. The file reaches at least to their end afterwards.
[[nodiscard]] Status make_hole(io::File& file, std::uint64_t offset, std::uint64_t bytes);

// Writes a stretch of a file that comes in pieces, long runs of zeros in it as holes. Nothing is
// assumed of what is in the file there. One thread at a time; the file outlives it.
class SparseWriter {
 public:
  SparseWriter(io::File& file, std::uint64_t offset) : file_(file), written_(offset) {}

  // Zeros at the end of what was appended may wait for what follows them.
  [[nodiscard]] Status append(std::span<const std::byte> data);
  // Writes what waits.
  [[nodiscard]] Status flush();
  // All below, from `offset` on, is in the file.
  [[nodiscard]] std::uint64_t written() const { return written_; }
  [[nodiscard]] std::uint64_t end() const { return written_ + waiting_; }

 private:
  [[nodiscard]] Status settle(std::uint64_t end);
  [[nodiscard]] Status write_zeros(std::uint64_t end);
  [[nodiscard]] Status write(std::span<const std::byte> data);

  io::File& file_;
  std::uint64_t written_;
  std::uint64_t waiting_ = 0;  // zeros behind written_
  bool behind_hole_ = false;   // written_ is the end of a hole, which any zeros make longer
};

}  // namespace strata::client
