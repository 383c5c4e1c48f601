#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "storage/blob/blob_store.h"
#include "storage/catalog/image.h"
#include "storage/service/router.h"

namespace strata::storage {

struct Services;

// Images that were read lately, with their bytes open: hypervisors ask for thousands of small
// ranges of a few images, and each would cost a catalogue look-up, an open(2) and two changes of
// thread. Bounded, least recently used goes first. Thread-safe; find() never blocks on the disk.
//
// A change or removal is seen by every request that starts after its answer: forget() is called
// before that answer, and drops what an open() under way would still put in.
class OpenImages {
 public:
  struct Opened {
    catalog::Image image;
    std::shared_ptr<const blob::BlobReader> reader;
  };
  // Sharers: the cache and the responses that are being sent.
  using Pointer = std::shared_ptr<const Opened>;

  explicit OpenImages(std::size_t kept_max) : kept_max_(kept_max) {}

  // Null when it is not kept, or not for this principal to see (open() then says why).
  [[nodiscard]] Pointer find(const std::string& id, const Principal& principal);
  // Looks it up, opens and keeps it. Blocks: disk pool.
  [[nodiscard]] Result<Pointer> open(Services& services, const std::string& id,
                                     const Principal& principal);
  void forget(const std::string& id);

 private:
  struct Kept {
    std::string id;
    Pointer image;
  };
  void keep(const std::string& id, const Pointer& image, std::uint64_t changes_before);

  const std::size_t kept_max_;
  std::mutex mutex_;
  std::list<Kept> order_;  // most recently used first
  std::unordered_map<std::string, std::list<Kept>::iterator> by_id_;
  std::uint64_t changes_ = 0;  // forget() calls so far
};

}  // namespace strata::storage
