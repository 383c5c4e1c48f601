#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalog/image.h"
#include "strata/base/clock.h"
#include "strata/base/result.h"

// The records of strata-storage: images, which blob holds which content, blobs awaiting removal,
// and the outbox of registrations. An index over what the blob store's sidecars say (those are the
// truth, see storage/DESIGN.md), plus the outbox. Every write is durable and atomic when it
// returns. Thread-safe; calls block: disk threads only. Implementations pass
// tests/contract/catalog_test.cc.
namespace strata::catalog {

// One registration per decoded content (ARCHITECTURE: outbox). The worker in storage/service makes
// a document from the images that have the content now; nothing here is derived twice.
struct Registration {
  enum class State : unsigned char {
    kPending,
    kRegistered,
    kFailed,
    kAsked,  // the registry has `document` and waits for its endorser to confirm it
  };
  Sha256Digest content;  // of the decoded bytes: the key
  State state = State::kPending;
  std::uint64_t wanted = 0;     // raised by each change of an image with this content
  std::uint64_t done = 0;       // value of `wanted` that the registry's entry reflects
  UnixMillis last_created = 0;  // of the newest document signed for it
  std::string document;  // signed and perhaps posted, kept so that a retry sends the same bytes
  std::uint64_t document_for = 0;  // value of `wanted` it was made for
  std::string entry_url;           // absolute; empty until registered
  std::string error;               // last failure, for people
  std::uint32_t attempts = 0;
  UnixMillis next_attempt = 0;
  bool operator==(const Registration&) const = default;
};

struct ImageFilter {
  std::optional<std::string> name{}, owner{}, identifier{}, tag{};
  std::optional<Sha256Digest> sha256{};  // stored or decoded
  std::optional<Visibility> visibility{};
  // Only what this owner may see: own images and public ones. nullopt = everything.
  std::optional<std::string> visible_to{};
};

struct ImagePage {
  std::vector<Image> images;          // in order of id (creation)
  std::optional<std::string> cursor;  // opaque; of the next page
};

class Catalog {
 public:
  virtual ~Catalog() = default;

  // Inserts or replaces the image and, in the same write, raises the registration of its content
  // (when `registers`) and takes its blob off the removal list.
  [[nodiscard]] virtual Status put(const Image& image, bool registers) = 0;
  // Removes the image; when it was the last one of its blob, the same write puts the blob on the
  // removal list at `now`. Raises the registration when `registers`. kNotFound.
  [[nodiscard]] virtual Status remove(const ImageId& id, bool registers, UnixMillis now) = 0;
  [[nodiscard]] virtual Result<Image> get(const ImageId& id) = 0;
  [[nodiscard]] virtual Result<ImagePage> list(const ImageFilter& filter, std::size_t limit,
                                               const std::optional<std::string>& cursor) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> count() = 0;
  // The blob of this owner with exactly these stored bytes, also one that awaits removal.
  [[nodiscard]] virtual Result<std::optional<BlobId>> find_blob(const std::string& owner,
                                                                const Sha256Digest& sha256,
                                                                std::uint64_t bytes) = 0;
  [[nodiscard]] virtual Result<std::vector<Image>> images_of_blob(const BlobId& blob) = 0;
  [[nodiscard]] virtual Result<std::vector<Image>> images_of_content(
      const Sha256Digest& decoded) = 0;

  struct Removal {
    BlobId blob;
    UnixMillis since;
  };
  [[nodiscard]] virtual Result<std::vector<Removal>> removals() = 0;
  // Puts a blob that has no image on the removal list, for one that an interrupted publish left
  // behind; no change when it is there already, kInUse when it has an image.
  [[nodiscard]] virtual Status add_removal(const BlobId& blob, UnixMillis since) = 0;
  // The blob is gone: forget it.
  [[nodiscard]] virtual Status removed(const BlobId& blob) = 0;

  [[nodiscard]] virtual Result<std::optional<Registration>> registration(
      const Sha256Digest& content) = 0;
  // Those with done < wanted that have not failed, and are due at `now`; at most `limit`.
  [[nodiscard]] virtual Result<std::vector<Registration>> due_registrations(UnixMillis now,
                                                                            std::size_t limit) = 0;
  // Stores the worker's progress; keeps `wanted` of the stored record if that is higher.
  [[nodiscard]] virtual Status update_registration(const Registration& registration) = 0;
  // Makes a failed or waiting one due now (POST .../registration), or creates it.
  [[nodiscard]] virtual Status retry_registration(const Sha256Digest& content) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> outbox_depth() = 0;
};

// Opens or creates the RocksDB catalogue in `directory`. kCorruptData with a clear message when it
// was written by a newer format version.
[[nodiscard]] Result<std::unique_ptr<Catalog>> open_rocksdb_catalog(const std::string& directory);

}  // namespace strata::catalog
