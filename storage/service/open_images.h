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
#include "storage/service/seekable_view.h"

namespace strata::storage {

struct Services;

// Images that were read lately, with their bytes open: hypervisors ask for thousands of small
// ranges of a few images, and each would cost a catalogue look-up, an open(2) and two changes of
// thread. Bounded in number and in the memory of their seek indexes, least recently used goes
// first. Thread-safe; find() never blocks on the disk.
//
// A change or removal is seen by every request that starts after its answer: forget() is called
// before that answer, and drops what an open() under way would still put in.
class OpenImages {
 public:
  struct Opened {
    catalog::Image image;
    std::shared_ptr<const blob::BlobReader> reader;
    // Ranges of the decoded view; null: there are none (also of identity images, which are read
    // as they are).
    std::shared_ptr<SeekableView> seek;
    bool index_under_way = false;  // there will be ranges soon
  };
  // Sharers: the cache and the responses that are being sent.
  using Pointer = std::shared_ptr<const Opened>;

  struct Options {
    std::size_t images_max;
    std::size_t index_bytes_max;  // of all their indexes; the newest image is kept with any
  };
  explicit OpenImages(const Options& options) : options_(options) {}

  // Null when it is not kept, or not for this principal to see (open() then says why).
  [[nodiscard]] Pointer find(const std::string& id, const Principal& principal);
  // Looks it up, opens and keeps it. Blocks: disk pool.
  [[nodiscard]] Result<Pointer> open(Services& services, const std::string& id,
                                     const Principal& principal);
  void forget(const std::string& id);
  // All images of a blob: what lies beside it is another now.
  void forget_blob(const BlobId& blob);

 private:
  struct Kept {
    std::string id;
    Pointer image;
  };
  void keep(const std::string& id, const Pointer& image, std::uint64_t changes_before);
  void drop(std::list<Kept>::iterator kept);

  const Options options_;
  std::mutex mutex_;
  std::list<Kept> order_;  // most recently used first
  std::unordered_map<std::string, std::list<Kept>::iterator> by_id_;
  std::size_t index_bytes_ = 0;
  std::uint64_t changes_ = 0;  // forget() calls so far
};

// find(), else open() on the disk pool.
[[nodiscard]] http::Awaitable<Result<OpenImages::Pointer>> open_image(Services& services,
                                                                      const std::string& id,
                                                                      const Principal& principal);

}  // namespace strata::storage
