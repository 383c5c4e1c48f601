#include "storage/blob/local_blob_writer.h"

#include <utility>

#include "storage/blob/sidecar.h"
#include "strata/base/log.h"
#include "strata/io/block.h"

namespace strata::blob {
namespace {

constexpr std::size_t kAlignmentMask = io::kBlockAlignment - 1;

bool is_aligned(const void* pointer) {
  return (reinterpret_cast<std::uintptr_t>(pointer) & kAlignmentMask) == 0;
}

}  // namespace

LocalBlobWriter::LocalBlobWriter(LocalParts& parts, const BlobId& id,
                                 std::unique_ptr<io::File> file, std::uint64_t reserved)
    : parts_(parts),
      fs_(parts.fs),
      layout_(parts.layout),
      id_(id),
      file_(std::move(file)),
      reserved_(reserved),
      direct_(file_->set_direct(true)) {}

LocalBlobWriter::~LocalBlobWriter() {
  abort();
}

Status LocalBlobWriter::append(std::span<const std::byte> data) {
  check(file_ != nullptr, "append to a spent writer");
  if (!broken_) return broken_;
  if (direct_) {
    const bool fits = is_aligned(data.data()) && (size_ & kAlignmentMask) == 0;
    const auto whole = data.first(fits ? data.size() & ~kAlignmentMask : 0);
    if (broken_ = write(whole); !broken_) return broken_;
    data = data.subspan(whole.size());
    if (data.empty()) return {};
    // The tail, or an append that O_DIRECT cannot do: the rest goes through the page cache.
    direct_ = false;
    (void)file_->set_direct(false);
  }
  broken_ = write(data);
  return broken_;
}

Status LocalBlobWriter::write(std::span<const std::byte> data) {
  if (data.empty()) return {};
  if (size_ + data.size() > reserved_) {  // of unknown length: the disk was not asked before
    STRATA_TRY(const std::uint64_t free, parts_.fs.free_bytes(parts_.layout.root));
    if (free < parts_.disk_reserve_bytes + data.size()) {
      return Error(Errc::kNoSpace,
                   "the disk has " + std::to_string(free) + " bytes free, of which " +
                       std::to_string(parts_.disk_reserve_bytes) + " are kept free");
    }
  }
  if (auto written = file_->write_at(size_, data); !written) return written;
  size_ += data.size();
  return {};
}

Status LocalBlobWriter::sync() {
  check(file_ != nullptr, "sync of a spent writer");
  // After a failed fsync the kernel may have dropped the bytes: a second, successful one would
  // prove nothing. So the first failure is final.
  if (broken_) broken_ = file_->sync_data();
  return broken_;
}

Status LocalBlobWriter::commit(const BlobProperties& properties, const std::string& annotation) {
  check(file_ != nullptr, "commit of a spent writer");
  Status published = broken_;
  if (published && properties.stored.bytes != size_) {
    published = Error(Errc::kSizeMismatch, "there are " + std::to_string(size_) +
                                               " bytes, the properties say " +
                                               std::to_string(properties.stored.bytes));
  }
  if (published) published = publish({properties, annotation});
  file_.reset();
  remove_staged();
  return published;
}

// ARCHITECTURE rule 2. Each step is durable before the next: bytes, sidecar, the name of the
// bytes, and last the name of the sidecar, which makes them a blob.
Status LocalBlobWriter::publish(const BlobInfo& info) {
  const std::string sidecar = to_sidecar(info);
  if (sidecar.size() > parts_.sidecar_bytes_max) {
    return Error(Errc::kTooLarge, "what is to be kept beside the bytes is too large");
  }
  if (reserved_ > size_) {  // gives back what was reserved and not used
    if (auto cut = file_->truncate(size_); !cut) return cut;
  }
  if (auto synced = file_->sync(); !synced) return synced;
  if (auto written = io::write_new_file(fs_, layout_.staged_sidecar(id_), sidecar); !written) {
    return written;
  }
  if (auto made = parts_.make_shard(id_); !made) return made;
  auto linked = link_durably(layout_.staged_bytes(id_), layout_.bytes(id_));
  if (linked) linked = link_durably(layout_.staged_sidecar(id_), layout_.sidecar(id_));
  if (!linked) take_back();
  return linked;
}

Status LocalBlobWriter::link_durably(const std::string& from, const std::string& to) {
  if (auto linked = fs_.link(from, to); !linked) return linked;
  return fs_.sync_directory(layout_.shard(id_));
}

// A commit that failed half way leaves nothing visible, as far as the disk lets us.
void LocalBlobWriter::take_back() {
  auto removed = fs_.remove(layout_.sidecar(id_));
  if (removed) removed = fs_.sync_directory(layout_.shard(id_));
  if (!removed && removed.error().code() != Errc::kNotFound) {
    // The name of the sidecar may be durable: then the bytes must stay.
    log::error("blob.take_back_failed",
               {{"blob", id_.text()}, {"error", removed.error().message()}});
    return;
  }
  (void)fs_.remove(layout_.bytes(id_));  // what stays, clean_up() removes
}

void LocalBlobWriter::abort() {
  if (file_ == nullptr) return;
  file_.reset();
  remove_staged();
}

// Best effort: clean_up() at the next start removes what stays.
void LocalBlobWriter::remove_staged() {
  (void)fs_.remove(layout_.staged_bytes(id_));
  (void)fs_.remove(layout_.staged_sidecar(id_));
}

}  // namespace strata::blob
