#include "storage/catalog/image_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/catalog/image_locks.h"
#include "strata/base/log.h"

namespace strata::catalog {
namespace {

// The blob cannot be used, and trying again will not help.
bool is_lost(const Error& error) {
  return error.code() == Errc::kNotFound || error.code() == Errc::kCorruptData;
}

// `images` with `image` instead of what had its id, or at the end.
std::vector<Image> with(std::vector<Image> images, const Image& image) {
  const auto same = [&](const Image& other) { return other.id == image.id; };
  const auto found = std::find_if(images.begin(), images.end(), same);
  if (found == images.end()) {
    images.push_back(image);
  } else {
    *found = image;
  }
  return images;
}

}  // namespace

ImageStore::ImageStore(blob::BlobStore& blobs, Catalog& catalog, Clock& clock, Registers registers)
    : blobs_(blobs),
      catalog_(catalog),
      clock_(clock),
      registers_(std::move(registers)),
      locks_(std::make_unique<Locks>()) {}

ImageStore::~ImageStore() = default;

Result<ImageStore::Annotated> ImageStore::annotated(const BlobId& blob) {
  STRATA_TRY(blob::BlobInfo info, blobs_.info(blob));
  STRATA_TRY(auto images, images_from_annotation(info.annotation, blob, info.properties));
  return Annotated{std::move(info), std::move(images)};
}

Result<Image> ImageStore::publish(std::unique_ptr<blob::BlobWriter> writer, Image image,
                                  const blob::BlobProperties& properties) {
  // Two uploads of the same content at once: the second finds what the first published.
  const auto content = locks_->content(image.owner, properties.stored.sha256);
  STRATA_TRY(const auto existing,
             catalog_.find_blob(image.owner, properties.stored.sha256, properties.stored.bytes));
  if (existing) {
    const auto lock = locks_->blob(*existing);
    STRATA_TRY(auto adopted, adopt(*existing, image));
    if (adopted) {
      writer->abort();
      return std::move(*adopted);
    }
  }
  const auto lock = locks_->blob(writer->id());
  return commit_new(*writer, std::move(image), properties);
}

Result<bool> ImageStore::publish_committed(
    const BlobId& blob, const std::function<Result<Image>(const blob::BlobProperties&)>& make) {
  const auto known = blobs_.info(blob);
  if (!known && known.error().code() == Errc::kNotFound) return false;
  if (!known) return known.error();
  STRATA_TRY(Image image, make(known->properties));
  const auto content = locks_->content(image.owner, known->properties.stored.sha256);
  const auto lock = locks_->blob(blob);
  STRATA_TRY(const auto adopted, adopt(blob, std::move(image)));
  return adopted.has_value();
}

// The image joins `blob`; nullopt when that one is gone or damaged.
Result<std::optional<Image>> ImageStore::adopt(const BlobId& blob, Image image) {
  const auto known = annotated(blob);
  const auto reader = blobs_.open(blob);
  for (const Error* error :
       {known ? nullptr : &known.error(), reader ? nullptr : &reader.error()}) {
    if (error == nullptr) continue;
    if (!is_lost(*error)) return *error;
    log::warn("blob.not_adopted", {{"blob", blob.text()}, {"error", error->message()}});
    return std::optional<Image>();
  }
  image.blob = blob;
  image.content = known->info.properties;
  const std::string annotation = to_annotation(with(known->images, image));
  auto done = blobs_.annotate(blob, annotation);
  if (done) done = catalog_.put(image, registers_(image));
  if (!done) {
    take_back(image, known->info.annotation);
    return done.error();
  }
  return std::optional(std::move(image));
}

Result<Image> ImageStore::commit_new(blob::BlobWriter& writer, Image image,
                                     const blob::BlobProperties& properties) {
  image.blob = writer.id();
  image.content = properties;
  if (auto committed = writer.commit(properties, to_annotation({image})); !committed) {
    return committed.error();
  }
  if (auto put = catalog_.put(image, registers_(image)); !put) {
    // Not blobs_.remove: should the write have reached the disk nevertheless, then an empty
    // annotation tells the next start that this image is not to be; no blob at all would not.
    take_back(image, to_annotation({}));
    abandon(image.blob);
    return put.error();
  }
  return image;
}

// A new image could not be written everywhere; `annotation` is the one without it. What failed may
// have taken effect nevertheless, so both places are told.
void ImageStore::take_back(const Image& image, const std::string& annotation) {
  const auto annotated_again = blobs_.annotate(image.blob, annotation);
  const auto removed = catalog_.remove(image.id, registers_(image), clock_.now());
  const bool done = annotated_again && (removed || removed.error().code() == Errc::kNotFound);
  if (done) return;
  log::error("image.take_back_failed", {{"image", image.id.text()}, {"blob", image.blob.text()}});
}

void ImageStore::abandon(const BlobId& blob) {
  const auto added = catalog_.add_removal(blob, clock_.now());
  if (added || added.error().code() == Errc::kInUse) return;
  const std::lock_guard lock(abandoned_mutex_);
  abandoned_.insert(blob);
}

Result<Image> ImageStore::update(const ImageId& id, const std::function<Status(Image&)>& change) {
  STRATA_TRY(const Image seen, catalog_.get(id));
  const auto lock = locks_->blob(seen.blob);
  STRATA_TRY(const Image old, catalog_.get(id));  // it may have changed before we had the lock
  Image image = old;
  if (auto changed = change(image); !changed) return changed.error();
  image.id = old.id;
  image.owner = old.owner;
  image.blob = old.blob;
  image.content = old.content;
  image.created = old.created;
  image.updated = std::max(old.updated, clock_.now());
  STRATA_TRY(const Annotated known, annotated(old.blob));
  const std::string annotation = to_annotation(with(known.images, image));
  const bool raises = registers_(old) || registers_(image);
  auto done = blobs_.annotate(old.blob, annotation);
  if (done) done = catalog_.put(image, raises);
  if (!done) {  // as in take_back
    const bool taken_back = blobs_.annotate(old.blob, known.info.annotation).has_value() &&
                            catalog_.put(old, raises).has_value();
    if (!taken_back) log::error("image.take_back_failed", {{"image", id.text()}});
    return done.error();
  }
  return image;
}

Status ImageStore::remove(const ImageId& id) {
  STRATA_TRY(const Image seen, catalog_.get(id));
  const auto lock = locks_->blob(seen.blob);
  STRATA_TRY(const Image image, catalog_.get(id));
  const auto known = annotated(image.blob);
  // An image without its blob can be removed all the same.
  if (!known && !is_lost(known.error())) return known.error();
  if (known) {
    std::vector<Image> images = known->images;
    std::erase_if(images, [&](const Image& other) { return other.id == id; });
    if (auto written = blobs_.annotate(image.blob, to_annotation(images)); !written) return written;
  }
  return catalog_.remove(id, registers_(image), clock_.now());
}

Result<std::size_t> ImageStore::collect_removals(UnixMillis now, std::chrono::seconds grace) {
  std::set<BlobId> abandoned;
  {
    const std::lock_guard lock(abandoned_mutex_);
    abandoned.swap(abandoned_);
  }
  for (const BlobId& blob : abandoned) abandon(blob);
  STRATA_TRY(const auto removals, catalog_.removals());
  const UnixMillis grace_ms = std::chrono::milliseconds(grace).count();
  std::size_t removed = 0;
  for (const Catalog::Removal& removal : removals) {
    if (removal.since > now - grace_ms) continue;
    const auto collected = collect(removal.blob);
    if (!collected) {  // stays on the list; the others do not wait for it
      log::error("blob.not_collected",
                 {{"blob", removal.blob.text()}, {"error", collected.error().message()}});
      continue;
    }
    if (*collected) ++removed;
  }
  return removed;
}

Result<bool> ImageStore::collect(const BlobId& blob) {
  const auto lock = locks_->blob(blob);
  STRATA_TRY(const auto images, catalog_.images_of_blob(blob));
  if (!images.empty()) return false;  // a publish took it over
  const auto known = annotated(blob);
  if (!known && known.error().code() != Errc::kNotFound) {
    // Perhaps of a newer version: not ours to throw away.
    log::error("blob.not_collected", {{"blob", blob.text()}, {"error", known.error().message()}});
    return false;
  }
  if (known && !known->images.empty()) return false;  // the next start puts them into the catalogue
  if (known) {
    if (auto removed = blobs_.remove(blob); !removed) return removed.error();
  }
  if (auto forgotten = catalog_.removed(blob); !forgotten) return forgotten.error();
  return true;
}

}  // namespace strata::catalog
