#include "storage/client/push_state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "strata/digest/hasher.h"

namespace strata::client {
namespace {

// 16 parts of 8 KiB of target and 32 KiB of metadata fit several times.
constexpr std::uint64_t kStateBytesMax = 1 << 20;
constexpr UnixMillis kAgeMax = 30LL * 24 * 3600 * 1000;
constexpr std::size_t kKeyDigits = 32;

std::string key_of(const PushState& state) {
  const FileIdentity& file = state.file;
  const std::string text = state.origin + "\n" + std::to_string(file.device) + " " +
                           std::to_string(file.inode) + " " + std::to_string(file.size) + " " +
                           std::to_string(file.mtime_ns) + "\n" + state.metadata;
  return digest::digest_of(text).sha256.hex().substr(0, kKeyDigits);
}

}  // namespace

PushStateFile::PushStateFile(std::unique_ptr<io::FileSystem> fs, std::string base)
    : fs_(std::move(fs)), json_path_(base + ".json"), lock_path_(base + ".lock") {}

Result<std::unique_ptr<PushStateFile>> PushStateFile::open(const std::string& folder,
                                                           const PushState& key) {
  auto fs = io::make_posix_file_system();
  if (auto status = fs->make_directories(folder); !status) return status.error();
  std::unique_ptr<PushStateFile> file(new PushStateFile(std::move(fs), folder + "/" + key_of(key)));
  for (;;) {
    STRATA_TRY(const bool locked, file->lock());
    if (locked) return file;
  }
}

// False: the holder before us removed the file between our open and our lock; again.
Result<bool> PushStateFile::lock() {
  const int descriptor = ::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno_error(errno, "creation of " + lock_path_);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    ::close(descriptor);
    if (why == EWOULDBLOCK) return Error(Errc::kInUse, "another push of the same file runs");
    return errno_error(why, "lock of " + lock_path_);
  }
  struct stat ours {};
  struct stat named {};
  const bool same = ::fstat(descriptor, &ours) == 0 && ::stat(lock_path_.c_str(), &named) == 0 &&
                    ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
  if (same) {
    lock_ = descriptor;
  } else {
    ::close(descriptor);
  }
  return same;
}

PushStateFile::~PushStateFile() {
  if (lock_ < 0) return;
  (void)::unlink(lock_path_.c_str());  // before the lock is gone: only its holder may
  ::close(lock_);
}

Result<std::optional<PushState>> PushStateFile::load() {
  const auto text = io::read_file(*fs_, json_path_, kStateBytesMax);
  if (!text) {
    if (text.error().code() == Errc::kNotFound) return std::optional<PushState>();
    return text.error();
  }
  STRATA_TRY(PushState state, push_state_from_json(*text));
  return std::optional(std::move(state));
}

Status PushStateFile::save(const PushState& state) {
  return io::write_file_durably(*fs_, json_path_, json_path_ + ".tmp", to_json(state));
}

void PushStateFile::remove() {
  (void)fs_->remove(json_path_).has_value();
}

std::vector<PushState> take_outdated(const std::string& folder, const PushState& key) {
  std::vector<PushState> taken;
  const auto fs = io::make_posix_file_system();
  const auto names = fs->list(folder);
  if (!names) return taken;
  for (const std::string& name : *names) {
    if (!name.ends_with(".json")) continue;
    const auto text = io::read_file(*fs, folder + "/" + name, kStateBytesMax);
    if (!text) continue;
    auto state = push_state_from_json(*text);
    if (!state) continue;
    const bool changed =
        state->origin == key.origin && state->path == key.path && state->file != key.file;
    if (!changed && key.created - state->created < kAgeMax) continue;
    const auto place = PushStateFile::open(folder, *state);
    if (!place) continue;
    (*place)->remove();
    if (changed) taken.push_back(std::move(*state));
  }
  return taken;
}

}  // namespace strata::client
