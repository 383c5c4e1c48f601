#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "storage/blob/blob_store.h"
#include "storage/catalog/image.h"
#include "storage/codec/block_cache.h"
#include "storage/codec/seek_block.h"
#include "storage/codec/seek_index.h"
#include "storage/service/sequential_reads.h"
#include "strata/base/result.h"

namespace strata::storage {

// The seek index beside these bytes, which was made of them. kNotFound: there is none;
// kCorruptData: damaged, of another version or of other bytes. Both: it can be made again. Blocks:
// disk pool.
[[nodiscard]] Result<codec::SeekIndex> read_index_of(blob::BlobStore& store,
                                                     const catalog::Image& image);

// The decoded view of an encoded image, open for ranges: its index and all that blocks are decoded
// from. Its blocks leave the cache with it. Thread-safe.
class SeekableView {
 public:
  struct Readers {
    std::shared_ptr<const blob::BlobReader> stored;
    std::shared_ptr<const blob::BlobReader> index;
    std::shared_ptr<const blob::BlobReader> copy;  // null where there is none
  };
  // What is done when a block turns out to be damaged; any thread.
  using Damaged = std::function<void()>;
  // `cache` is shared by all views: the last ones may go when the server has gone.
  SeekableView(codec::SeekIndex index, Readers readers, std::shared_ptr<codec::BlockCache> cache,
               Damaged damaged = nullptr);
  ~SeekableView();
  SeekableView(const SeekableView&) = delete;
  SeekableView& operator=(const SeekableView&) = delete;

  // Errors as of read_index_of(); kNotSeekable when the index says that ranges are not possible,
  // which making it again would not change. Blocks: disk pool.
  [[nodiscard]] static Result<std::shared_ptr<SeekableView>> open(
      blob::BlobStore& store, const catalog::Image& image,
      std::shared_ptr<const blob::BlobReader> stored, std::shared_ptr<codec::BlockCache> cache,
      Damaged damaged = nullptr);

  void report_damage() const {
    if (damaged_) damaged_();
  }
  [[nodiscard]] const codec::SeekIndex& index() const { return index_; }
  [[nodiscard]] const codec::SeekSources& sources() const { return sources_; }
  [[nodiscard]] std::uint64_t id() const { return id_; }  // in the cache
  [[nodiscard]] SequentialReads& reads() { return reads_; }

 private:
  const codec::SeekIndex index_;
  const codec::SeekSources sources_;
  const std::shared_ptr<codec::BlockCache> cache_;
  const Damaged damaged_;
  const std::uint64_t id_;
  SequentialReads reads_;
};

}  // namespace strata::storage
