#include "storage/blob/local_blob_writer.h"

#include <algorithm>
#include <utility>

#include "storage/blob/sidecar.h"
#include "storage/blob/zero_runs.h"
#include "strata/base/log.h"
#include "strata/io/block.h"

namespace strata::blob {
namespace {

constexpr std::size_t kAlignmentMask = io::kBlockAlignment - 1;

// A hole is punched for a long run of zeros at once: a call can wait for milliseconds, whatever its
// length (ext4 mounted with discard: 1 GiB of zeros in 3.5 s by the MiB, in 0.1 s by 64 of them).
constexpr std::uint64_t kUnpunchedBytesMax = 64 << 20;

// How an append is cut. O_DIRECT and the page cache never write to the same page of a file: data
// follow each other without a gap, so a page that the cache has begun is filled up through the
// cache (`head`), whole pages from the next boundary on go direct, and the rest begins a page of
// the cache again (`tail`). Direct writes then only meet pages that the cache has nothing of, and
// no order between the two has to be forced with a sync.
struct Cut {
  std::span<const std::byte> head, whole, tail;
};

// O_DIRECT needs place and memory aligned; when they do not come to a boundary together, all of the
// data is `head`.
Cut cut_at_pages(std::uint64_t position, std::span<const std::byte> data) {
  const std::size_t to_boundary = (0 - static_cast<std::size_t>(position)) & kAlignmentMask;
  const auto address = reinterpret_cast<std::uintptr_t>(data.data());
  if (((address + to_boundary) & kAlignmentMask) != 0 || data.size() <= to_boundary) {
    return {data, {}, {}};
  }
  const auto rest = data.subspan(to_boundary);
  const std::size_t whole = rest.size() & ~kAlignmentMask;
  return {data.first(to_boundary), rest.first(whole), rest.subspan(whole)};
}

}  // namespace

LocalBlobWriter::LocalBlobWriter(LocalParts& parts, const BlobId& id,
                                 std::unique_ptr<io::File> file, const Extent& extent)
    : parts_(parts),
      fs_(parts.fs),
      layout_(parts.layout),
      id_(id),
      file_(std::move(file)),
      sides_(std::make_shared<StagedSides>(parts, id)),
      reserved_(extent.reserved),
      direct_works_(file_->set_direct(true)),
      direct_(direct_works_),
      size_(extent.size) {}

LocalBlobWriter::~LocalBlobWriter() {
  if (!kept_) abort();
  if (file_ != nullptr) (void)punch_hole();  // who goes on does not know of it
  sides_->remove();
}

std::uint64_t LocalBlobWriter::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

Status LocalBlobWriter::usable() const {
  check(file_ != nullptr, "use of a spent writer");
  const std::lock_guard lock(mutex_);
  return broken_;
}

// The outcome of an append, truncate or sync: the first failure is final, on whichever thread.
Status LocalBlobWriter::settle(Status outcome) {
  const std::lock_guard lock(mutex_);
  if (!outcome && broken_) broken_ = outcome;
  return outcome;
}

Status LocalBlobWriter::append(std::span<const std::byte> data) {
  if (auto fine = usable(); !fine) return fine;
  return settle(append_stretches(data));
}

Status LocalBlobWriter::append_stretches(std::span<const std::byte> data) {
  while (!data.empty()) {
    const Stretch next = next_stretch(size(), data);
    if (auto written = write_pages(data.first(next.bytes)); !written) return written;
    if (auto left = leave_hole(data.subspan(next.bytes, next.zeros)); !left) return left;
    data = data.subspan(next.bytes + next.zeros);
  }
  return {};
}

Status LocalBlobWriter::write_pages(std::span<const std::byte> data) {
  if (data.empty()) return {};
  if (auto punched = punch_hole(); !punched) return punched;
  const Cut cut = direct_works_ ? cut_at_pages(size(), data) : Cut{data, {}, {}};
  Status written = require_space(data.size());
  if (written) written = write_buffered(cut.head);
  if (written) written = write_direct(cut.whole);
  if (written) written = write_buffered(cut.tail);
  return written;
}

// Whole pages, and nothing was ever written to them: neither way of writing meets a hole.
Status LocalBlobWriter::leave_hole(std::span<const std::byte> zeros) {
  if (zeros.empty()) return {};
  if (auto extended = file_->truncate(size() + zeros.size()); !extended) return extended;
  // Also the part of a run that is not reserved: what is unpunched ends where the file ends.
  if (unpunched_ > 0 || size() < reserved_) unpunched_ += zeros.size();
  grow(zeros.size());
  return unpunched_ < kUnpunchedBytesMax ? Status() : punch_hole();
}

// Gives back what was reserved for the zeros at the end. Not for their sake: what is reserved reads
// as zeros too, and that is how it stays on a file system that punches no holes. The size has come
// first, because behind the end of a file ext4 punches none.
Status LocalBlobWriter::punch_hole() {
  const std::uint64_t bytes = std::exchange(unpunched_, 0);
  if (bytes == 0) return {};
  STRATA_TRY([[maybe_unused]] const bool punched, file_->punch_hole(size() - bytes, bytes));
  return {};
}

Status LocalBlobWriter::require_space(std::size_t bytes) const {
  if (bytes == 0 || size() + bytes <= reserved_) return {};
  // Of unknown length: the disk was not asked before.
  return parts_.require_free(bytes);
}

Status LocalBlobWriter::write_direct(std::span<const std::byte> data) {
  if (!data.empty()) use_direct(true);
  return write(data);
}

Status LocalBlobWriter::write_buffered(std::span<const std::byte> data) {
  if (!data.empty()) use_direct(false);
  return write(data);
}

void LocalBlobWriter::use_direct(bool on) {
  if (on == direct_ || !direct_works_) return;
  direct_ = file_->set_direct(on) ? on : !on;
}

Status LocalBlobWriter::write(std::span<const std::byte> data) {
  if (data.empty()) return {};
  if (auto written = file_->write_at(size(), data); !written) return written;
  grow(data.size());
  return {};
}

void LocalBlobWriter::grow(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  size_ += bytes;
}

// The bytes, and once the name: without it a power cut leaves bytes that nobody finds.
Status LocalBlobWriter::sync() {
  if (auto fine = usable(); !fine) return fine;
  // Without the lock: appends go on meanwhile. After a failed fsync the kernel may have dropped the
  // bytes: a second, successful one would prove nothing. So the first failure is final.
  Status synced = file_->sync_data();
  if (synced && !named_) {
    synced = fs_.sync_directory(layout_.staging());
    if (synced) named_ = true;
  }
  return settle(synced);
}

Status LocalBlobWriter::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (auto fine = usable(); !fine) return fine;
  const std::uint64_t there = size();
  if (offset <= there && out.size() <= there - offset) {
    STRATA_TRY(const io::File* file, file_to_read());
    STRATA_TRY(const std::size_t read, file->read_at(offset, out));
    if (read == out.size()) return {};
  }
  return Error(Errc::kCorruptData, "the bytes end before those that were asked for");
}

// A descriptor of its own, without O_DIRECT: reads of any alignment change nothing for append().
Result<const io::File*> LocalBlobWriter::file_to_read() const {
  const std::lock_guard lock(mutex_);
  if (!read_file_) {
    STRATA_TRY(read_file_, fs_.open(layout_.staged_bytes(id_), io::OpenMode::kRead));
  }
  return read_file_.get();
}

Status LocalBlobWriter::truncate(std::uint64_t size) {
  if (auto fine = usable(); !fine) return fine;
  check(size <= this->size(), "truncate() makes nothing longer");
  // Into a page that went direct: its remaining bytes are on the device already, where the page
  // cache reads them when append() fills the page up.
  Status cut = file_->truncate(size);
  if (cut) {
    reserved_ = std::min(reserved_, size);  // what was reserved behind the end is gone with it
    unpunched_ -= std::min(unpunched_, this->size() - size);
    const std::lock_guard lock(mutex_);
    size_ = size;
  }
  return settle(cut);
}

Status LocalBlobWriter::commit(const BlobProperties& properties, const std::string& annotation) {
  Status published = usable();
  if (published && properties.stored.bytes != size()) {
    published = Error(Errc::kSizeMismatch, "there are " + std::to_string(size()) +
                                               " bytes, the properties say " +
                                               std::to_string(properties.stored.bytes));
  }
  sides_->close();
  if (published) published = publish({properties, annotation});
  file_.reset();
  sides_->remove();
  // What a disk that was full refused can be tried again, if the bytes were to be kept.
  if (published || !kept_) {
    remove_staged();
  } else {
    (void)fs_.remove(layout_.staged_sidecar(id_));
  }
  return published;
}

// ARCHITECTURE rule 2. Each step is durable before the next: sides, bytes, sidecar, the names of
// the bytes and the sides, and last the name of the sidecar, which makes them a blob.
Status LocalBlobWriter::publish(const BlobInfo& info) {
  const std::string sidecar = to_sidecar(info);
  if (sidecar.size() > parts_.sidecar_bytes_max) {
    return Error(Errc::kTooLarge, "what is to be kept beside the bytes is too large");
  }
  if (auto punched = punch_hole(); !punched) return punched;
  if (reserved_ > size()) {  // gives back what was reserved and not used
    if (auto cut = file_->truncate(size()); !cut) return cut;
  }
  if (auto synced = file_->sync(); !synced) return synced;
  if (auto written = io::write_new_file(fs_, layout_.staged_sidecar(id_), sidecar); !written) {
    return written;
  }
  if (auto made = parts_.make_shard(id_); !made) return made;
  auto linked = sides_->move_to_shard();
  if (linked) linked = link_durably(layout_.staged_bytes(id_), layout_.bytes(id_));
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
    // The name of the sidecar may be durable: then the bytes and sides must stay.
    log::error("blob.take_back_failed",
               {{"blob", id_.text()}, {"error", removed.error().message()}});
    return;
  }
  (void)fs_.remove(layout_.bytes(id_));  // what stays, resume() or clean_up() removes
  sides_->remove_from_shard();
}

void LocalBlobWriter::abort() {
  if (file_ == nullptr) return;
  file_.reset();
  remove_staged();
  sides_->remove();
}

// Best effort: clean_up() at the next start removes what stays.
void LocalBlobWriter::remove_staged() {
  (void)fs_.remove(layout_.staged_bytes(id_));
  (void)fs_.remove(layout_.staged_sidecar(id_));
}

}  // namespace strata::blob
