#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <string>

#include "storage/catalog/image_store.h"

namespace strata::catalog {

// Two sets of striped mutexes. Locking order: one content, then one blob; never two of a set.
class ImageStore::Locks {
 public:
  // Held while bytes of this owner with this digest are looked up and published.
  [[nodiscard]] std::unique_lock<std::mutex> content(const std::string& owner,
                                                     const Sha256Digest& sha256) {
    return lock(contents_, owner + sha256.hex());
  }
  // Held while the annotation of a blob and its images in the catalogue are changed. A blob's
  // images are changed only under it, so that each change reads the whole annotation first.
  [[nodiscard]] std::unique_lock<std::mutex> blob(const BlobId& id) {
    return lock(blobs_, id.text());
  }

 private:
  static constexpr std::size_t kStripes = 64;  // collisions cost time, never correctness
  using Mutexes = std::array<std::mutex, kStripes>;
  static std::unique_lock<std::mutex> lock(Mutexes& mutexes, const std::string& key) {
    return std::unique_lock(mutexes[std::hash<std::string>{}(key) % kStripes]);
  }

  Mutexes contents_;
  Mutexes blobs_;
};

}  // namespace strata::catalog
