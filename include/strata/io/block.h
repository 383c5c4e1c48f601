#pragma once

#include <cstddef>
#include <memory>
#include <span>

// Blocks: what a body is read into, and what the writer, the digests and the decoder share without
// a copy. 1 MiB, aligned for O_DIRECT.
namespace strata::io {

inline constexpr std::size_t kBlockBytes = 1 << 20;
inline constexpr std::size_t kBlockAlignment = 4096;

class Block {
 public:
  Block();  // allocated, not zeroed
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  [[nodiscard]] std::byte* data() { return data_; }
  [[nodiscard]] std::span<std::byte> free_space() { return {data_ + size_, kBlockBytes - size_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void set_size(std::size_t size) { size_ = size; }

 private:
  std::byte* data_;
  std::size_t size_ = 0;
};

// A process-wide free list, so that a block's pages are faulted in once and not per upload. It
// keeps at most `kept_max` free blocks. Thread-safe; outlives every block taken from it.
class BlockPool {
 public:
  explicit BlockPool(std::size_t kept_max);
  ~BlockPool();
  // An empty block. Sharers of the pointer are the stages of one upload (writer, digests,
  // decoder); the last one returns the block to the pool. `on_release` runs then, on that thread.
  [[nodiscard]] std::shared_ptr<Block> take(void (*on_release)(void*) = nullptr,
                                            std::shared_ptr<void> context = nullptr);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace strata::io
