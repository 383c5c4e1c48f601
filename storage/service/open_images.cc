#include "storage/service/open_images.h"

#include "storage/service/content_policy.h"
#include "storage/service/resources.h"
#include "storage/service/view_blocks.h"
#include "strata/base/log.h"

namespace strata::storage {
namespace {

struct Seek {
  std::shared_ptr<SeekableView> view;  // null: the decoded view has no ranges
  bool under_way = false;
};

// An index that is missing or damaged is made again: this is where that is noticed.
Seek open_seekable(Services& services, const catalog::Image& image,
                   const std::shared_ptr<const blob::BlobReader>& reader) {
  if (image.content.encoding == codec::Encoding::kIdentity) return {};
  // A block that is damaged may be so in the index or the copy, which are then made again.
  auto damaged = [&services, blob = image.blob, content = image.content] {
    (void)services.reindexer.want(blob, content);
  };
  auto view = SeekableView::open(services.blob_store, image, reader, services.view_blocks.cache(),
                                 std::move(damaged));
  if (view) return {.view = *std::move(view)};
  const Error& error = view.error();
  if (error.code() == Errc::kNotSeekable) return {};
  if (error.code() != Errc::kNotFound && error.code() != Errc::kCorruptData) {
    log::warn("seek_index.not_opened", {{"image", image.id.text()}, {"why", error.message()}});
    return {.view = nullptr,
            .under_way = true};  // the disk may be well again: nothing is known of the index
  }
  const auto answer = services.reindexer.want(image.blob, image.content);
  if (error.code() != Errc::kNotFound) {
    log::warn("seek_index.unusable", {{"image", image.id.text()}, {"why", error.message()}});
  }
  return {.view = nullptr, .under_way = answer == upload::Reindexer::Answer::kUnderWay};
}

std::size_t index_bytes(const OpenImages::Opened& opened) {
  return opened.seek ? opened.seek->index().memory_bytes() : 0;
}

}  // namespace

OpenImages::Pointer OpenImages::find(const std::string& id, const Principal& principal) {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  const catalog::Image& image = found->second->image->image;
  if (image.visibility != catalog::Visibility::kPublic && image.owner != principal.id) {
    return nullptr;
  }
  order_.splice(order_.begin(), order_, found->second);
  return found->second->image;
}

Result<OpenImages::Pointer> OpenImages::open(Services& services, const std::string& id,
                                             const Principal& principal) {
  std::uint64_t changes_before = 0;
  {
    const std::lock_guard lock(mutex_);
    changes_before = changes_;
  }
  STRATA_TRY(auto image, find_visible_image(services, principal, id));
  STRATA_TRY(auto reader, services.blob_store.open(image.blob));
  auto seek = open_seekable(services, image, reader);
  const auto opened = std::make_shared<const Opened>(
      Opened{std::move(image), std::move(reader), std::move(seek.view), seek.under_way});
  if (!seek.under_way) keep(id, opened, changes_before);
  return Pointer(opened);
}

void OpenImages::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  drop(found->second);
}

void OpenImages::forget_blob(const BlobId& blob) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  for (auto kept = order_.begin(); kept != order_.end();) {
    const auto here = kept++;
    if (here->image->image.blob == blob) drop(here);
  }
}

void OpenImages::drop(std::list<Kept>::iterator kept) {
  index_bytes_ -= index_bytes(*kept->image);
  by_id_.erase(kept->id);
  order_.erase(kept);
}

void OpenImages::keep(const std::string& id, const Pointer& image, std::uint64_t changes_before) {
  const std::lock_guard lock(mutex_);
  if (changes_ != changes_before || by_id_.contains(id)) return;
  order_.push_front({id, image});
  by_id_[id] = order_.begin();
  index_bytes_ += index_bytes(*image);
  while (order_.size() > options_.images_max ||
         (index_bytes_ > options_.index_bytes_max && order_.size() > 1)) {
    drop(std::prev(order_.end()));
  }
}

http::Awaitable<Result<OpenImages::Pointer>> open_image(Services& services, const std::string& id,
                                                        const Principal& principal) {
  Result<OpenImages::Pointer> opened = services.open_images.find(id, principal);
  if (*opened == nullptr) {
    opened = co_await http::run_on(
        services.disk, [&] { return services.open_images.open(services, id, principal); });
  }
  if (!opened) co_return opened;
  if (const Status allowed = allow_content(services, (*opened)->image.content); !allowed) {
    co_return allowed.error();
  }
  co_return opened;
}

}  // namespace strata::storage
