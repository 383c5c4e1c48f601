#include "storage/service/open_images.h"

#include "storage/service/resources.h"

namespace strata::storage {

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
  const auto opened = std::make_shared<const Opened>(Opened{std::move(image), std::move(reader)});
  keep(id, opened, changes_before);
  return Pointer(opened);
}

void OpenImages::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  order_.erase(found->second);
  by_id_.erase(found);
}

void OpenImages::keep(const std::string& id, const Pointer& image, std::uint64_t changes_before) {
  const std::lock_guard lock(mutex_);
  if (changes_ != changes_before || by_id_.contains(id)) return;
  order_.push_front({id, image});
  by_id_[id] = order_.begin();
  if (order_.size() <= kept_max_) return;
  by_id_.erase(order_.back().id);
  order_.pop_back();
}

}  // namespace strata::storage
