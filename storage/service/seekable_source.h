#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "storage/http/server.h"
#include "storage/service/decoded_source.h"
#include "storage/service/seekable_view.h"
#include "storage/service/view_blocks.h"
#include "strata/http/range.h"

namespace strata::storage {

// Ranges of the decoded view of an encoded image, block by block from the cache. The blocks that
// come next are decoded ahead on other cores: those that the request still needs, and behind its
// end those that a reader in sequence will ask for next. A reader that jumps gets nothing ahead.
// A damaged block is an error before a byte of it is handed out.
class SeekableSource final : public http::ContentSource {
 public:
  struct Options {
    std::size_t ahead_max;  // blocks decoded ahead
    // Holds the block that is being sent, for a client that takes longer than the block stays in
    // the cache; without a place (null) it is looked up there each time.
    std::unique_ptr<StreamPlace> place;
  };
  // `ranges` in the order in which they will be read, not empty.
  SeekableSource(std::shared_ptr<SeekableView> view, std::vector<http::ByteRange> ranges,
                 ViewBlocks& blocks, Options options);
  [[nodiscard]] std::optional<Slice> slice(std::uint64_t) const override { return std::nullopt; }
  [[nodiscard]] http::Awaitable<Result<std::size_t>> read_some(std::uint64_t offset,
                                                               std::span<std::byte> out) override;

 private:
  // What may still be decoded ahead of the place that is being read.
  struct Budget {
    std::size_t blocks;
    std::uint64_t bytes;
  };
  using Bytes = ViewBlocks::Bytes;

  void enter(std::uint64_t offset);
  [[nodiscard]] http::Awaitable<Result<Bytes>> block_bytes(std::size_t block);
  void read_ahead(std::size_t block);
  void prefetch_between(std::size_t from, std::size_t to, Budget& budget);
  [[nodiscard]] const std::vector<codec::SeekBlock>& table() const { return view_->index().blocks; }

  const std::shared_ptr<SeekableView> view_;  // sharers: its image, responses, loads
  const std::vector<http::ByteRange> ranges_;
  ViewBlocks& blocks_;
  const Options options_;
  std::size_t range_ = 0;            // the one that is being read
  std::uint64_t next_;               // where it is read on
  bool entered_ = false;             // a byte of it was asked for
  std::uint64_t read_before_ = 0;    // bytes that were read right before its first
  std::size_t ahead_of_ = SIZE_MAX;  // the block that was read ahead of
  Bytes held_;
  std::size_t held_block_ = SIZE_MAX;
};

}  // namespace strata::storage
