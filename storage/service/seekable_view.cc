#include "storage/service/seekable_view.h"

#include <utility>

namespace strata::storage {
namespace {

using Reader = std::shared_ptr<const blob::BlobReader>;

codec::ReadAt read_at(Reader reader) {
  if (!reader) return nullptr;
  return [reader = std::move(reader)](std::uint64_t offset, std::span<std::byte> out) {
    return reader->read_at(offset, out);
  };
}

Result<codec::SeekIndex> read_index(const Reader& file, const blob::BlobProperties& content) {
  STRATA_TRY(auto index, codec::read_seek_index(read_at(file), file->size()));
  if (index.encoding != content.encoding || index.stored_bytes != content.stored.bytes ||
      index.stored_sha256 != content.stored.sha256 ||
      index.decoded_bytes != content.decoded.bytes) {
    return Error(Errc::kCorruptData, "the seek index is of other bytes");
  }
  return index;
}

}  // namespace

Result<codec::SeekIndex> read_index_of(blob::BlobStore& store, const catalog::Image& image) {
  STRATA_TRY(const auto file, store.open_side(image.blob, blob::Side::kSeekIndex));
  return read_index(file, image.content);
}

SeekableView::SeekableView(codec::SeekIndex index, Readers readers,
                           std::shared_ptr<codec::BlockCache> cache, Damaged damaged)
    : index_(std::move(index)),
      sources_{.stored = read_at(std::move(readers.stored)),
               .index = read_at(std::move(readers.index)),
               .copy = read_at(std::move(readers.copy))},
      cache_(std::move(cache)),
      damaged_(std::move(damaged)),
      id_(cache_->new_view()) {}

SeekableView::~SeekableView() {
  cache_->forget(id_);
}

Result<std::shared_ptr<SeekableView>> SeekableView::open(blob::BlobStore& store,
                                                         const catalog::Image& image, Reader stored,
                                                         std::shared_ptr<codec::BlockCache> cache,
                                                         Damaged damaged) {
  STRATA_TRY(const auto file, store.open_side(image.blob, blob::Side::kSeekIndex));
  STRATA_TRY(auto index, read_index(file, image.content));
  if (!index.seekable()) {
    return Error(Errc::kNotSeekable, "the encoding has no places to enter it");
  }
  Reader copy;
  if (index.copy_bytes > 0) {
    STRATA_TRY(copy, store.open_side(image.blob, blob::Side::kSeekCopy));
    if (copy->size() != index.copy_bytes) {
      return Error(Errc::kCorruptData, "the seekable copy has another size than its index says");
    }
  }
  return std::make_shared<SeekableView>(std::move(index),
                                        Readers{std::move(stored), file, std::move(copy)},
                                        std::move(cache), std::move(damaged));
}

}  // namespace strata::storage
