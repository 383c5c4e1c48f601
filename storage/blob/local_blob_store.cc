#include "storage/blob/local_blob_store.h"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "storage/blob/local_blob_writer.h"
#include "storage/blob/local_layout.h"
#include "storage/blob/local_sides.h"
#include "storage/blob/sidecar.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::blob {
namespace {

constexpr std::string_view kFormatName = "strata-blobs ";
constexpr std::uint64_t kFormatVersion = 1;
constexpr std::uint64_t kFormatBytesMax = 64;

Error not_found() {
  return {Errc::kNotFound, "no such blob"};
}

class LocalBlobReader final : public BlobReader {
 public:
  LocalBlobReader(std::unique_ptr<io::File> file, std::uint64_t size)
      : file_(std::move(file)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    // The file may be longer: what is not published goes on growing.
    if (offset <= size_ && out.size() <= size_ - offset) {
      STRATA_TRY(const std::size_t read, file_->read_at(offset, out));
      if (read == out.size()) return {};
    }
    return Error(Errc::kCorruptData, "the blob ends before the bytes that were asked for");
  }
  std::optional<FileSlice> file_slice(std::uint64_t offset, std::uint64_t length) const override {
    if (file_->descriptor() < 0) return std::nullopt;
    return FileSlice{file_->descriptor(), offset, length};
  }

 private:
  std::unique_ptr<io::File> file_;
  std::uint64_t size_;
};

// The readers that were used last, still open.
class ReaderCache {
 public:
  using Reader = std::shared_ptr<const BlobReader>;

  explicit ReaderCache(std::size_t kept_max) : kept_max_(kept_max) {}

  Reader find(const BlobId& id) {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->second;
  }
  void keep(const BlobId& id, const Reader& reader) {
    const std::lock_guard lock(mutex_);
    if (kept_max_ == 0 || by_id_.contains(id)) return;
    if (by_use_.size() >= kept_max_) {
      by_id_.erase(by_use_.back().first);
      by_use_.pop_back();
    }
    by_use_.emplace_front(id, reader);
    by_id_[id] = by_use_.begin();
  }
  void drop(const BlobId& id) {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    by_use_.erase(found->second);
    by_id_.erase(found);
  }

 private:
  using ByUse = std::list<std::pair<BlobId, Reader>>;
  const std::size_t kept_max_;
  std::mutex mutex_;
  ByUse by_use_;  // the latest first
  std::map<BlobId, ByUse::iterator> by_id_;
};

class LocalBlobStore final : public BlobStore {
 public:
  LocalBlobStore(io::FileSystem& fs, std::string root, Random& random, const Limits& limits)
      : fs_(fs),
        parts_{fs, {std::move(root)}, limits.sidecar_bytes_max, limits.disk_reserve_bytes},
        random_(random),
        readers_(limits.blob_readers_kept) {}

  Status prepare();

  Result<std::unique_ptr<BlobWriter>> begin(const WriteHints& hints) override;
  Result<std::unique_ptr<BlobWriter>> resume(const BlobId& id, std::uint64_t size) override;
  Result<std::shared_ptr<const BlobReader>> open_unpublished(const BlobId& id,
                                                             std::uint64_t size) override;
  Status discard(const BlobId& id) override;
  Result<std::shared_ptr<const BlobReader>> open(const BlobId& id) override;
  Result<std::shared_ptr<const BlobReader>> open_side(const BlobId& id, Side side) override;
  Result<std::unique_ptr<SideWriter>> begin_side(const BlobId& id, Side side) override;
  Result<BlobInfo> info(const BlobId& id) override;
  Status annotate(const BlobId& id, const std::string& annotation) override;
  Status remove(const BlobId& id) override;
  Result<std::vector<BlobId>> list() override;
  Result<std::size_t> clean_up(const std::set<BlobId>& kept) override;
  Result<std::uint64_t> free_bytes() override { return fs_.free_bytes(layout_.root); }

 private:
  Result<std::unique_ptr<io::File>> open_staged(const BlobId& id, std::uint64_t size,
                                                io::OpenMode mode);
  Status remove_half_published(const BlobId& id);
  Result<std::size_t> clean_staging(const std::set<BlobId>& kept);
  Status settle_published(const BlobId& id);
  Result<std::size_t> clean_shard(const std::string& directory);

  io::FileSystem& fs_;
  LocalParts parts_;
  const LocalLayout& layout_ = parts_.layout;
  Random& random_;
  ReaderCache readers_;
};

// Creates the layout, or checks that it is one that we know.
Status LocalBlobStore::prepare() {
  const auto format = io::read_file(fs_, layout_.format(), kFormatBytesMax);
  if (!format && format.error().code() != Errc::kNotFound) return format.error();
  if (format) {
    const auto version = format->starts_with(kFormatName) && format->ends_with('\n')
                             ? parse_decimal(std::string_view(*format).substr(
                                   kFormatName.size(), format->size() - kFormatName.size() - 1))
                             : std::nullopt;
    if (!version || *version == 0) {
      return Error(Errc::kCorruptData, "the blob store's format file is damaged");
    }
    if (*version > kFormatVersion) {
      return Error(Errc::kCorruptData,
                   "the blob store has format version " + std::to_string(*version) +
                       ", this program knows up to " + std::to_string(kFormatVersion) +
                       ": it was written by a newer one");
    }
  }
  for (const std::string& directory : {layout_.staging(), layout_.blobs()}) {
    if (auto made = fs_.make_directories(directory); !made) return made;
  }
  if (format) return {};
  STRATA_TRY(const auto shards, fs_.list(layout_.blobs()));
  if (!shards.empty()) {
    return Error(Errc::kCorruptData, "the blob store holds blobs, but its format file is missing");
  }
  return io::write_file_durably(fs_, layout_.format(), layout_.staging() + "/format",
                                std::string(kFormatName) + std::to_string(kFormatVersion) + "\n");
}

Result<std::unique_ptr<BlobWriter>> LocalBlobStore::begin(const WriteHints& hints) {
  const std::uint64_t wanted = hints.bytes.value_or(0);
  if (auto fits = parts_.require_free(wanted); !fits) return fits.error();
  const BlobId id = BlobId::generate(random_);
  STRATA_TRY(auto file, fs_.open(layout_.staged_bytes(id), io::OpenMode::kCreateNew));
  const auto reserved = file->reserve(wanted);
  // The writer removes its file when it goes.
  auto writer = std::make_unique<LocalBlobWriter>(parts_, id, std::move(file),
                                                  LocalBlobWriter::Extent{0, wanted});
  if (!reserved) return reserved.error();
  return std::unique_ptr<BlobWriter>(std::move(writer));
}

Result<std::unique_ptr<BlobWriter>> LocalBlobStore::resume(const BlobId& id, std::uint64_t size) {
  // A commit that was cut off leaves a second name in staging, and to write there would change a
  // blob.
  STRATA_TRY(const bool published, fs_.exists(layout_.sidecar(id)));
  if (published) return Error(Errc::kConflict, "the bytes are published");
  if (auto removed = remove_half_published(id); !removed) return removed.error();
  STRATA_TRY(auto file, open_staged(id, size, io::OpenMode::kReadWrite));
  // Also when the size is right: this gives back what was reserved behind it.
  if (auto cut = file->truncate(size); !cut) return cut.error();
  return std::unique_ptr<BlobWriter>(std::make_unique<LocalBlobWriter>(
      parts_, id, std::move(file), LocalBlobWriter::Extent{size, size}));
}

// What is in the shard without a sidecar is no blob, once its names are durably gone. A side would
// become one of the next commit otherwise, although it was made of other bytes.
Status LocalBlobStore::remove_half_published(const BlobId& id) {
  std::vector<std::string> left;
  for (std::string& path : layout_.contents(id)) {
    STRATA_TRY(const bool there, fs_.exists(path));
    if (there) left.push_back(std::move(path));
  }
  if (left.empty()) return {};
  // A commit that was taken back may not have been able to sync: nothing goes before its sidecar.
  if (auto synced = fs_.sync_directory(layout_.shard(id)); !synced) return synced;
  for (const std::string& path : left) {
    if (auto gone = fs_.remove(path); !gone) return gone;
  }
  return fs_.sync_directory(layout_.shard(id));
}

Result<std::shared_ptr<const BlobReader>> LocalBlobStore::open_unpublished(const BlobId& id,
                                                                           std::uint64_t size) {
  STRATA_TRY(auto file, open_staged(id, size, io::OpenMode::kRead));
  return std::shared_ptr<const BlobReader>(
      std::make_shared<const LocalBlobReader>(std::move(file), size));
}

Result<std::unique_ptr<io::File>> LocalBlobStore::open_staged(const BlobId& id, std::uint64_t size,
                                                              io::OpenMode mode) {
  auto file = fs_.open(layout_.staged_bytes(id), mode);
  if (!file && file.error().code() == Errc::kNotFound) {
    return Error(Errc::kNotFound, "there are no such unpublished bytes");
  }
  if (!file) return file.error();
  STRATA_TRY(const std::uint64_t there, (*file)->size());
  if (there >= size) return file;
  return Error(Errc::kCorruptData, "there are " + std::to_string(there) + " unpublished bytes, " +
                                       std::to_string(size) + " were stored");
}

Status LocalBlobStore::discard(const BlobId& id) {
  if (auto gone = io::remove_if_there(fs_, layout_.staged_bytes(id)); !gone) return gone;
  // Of a published blob it is the next version of the sidecar, which annotate() is writing.
  STRATA_TRY(const bool published, fs_.exists(layout_.sidecar(id)));
  if (!published) {
    if (auto gone = io::remove_if_there(fs_, layout_.staged_sidecar(id)); !gone) return gone;
  }
  // Those that the end of the writer could not remove.
  for (const Side side : kSides) {
    for (const std::string& path :
         {layout_.staged_side(id, side), layout_.unfinished_side(id, side)}) {
      if (auto gone = io::remove_if_there(fs_, path); !gone) return gone;
    }
  }
  // Also when nothing was there: an earlier call may have removed it and then failed to sync.
  return fs_.sync_directory(layout_.staging());
}

Result<std::shared_ptr<const BlobReader>> LocalBlobStore::open(const BlobId& id) {
  if (auto kept = readers_.find(id)) return kept;
  STRATA_TRY(const BlobInfo known, info(id));
  auto file = fs_.open(layout_.bytes(id), io::OpenMode::kRead);
  const auto missing = [&] { return !fs_.exists(layout_.sidecar(id)).value_or(true); };
  if (!file && file.error().code() == Errc::kNotFound) {
    if (missing()) return not_found();  // removed since we read its sidecar
    return Error(Errc::kCorruptData, "the bytes of the blob are missing");
  }
  if (!file) return file.error();
  STRATA_TRY(const std::uint64_t size, (*file)->size());
  const std::uint64_t expected = known.properties.stored.bytes;
  if (size != expected) {
    return Error(Errc::kCorruptData, "the blob has " + std::to_string(size) + " bytes, " +
                                         std::to_string(expected) + " were stored");
  }
  const auto reader = std::make_shared<const LocalBlobReader>(std::move(*file), size);
  readers_.keep(id, reader);
  if (missing()) {  // remove() may have been before keep() and must not be undone by it
    readers_.drop(id);
    return not_found();
  }
  return std::shared_ptr<const BlobReader>(reader);
}

// The file first and the sidecar afterwards: what remove() has begun to remove is not there, and
// what a commit() that was cut off has left neither.
Result<std::shared_ptr<const BlobReader>> LocalBlobStore::open_side(const BlobId& id, Side side) {
  auto file = fs_.open(layout_.side(id, side), io::OpenMode::kRead);
  if (!file && file.error().code() == Errc::kNotFound) {
    return Error(Errc::kNotFound, "the blob has no such side");
  }
  if (!file) return file.error();
  STRATA_TRY(const bool published, fs_.exists(layout_.sidecar(id)));
  if (!published) return not_found();
  STRATA_TRY(const std::uint64_t size, (*file)->size());
  return std::shared_ptr<const BlobReader>(
      std::make_shared<const LocalBlobReader>(std::move(*file), size));
}

Result<std::unique_ptr<SideWriter>> LocalBlobStore::begin_side(const BlobId& id, Side side) {
  STRATA_TRY(const bool published, fs_.exists(layout_.sidecar(id)));
  if (!published) return not_found();
  return begin_published_side(parts_, id, side, ++parts_.sides_begun);
}

Result<BlobInfo> LocalBlobStore::info(const BlobId& id) {
  const auto text = io::read_file(fs_, layout_.sidecar(id), parts_.sidecar_bytes_max);
  if (!text && text.error().code() == Errc::kNotFound) return not_found();
  if (!text && text.error().code() == Errc::kTooLarge) {
    return Error(Errc::kCorruptData, "the sidecar of the blob is larger than any that we write");
  }
  if (!text) return text.error();
  return from_sidecar(*text);
}

Status LocalBlobStore::annotate(const BlobId& id, const std::string& annotation) {
  STRATA_TRY(BlobInfo known, info(id));
  known.annotation = annotation;
  const std::string text = to_sidecar(known);
  if (text.size() > parts_.sidecar_bytes_max) {
    return Error(Errc::kTooLarge, "what is to be kept beside the bytes is too large");
  }
  return io::write_file_durably(fs_, layout_.sidecar(id), layout_.staged_sidecar(id), text);
}

// The sidecar first: without it the bytes are no blob, and clean_up() removes them and the sides.
Status LocalBlobStore::remove(const BlobId& id) {
  readers_.drop(id);
  auto removed = fs_.remove(layout_.sidecar(id));
  if (!removed) {
    return removed.error().code() == Errc::kNotFound ? Status(not_found()) : removed;
  }
  if (auto synced = fs_.sync_directory(layout_.shard(id)); !synced) return synced;
  for (const std::string& path : layout_.contents(id)) {
    if (auto gone = io::remove_if_there(fs_, path); !gone) return gone;
  }
  readers_.drop(id);  // somebody may have opened it in between
  return fs_.sync_directory(layout_.shard(id));
}

Result<std::vector<BlobId>> LocalBlobStore::list() {
  std::vector<BlobId> ids;
  STRATA_TRY(const auto shards, fs_.list(layout_.blobs()));
  for (const std::string& shard : shards) {
    STRATA_TRY(const auto names, fs_.list(layout_.blobs() + "/" + shard));
    for (const std::string_view name : names) {
      if (!name.ends_with(kSidecarSuffix)) continue;
      const auto id = BlobId::parse(name.substr(0, name.size() - kSidecarSuffix.size()));
      if (id && id->text().starts_with(shard)) ids.push_back(*id);
    }
  }
  return ids;  // shards and names are sorted
}

Result<std::size_t> LocalBlobStore::clean_up(const std::set<BlobId>& kept) {
  STRATA_TRY(std::size_t removed, clean_staging(kept));
  STRATA_TRY(const auto shards, fs_.list(layout_.blobs()));
  for (const std::string& shard : shards) {
    STRATA_TRY(const std::size_t here, clean_shard(layout_.blobs() + "/" + shard));
    removed += here;
  }
  for (const BlobId& id : kept) {
    if (auto settled = settle_published(id); !settled) return settled.error();
  }
  return removed;
}

Result<std::size_t> LocalBlobStore::clean_staging(const std::set<BlobId>& kept) {
  STRATA_TRY(const auto names, fs_.list(layout_.staging()));
  std::size_t removed = 0;
  for (const std::string& name : names) {
    const auto id = BlobId::parse(name);
    if (id && kept.contains(*id)) continue;
    if (auto gone = fs_.remove(layout_.staging() + "/" + name); !gone) return gone.error();
    ++removed;
  }
  if (removed == 0) return removed;
  if (auto synced = fs_.sync_directory(layout_.staging()); !synced) return synced.error();
  return removed;
}

// A process that was killed in commit() may have linked the sidecar and not synced its name. The
// caller will see a blob and drop the staged bytes: so let it be one durably.
Status LocalBlobStore::settle_published(const BlobId& id) {
  STRATA_TRY(const bool published, fs_.exists(layout_.sidecar(id)));
  return published ? fs_.sync_directory(layout_.shard(id)) : Status();
}

// `name` without the suffix of a side, if it has one.
std::string_view without_side_suffix(std::string_view name) {
  for (const Side side : kSides) {
    const std::string_view suffix = side_suffix(side);
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

// Bytes and sides without a sidecar: a publish or a removal that was cut off.
Result<std::size_t> LocalBlobStore::clean_shard(const std::string& directory) {
  STRATA_TRY(const auto names, fs_.list(directory));
  const std::set<std::string> all(names.begin(), names.end());
  std::size_t removed = 0;
  for (const std::string& name : names) {
    const std::string_view blob = without_side_suffix(name);
    if (!BlobId::parse(blob) || all.contains(std::string(blob).append(kSidecarSuffix))) continue;
    if (auto gone = fs_.remove(directory + "/" + name); !gone) return gone.error();
    ++removed;
  }
  if (removed == 0) return removed;
  if (auto synced = fs_.sync_directory(directory); !synced) return synced.error();
  return removed;
}

}  // namespace

Result<std::unique_ptr<BlobStore>> open_local_blob_store(io::FileSystem& fs,
                                                         const std::string& root, Random& random,
                                                         const Limits& limits) {
  auto store = std::make_unique<LocalBlobStore>(fs, root, random, limits);
  if (auto prepared = store->prepare(); !prepared) return prepared.error();
  return std::unique_ptr<BlobStore>(std::move(store));
}

}  // namespace strata::blob
