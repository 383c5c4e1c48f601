#include "storage/service/seekable_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "storage/http/await_callback.h"

namespace strata::storage {

using codec::SeekBlock;

SeekableSource::SeekableSource(std::shared_ptr<SeekableView> view,
                               std::vector<http::ByteRange> ranges, ViewBlocks& blocks,
                               Options options)
    : view_(std::move(view)),
      ranges_(std::move(ranges)),
      blocks_(blocks),
      options_(std::move(options)),
      next_(ranges_.front().first) {}

// Where in the request the reader is, and whether it comes from where one has stopped.
void SeekableSource::enter(std::uint64_t offset) {
  if (entered_ && (offset != next_ || next_ >= ranges_[range_].end())) {
    ++range_;
    entered_ = false;
  }
  check(
      range_ < ranges_.size() && offset >= ranges_[range_].first && offset < ranges_[range_].end(),
      "a source is read as its ranges say");
  if (std::exchange(entered_, true)) return;
  read_before_ = view_->reads().note(ranges_[range_].first, ranges_[range_].length);
}

http::Awaitable<Result<std::size_t>> SeekableSource::read_some(std::uint64_t offset,
                                                               std::span<std::byte> out) {
  enter(offset);
  const std::size_t number = view_->index().block_at(offset);
  const SeekBlock& block = table()[number];
  const std::uint64_t skipped = offset - block.decoded_offset;
  const auto part = out.first(
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), block.decoded_bytes - skipped)));
  if (block.kind == SeekBlock::Kind::kZero) {
    read_ahead(number);
    std::ranges::fill(part, std::byte{0});
  } else {
    STRATA_CO_TRY(const Bytes bytes, co_await block_bytes(number));
    std::memcpy(part.data(), bytes->data() + skipped, part.size());
  }
  next_ = offset + part.size();
  co_return part.size();
}

http::Awaitable<Result<SeekableSource::Bytes>> SeekableSource::block_bytes(std::size_t block) {
  if (held_block_ == block && held_) co_return held_;
  held_.reset();
  Bytes bytes = blocks_.find(*view_, block);
  if (bytes) {
    read_ahead(block);
  } else {
    // What is waited for first, then what comes next.
    auto loaded =
        co_await http::await_callback<Result<Bytes>>([this, block](ViewBlocks::Done done) {
          blocks_.get(view_, block, std::move(done));
          read_ahead(block);
        });
    if (!loaded) co_return loaded.error();
    bytes = *std::move(loaded);
  }
  if (options_.place) {
    held_ = bytes;
    held_block_ = block;
  }
  co_return bytes;
}

// Behind `block`, which is read now: the rest of the request, which will be needed for certain,
// then what follows it. A reader in sequence has as much decoded ahead as it has read already.
// Never more than a quarter of the cache, so that it is still there when the reader comes to it.
void SeekableSource::read_ahead(std::size_t block) {
  if (std::exchange(ahead_of_, block) == block) return;
  const auto& index = view_->index();
  Budget budget{options_.ahead_max, blocks_.cache()->bytes_max() / 4};
  const std::size_t last = index.block_at(ranges_[range_].end() - 1);
  prefetch_between(block + 1, last + 1, budget);
  if (range_ + 1 < ranges_.size()) {
    for (std::size_t i = range_ + 1; i < ranges_.size() && budget.blocks > 0; ++i) {
      prefetch_between(index.block_at(ranges_[i].first), index.block_at(ranges_[i].end() - 1) + 1,
                       budget);
    }
    return;
  }
  if (read_before_ == 0) return;
  const std::uint64_t earned = 1 + read_before_ / table()[last].decoded_bytes;
  budget.blocks = static_cast<std::size_t>(std::min<std::uint64_t>(budget.blocks, earned));
  prefetch_between(std::max(block, last) + 1, table().size(), budget);
}

// The blocks of [from, to), as far as the budget goes.
void SeekableSource::prefetch_between(std::size_t from, std::size_t to, Budget& budget) {
  for (std::size_t block = from; block < to && budget.blocks > 0; ++block) {
    const SeekBlock& entry = table()[block];
    if (entry.kind == SeekBlock::Kind::kZero) continue;
    if (entry.decoded_bytes > budget.bytes) {
      budget.blocks = 0;
      return;
    }
    --budget.blocks;
    budget.bytes -= entry.decoded_bytes;
    blocks_.prefetch(view_, block);
  }
}

}  // namespace strata::storage
