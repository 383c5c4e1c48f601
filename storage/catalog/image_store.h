#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/blob/blob_store.h"
#include "storage/catalog/catalog.h"
#include "strata/base/clock.h"

namespace strata::catalog {

// The one place that changes images. It keeps the annotations of the blobs (the truth) and the
// catalogue (an index over them, plus the outbox) in step: each change is made durable in the blob
// store first and in the catalogue second, and recover() repeats whatever a crash cut off between
// the two. storage/DESIGN.md, "Blobs and catalogue", says why. Reading goes to Catalog and
// BlobStore directly.
//
// An operation that fails has changed nothing that anyone can see, as far as the failing disk
// allows to take it back; whatever cannot be taken back is complete, never half an image. A
// removal that fails is not taken back: it may be repeated, and the next start may finish it.
// Thread-safe. All calls block: disk threads only. What is passed in must outlive it.
class ImageStore {
 public:
  // Whether images like this one are announced in the registry (configuration: all|public|none).
  using Registers = std::function<bool(const Image&)>;

  ImageStore(blob::BlobStore& blobs, Catalog& catalog, Clock& clock, Registers registers);
  ~ImageStore();
  ImageStore(const ImageStore&) = delete;
  ImageStore& operator=(const ImageStore&) = delete;

  // Publishes the writer's bytes as `image` and returns it with `blob` and `content` filled in.
  // Bytes that this owner has already are kept once: then the writer is aborted and the image
  // joins the existing blob. The bytes must have been verified before (they are believed here).
  [[nodiscard]] Result<Image> publish(std::unique_ptr<blob::BlobWriter> writer, Image image,
                                      const blob::BlobProperties& properties);

  // Publishes an image of a blob that an earlier publish() had committed before it failed: it joins
  // the blob that was left without an image. `make` gives the image for the bytes; its error is
  // returned. False: there is no such blob.
  [[nodiscard]] Result<bool> publish_committed(
      const BlobId& blob, const std::function<Result<Image>(const blob::BlobProperties&)>& make);

  // Changes an image and returns what it is now: `change` gets the current image under its lock
  // and edits it; an error from it is returned and nothing changes (conditional PATCH). `id`,
  // `owner`, `blob`, `content` and `created` stay what they were; `updated` becomes now. kNotFound.
  [[nodiscard]] Result<Image> update(const ImageId& id,
                                     const std::function<Status(Image&)>& change);

  // kNotFound. The bytes stay for a grace period (collect_removals) when it was the last image.
  [[nodiscard]] Status remove(const ImageId& id);

  // Removes the blobs whose last image went at least `grace` before `now`; returns how many. A
  // publish that takes such a blob over at the same time either finds it whole or not at all.
  [[nodiscard]] Result<std::size_t> collect_removals(UnixMillis now, std::chrono::seconds grace);

  struct Recovery {
    std::size_t leftovers = 0;  // unfinished uploads that were removed
    std::size_t inserted = 0;   // images the catalogue did not have, or not like this
    std::size_t removed = 0;    // images the catalogue should no longer have
    std::size_t unused = 0;     // blobs without an image, now on the removal list
    std::size_t damaged = 0;    // blobs missing or unreadable: logged, their images are kept
  };
  // At start, before anything else: cleans the blob store up, but for the bytes of `kept_writers`,
  // and makes the catalogue say what the annotations say. Rebuilds an empty catalogue. An image
  // whose blob is missing or damaged stays in the catalogue, where reading it fails with
  // kCorruptData: nothing is lost silently.
  [[nodiscard]] Result<Recovery> recover(const std::set<BlobId>& kept_writers = {});

 private:
  class Locks;
  struct Reconciliation;
  // What a blob's sidecar says.
  struct Annotated {
    blob::BlobInfo info;
    std::vector<Image> images;
  };

  [[nodiscard]] Result<Annotated> annotated(const BlobId& blob);
  [[nodiscard]] Result<std::optional<Image>> adopt(const BlobId& blob, Image image);
  [[nodiscard]] Result<Image> commit_new(blob::BlobWriter& writer, Image image,
                                         const blob::BlobProperties& properties);
  void take_back(const Image& image, const std::string& annotation);
  void abandon(const BlobId& blob);
  [[nodiscard]] Result<bool> collect(const BlobId& blob);
  [[nodiscard]] Status reconcile_blob(const BlobId& blob, Reconciliation& work);
  [[nodiscard]] Status reconcile_image(const Image& image, Recovery& done);
  [[nodiscard]] Status reconcile_catalog(Reconciliation& work);

  blob::BlobStore& blobs_;
  Catalog& catalog_;
  Clock& clock_;
  Registers registers_;
  std::unique_ptr<Locks> locks_;
  std::mutex abandoned_mutex_;
  std::set<BlobId> abandoned_;  // without an image, but not on the removal list yet
};

}  // namespace strata::catalog
