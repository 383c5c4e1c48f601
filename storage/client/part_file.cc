#include "storage/client/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "storage/client/sparse_writer.h"

namespace strata::client {
namespace {

// 1 MiB holds some 25 000 intervals; a pull has about as many as connections.
constexpr std::uint64_t kStateBytesMax = 1 << 20;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The user's file has the permissions that the umask gives, as any other download; io::FileSystem
// makes private ones.
Status create(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) return errno_error(errno, "creation of " + path);
  ::close(descriptor);
  return {};
}

}  // namespace

PartFile::PartFile(std::string destination)
    : destination_(std::move(destination)),
      part_path_(destination_ + ".part"),
      state_path_(part_path_ + ".state"),
      fs_(io::make_posix_file_system()) {}

Result<std::unique_ptr<PartFile>> PartFile::open(const std::string& destination) {
  std::unique_ptr<PartFile> part(new PartFile(destination));
  if (auto status = create(part->part_path_); !status) return status.error();
  STRATA_TRY(part->file_, part->fs_->open(part->part_path_, io::OpenMode::kReadWrite));
  if (auto status = part->lock(); !status) return status.error();
  return part;
}

Status PartFile::lock() {
  const Error in_use(Errc::kInUse, "another pull is writing " + part_path_);
  const int descriptor = file_->descriptor();
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return in_use;
    return errno_error(errno, "lock of " + part_path_);
  }
  // The holder before us may have published the file between our open and our lock: then this is
  // not the part any more but the finished file.
  struct stat ours {};
  struct stat named {};
  const bool same = ::fstat(descriptor, &ours) == 0 && ::stat(part_path_.c_str(), &named) == 0 &&
                    ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
  return same ? Status() : in_use;
}

Result<DoneRanges> PartFile::resume(const PullState& source, const DoneRanges& zeros) {
  const auto text = io::read_file(*fs_, state_path_, kStateBytesMax);
  if (text) {
    const auto state = pull_state_from_json(*text);
    if (!state && state.error().code() == Errc::kUsage) return state.error();
    STRATA_TRY(const std::uint64_t size, file_->size());
    if (state && state->is_same_source(source) && size == source.size) {
      if (auto status = make_holes(zeros, state->done); !status) return status.error();
      return state->done;
    }
  }
  if (auto status = restart(source.size, zeros); !status) return status.error();
  return DoneRanges();
}

// What an earlier pull wrote last is not in its state, and is not zeros if that pull did not know
// of them, or if it wrote wrong bytes.
Status PartFile::make_holes(const DoneRanges& zeros, const DoneRanges& done) {
  for (const auto& [first, end] : zeros.intervals()) {
    for (auto gap = done.first_missing(first, end, end - first); gap;
         gap = done.first_missing(gap->end(), end, end - first)) {
      if (auto status = make_hole(*file_, gap->first, gap->length); !status) return status;
    }
  }
  return {};
}

Status PartFile::restart(std::uint64_t size, const DoneRanges& zeros) {
  // The state first: it may never describe bytes that are gone.
  if (auto status = fs_->remove(state_path_); !status && status.error().code() != Errc::kNotFound) {
    return status;
  }
  if (auto status = file_->truncate(0); !status) return status;
  // Space that is reserved is none that holes leave free.
  Status room = zeros.total() == 0
                    ? file_->reserve(size)
                    : io::require_free_bytes(parent_of(destination_), size - zeros.total());
  if (!room) return room;
  return file_->truncate(size);
}

Status PartFile::save(const PullState& state) {
  return io::write_file_durably(*fs_, state_path_, state_path_ + ".tmp", to_json(state));
}

Result<std::unique_ptr<io::File>> PartFile::open_again() const {
  return fs_->open(part_path_, io::OpenMode::kReadWrite);
}

Status PartFile::publish(bool replace) {
  if (auto status = file_->sync(); !status) return status;
  if (replace) {
    if (auto status = fs_->rename(part_path_, destination_); !status) return status;
  } else {
    // A link never replaces; a rename would.
    if (auto status = fs_->link(part_path_, destination_); !status) return status;
    if (auto status = fs_->remove(part_path_); !status) return status;
  }
  if (auto status = fs_->sync_directory(parent_of(destination_)); !status) return status;
  const auto removed = fs_->remove(state_path_);
  if (!removed && removed.error().code() != Errc::kNotFound) return removed;
  return {};
}

void PartFile::discard() {
  // Best effort: what stays is found and overwritten by the next pull.
  (void)fs_->remove(state_path_).has_value();
  (void)fs_->remove(part_path_).has_value();
}

}  // namespace strata::client
