#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "strata/io/block.h"
#include "strata/io/file_system.h"

namespace strata::io {
namespace {

// The one loop for EINTR.
template <typename Call>
auto retry_interrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

// The last component only: error texts reach clients, and they may not learn our paths.
std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Error call_error(int errno_value, std::string_view call, std::string_view path) {
  return errno_error(errno_value, std::string(call) + " " + std::string(base_name(path)));
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);  // what must last was synced: nothing to learn from the result
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool is_aligned(const void* data, std::uint64_t offset, std::size_t size) {
  return (reinterpret_cast<std::uintptr_t>(data) | offset | size) % kBlockAlignment == 0;
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const std::span<std::byte> rest = out.subspan(done);
      drop_direct_unless_aligned(rest.data(), offset + done, rest.size());
      const ssize_t n = retry_interrupted([&] {
        return ::pread(fd(), rest.data(), rest.size(), static_cast<off_t>(offset + done));
      });
      if (n < 0 && errno == EINVAL && drop_direct()) continue;
      if (n < 0) return call_error(errno, "read of", path_);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Status write_at(std::uint64_t offset, std::span<const std::byte> data) override {
    while (!data.empty()) {
      drop_direct_unless_aligned(data.data(), offset, data.size());
      const ssize_t n = retry_interrupted(
          [&] { return ::pwrite(fd(), data.data(), data.size(), static_cast<off_t>(offset)); });
      // A device with larger sectors than our alignment refuses: buffered is always possible.
      if (n < 0 && errno == EINVAL && drop_direct()) continue;
      if (n < 0) return call_error(errno, "write to", path_);
      offset += static_cast<std::uint64_t>(n);
      data = data.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

  Status sync() override {
    if (retry_interrupted([&] { return ::fsync(fd()); }) == 0) return {};
    return call_error(errno, "fsync of", path_);
  }
  Status sync_data() override {
    if (retry_interrupted([&] { return ::fdatasync(fd()); }) == 0) return {};
    return call_error(errno, "fdatasync of", path_);
  }
  Status truncate(std::uint64_t size) override {
    if (retry_interrupted([&] { return ::ftruncate(fd(), static_cast<off_t>(size)); }) == 0) {
      return {};
    }
    return call_error(errno, "truncation of", path_);
  }

  Result<bool> punch_hole(std::uint64_t offset, std::uint64_t bytes) override {
    if (bytes == 0) return true;
    const int result = retry_interrupted([&] {
      return ::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         static_cast<off_t>(offset), static_cast<off_t>(bytes));
    });
    if (result == 0) return true;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return false;
    return call_error(errno, "hole in", path_);
  }

  Status reserve(std::uint64_t bytes) override {
    if (bytes == 0) return {};
    const int result = retry_interrupted(
        [&] { return ::fallocate(fd(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)); });
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return call_error(errno, "reservation for", path_);
  }

  Result<std::uint64_t> size() const override {
    struct stat status {};
    if (::fstat(fd(), &status) != 0) return call_error(errno, "fstat of", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  bool set_direct(bool on) override {
    const int flags = ::fcntl(fd(), F_GETFL);
    if (flags < 0) return false;
    if (::fcntl(fd(), F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) != 0) return false;
    direct_ = on;
    return true;
  }

  int descriptor() const override { return fd(); }

 private:
  [[nodiscard]] int fd() const { return descriptor_.get(); }

  // O_DIRECT is an optimisation: the first access that it cannot do ends it. True if it was on.
  bool drop_direct() const {
    if (!direct_.exchange(false)) return false;
    const int flags = ::fcntl(fd(), F_GETFL);
    return flags >= 0 && ::fcntl(fd(), F_SETFL, flags & ~O_DIRECT) == 0;
  }
  void drop_direct_unless_aligned(const void* data, std::uint64_t offset, std::size_t size) const {
    if (direct_ && !is_aligned(data, offset, size)) (void)drop_direct();
  }

  Descriptor descriptor_;
  std::string path_;
  mutable std::atomic<bool> direct_ = false;  // read_at of several threads may end it
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    if (mode == OpenMode::kRead) flags |= O_RDONLY;
    if (mode == OpenMode::kReadWrite) flags |= O_RDWR;
    if (mode == OpenMode::kCreateNew) flags |= O_RDWR | O_CREAT | O_EXCL;
    // 0600: images are private unless Strata itself hands them out.
    const int fd = retry_interrupted([&] { return ::open(path.c_str(), flags, 0600); });
    if (fd < 0) return call_error(errno, "open of", path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(Descriptor(fd), path));
  }

  Status link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) == 0) return {};
    return call_error(errno, "link to", to);
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return call_error(errno, "rename to", to);
  }
  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return {};
    return call_error(errno, "removal of", path);
  }

  Status make_directories(const std::string& path) override {
    for (std::size_t at = 1; at != std::string::npos;) {
      at = path.find('/', at);
      const std::string part = path.substr(0, at);
      if (at != std::string::npos) ++at;
      if (part.empty() || part.back() == '/') continue;
      const bool created = ::mkdir(part.c_str(), 0700) == 0;
      if (!created && errno != EEXIST) return call_error(errno, "creation of", part);
      // Also for one that exists already, if it is the last: an earlier call may have created it
      // and then failed to sync.
      if (created || part == path) {
        if (auto synced = sync_directory(parent_of(part)); !synced) return synced.error();
      }
    }
    return {};
  }

  Status sync_directory(const std::string& path) override {
    const Descriptor directory(retry_interrupted(
        [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (directory.get() < 0) return call_error(errno, "open of directory", path);
    if (retry_interrupted([&] { return ::fsync(directory.get()); }) == 0) return {};
    return call_error(errno, "fsync of directory", path);
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    const auto close = [](DIR* open_directory) { (void)::closedir(open_directory); };
    const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path.c_str()), close);
    if (!directory) return call_error(errno, "open of directory", path);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return call_error(errno, "listing of", path);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT) return false;
    return call_error(errno, "lstat of", path);
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs status {};
    if (retry_interrupted([&] { return ::statvfs(path.c_str(), &status); }) != 0) {
      return call_error(errno, "statvfs of", path);
    }
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  }
};

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system() {
  return std::make_unique<PosixFileSystem>();
}

}  // namespace strata::io
