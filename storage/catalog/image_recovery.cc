// The start of an ImageStore: the catalogue learns what the annotations say.
#include <algorithm>
#include <utility>

#include "storage/catalog/image_store.h"
#include "strata/base/log.h"

namespace strata::catalog {
namespace {

constexpr std::size_t kPage = 1000;  // images of the catalogue looked at in one go

template <typename T>
bool contains(const std::vector<T>& sorted, const T& value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

}  // namespace

struct ImageStore::Reconciliation {
  Recovery done;
  std::vector<BlobId> blobs;     // sorted; all of the store
  std::vector<BlobId> readable;  // sorted; those whose annotation we could read
  std::vector<ImageId> images;   // of all annotations; sorted when complete
  std::vector<BlobId> unused;    // those whose annotation has no image
};

Result<ImageStore::Recovery> ImageStore::recover(const std::set<BlobId>& kept_writers) {
  Reconciliation work;
  STRATA_TRY(work.done.leftovers, blobs_.clean_up(kept_writers));
  STRATA_TRY(work.blobs, blobs_.list());
  for (const BlobId& blob : work.blobs) {
    if (auto reconciled = reconcile_blob(blob, work); !reconciled) return reconciled.error();
  }
  std::sort(work.images.begin(), work.images.end());
  if (auto reconciled = reconcile_catalog(work); !reconciled) return reconciled.error();
  // After the catalogue has let go of images that a removal took out of the annotation only.
  for (const BlobId& blob : work.unused) {
    if (auto added = catalog_.add_removal(blob, clock_.now()); !added) return added.error();
  }
  work.done.unused = work.unused.size();
  return work.done;
}

// Images that an annotation has go into the catalogue.
Status ImageStore::reconcile_blob(const BlobId& blob, Reconciliation& work) {
  const auto known = annotated(blob);
  const auto reader = blobs_.open(blob);
  if (!known || !reader) {
    const Error& error = known ? reader.error() : known.error();
    log::error("blob.damaged", {{"blob", blob.text()}, {"error", error.message()}});
    ++work.done.damaged;
  }
  if (!known) return {};
  work.readable.push_back(blob);
  if (known->images.empty()) {
    work.unused.push_back(blob);
    return {};
  }
  for (const Image& image : known->images) {
    work.images.push_back(image.id);
    if (auto reconciled = reconcile_image(image, work.done); !reconciled) return reconciled;
  }
  return {};
}

Status ImageStore::reconcile_image(const Image& image, Recovery& done) {
  const auto known = catalog_.get(image.id);
  if (known && *known == image) return {};
  if (!known && known.error().code() != Errc::kNotFound) return known.error();
  ++done.inserted;
  return catalog_.put(image, registers_(image) || (known && registers_(*known)));
}

// Images that no annotation has leave the catalogue, unless their blob cannot be asked.
Status ImageStore::reconcile_catalog(Reconciliation& work) {
  std::optional<std::string> cursor;
  do {
    STRATA_TRY(const ImagePage page, catalog_.list({}, kPage, cursor));
    for (const Image& image : page.images) {
      if (contains(work.images, image.id)) continue;
      if (contains(work.readable, image.blob)) {
        ++work.done.removed;
        const auto removed = catalog_.remove(image.id, registers_(image), clock_.now());
        if (!removed) return removed;
      } else if (!contains(work.blobs, image.blob)) {
        ++work.done.damaged;
        log::error("blob.missing", {{"blob", image.blob.text()}, {"image", image.id.text()}});
      }
    }
    cursor = page.cursor;
  } while (cursor);
  return {};
}

}  // namespace strata::catalog
