#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "strata/base/digest.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"
#include "strata/codec/disk_format.h"
#include "strata/codec/encoding.h"

// Where the bytes of images are. A blob is immutable from the moment it is published; beside it
// stands a sidecar with what is known of the bytes and one mutable annotation, so that a lost
// catalogue can be rebuilt from the store alone. Every implementation and decorator passes
// tests/contract/blob_store_test.cc. All calls block: disk threads only.
namespace strata::blob {

// What is known of a blob's bytes; written once, at publication.
struct BlobProperties {
  DigestSet stored;
  DigestSet decoded;  // equal to `stored` for identity
  codec::Encoding encoding = codec::Encoding::kIdentity;
  codec::DiskInfo disk;
  UnixMillis created = 0;
  bool operator==(const BlobProperties&) const = default;
};

struct BlobInfo {
  BlobProperties properties;
  // Opaque to the store; the catalogue keeps here the images that have this content.
  std::string annotation;
};

// A place in a file that sendfile(2) can take bytes from; valid while the reader lives.
struct FileSlice {
  int descriptor;
  std::uint64_t offset;
  std::uint64_t length;
};

// One open blob. Keeps its bytes readable even if the blob is removed meanwhile. Thread-safe.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // Fills `out` completely; kCorruptData when the store holds fewer bytes than size().
  [[nodiscard]] virtual Status read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // nullopt when the bytes are not in a local file.
  [[nodiscard]] virtual std::optional<FileSlice> file_slice(std::uint64_t offset,
                                                            std::uint64_t length) const = 0;
};

// What is derived of a blob's bytes and lies beside them: lost or damaged, it is made again. The
// store knows nothing of what is in it.
enum class Side : unsigned char {
  kSeekIndex,  // storage/FORMAT.md, "Seek index"
  kSeekCopy,   // "Seekable copy"
};
inline constexpr std::array kSides = {Side::kSeekIndex, Side::kSeekCopy};

// A side on its way: nothing of it is visible before it is in place. One thread at a time, which
// may be another one than that of the blob's writer. Must not outlive the store.
class SideWriter {
 public:
  virtual ~SideWriter() = default;  // without commit(): removes what was written
  // Buffered; kNoSpace as for blobs. After an error only destruction makes sense.
  [[nodiscard]] virtual Status append(std::span<const std::byte> data) = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // Durable and complete. Of a writer's blob: becomes visible when that blob is committed. Of a
  // published blob: visible at once, atomically in place of the one before; readers that are open
  // keep the bytes that they opened.
  [[nodiscard]] virtual Status commit() = 0;
};

struct WriteHints {
  std::optional<std::uint64_t> bytes;  // reserve this much; kNoSpace at once if it cannot fit
};

// Bytes on their way into the store. Nothing of them is visible before commit; destroying an
// uncommitted writer aborts it, unless keep() was called. One thread at a time, but for what sync()
// and read_at() say.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  [[nodiscard]] virtual const BlobId& id() const = 0;
  // Appends. Fastest with whole io::Blocks: data aligned to io::kBlockAlignment and every append
  // but the last a multiple of it; anything else is correct but buffered.
  [[nodiscard]] virtual Status append(std::span<const std::byte> data) = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // Makes everything appended before the call durable (not visible). May run on a second thread
  // beside append(): it then holds up no append. After a failed append or sync every later call
  // fails: the kernel may have dropped bytes, and a sync that succeeds later would prove nothing.
  [[nodiscard]] virtual Status sync() = 0;
  // Reads back appended bytes; fills `out` completely. Any thread, beside append() too, as long as
  // the range was appended before. kCorruptData when there are fewer bytes.
  [[nodiscard]] virtual Status read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // Forgets everything behind `size` bytes: the next append goes there.
  [[nodiscard]] virtual Status truncate(std::uint64_t size) = 0;
  // Begins a side; one of each kind at a time: a later one takes an earlier one's place from its
  // beginning on, and the earlier SideWriter's commit() is a kConflict. So is one after this
  // writer's commit(), abort() or end. Any thread. Sides of a writer that is kept go with the
  // writer: only published blobs have them.
  [[nodiscard]] virtual Result<std::unique_ptr<SideWriter>> begin_side(Side side) = 0;
  // From now on destruction leaves the bytes in the store, for resume(). Makes nothing durable.
  // abort() and a commit() that succeeds leave nothing nevertheless.
  virtual void keep() = 0;
  // Publishes: bytes, sidecar and names are durable when this returns. properties.stored.bytes
  // must equal size(), else kSizeMismatch. Sides that were committed are visible with it, never
  // without it; sides that were not are dropped. The writer is spent either way; when it fails, the
  // bytes of a kept one stay (a disk that was full may have room later), others are removed.
  [[nodiscard]] virtual Status commit(const BlobProperties& properties,
                                      const std::string& annotation) = 0;
  virtual void abort() = 0;
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;  // thread-safe, unless said otherwise
  [[nodiscard]] virtual Result<std::unique_ptr<BlobWriter>> begin(const WriteHints& hints) = 0;
  // Goes on with a kept writer, of this process or an earlier one, behind its first `size` bytes;
  // what it had beyond them is dropped. One writer of an id at a time (the caller sees to that).
  // The new writer is not kept unless keep() is called again. After a failed sync only as much as
  // an earlier one covered may be believed, and given as `size`. kNotFound; kCorruptData when there
  // are fewer than `size` bytes; kConflict when the bytes are published, and so never
  // change again, or may be: a failed commit that could not be taken back before clean_up().
  [[nodiscard]] virtual Result<std::unique_ptr<BlobWriter>> resume(const BlobId& id,
                                                                   std::uint64_t size) = 0;
  // Reads the first `size` bytes of a kept or still open writer; kNotFound and kCorruptData as
  // resume. What is published should be opened by open(), but does no harm here.
  [[nodiscard]] virtual Result<std::shared_ptr<const BlobReader>> open_unpublished(
      const BlobId& id, std::uint64_t size) = 0;
  // Removes what a kept writer left; durably; success when there is nothing. A published blob with
  // this id stays.
  [[nodiscard]] virtual Status discard(const BlobId& id) = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const BlobReader>> open(const BlobId& id) = 0;
  // kNotFound: there is no such side (or blob).
  [[nodiscard]] virtual Result<std::shared_ptr<const BlobReader>> open_side(const BlobId& id,
                                                                            Side side) = 0;
  // A side of a published blob, new or in place of the one there. kNotFound: no such blob.
  [[nodiscard]] virtual Result<std::unique_ptr<SideWriter>> begin_side(const BlobId& id,
                                                                       Side side) = 0;
  [[nodiscard]] virtual Result<BlobInfo> info(const BlobId& id) = 0;  // kNotFound; kCorruptData
  // Replaces the annotation, durably and atomically. Calls for one blob must not overlap.
  [[nodiscard]] virtual Status annotate(const BlobId& id, const std::string& annotation) = 0;
  // Removes name, sidecar, bytes and sides, durably; kNotFound.
  [[nodiscard]] virtual Status remove(const BlobId& id) = 0;
  // Published blobs, in order of id.
  [[nodiscard]] virtual Result<std::vector<BlobId>> list() = 0;
  // Removes what unfinished writers of an earlier process left behind, but for the bytes of the
  // writers in `kept`; called once, at start, before begin(). Returns how many were removed.
  [[nodiscard]] virtual Result<std::size_t> clean_up(const std::set<BlobId>& kept) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> free_bytes() = 0;
};

}  // namespace strata::blob
