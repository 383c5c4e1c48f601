#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/result.h"

// The seam between Strata and the disk. Everything durable goes through it, so that one double
// (tests/support/faulty_file_system.h) can fail or cut the power after the k-th call. Modelled on
// leveldb's Env and its fault injection test.
//
// What survives a power cut, and therefore what callers must do (POSIX, ext4):
//   bytes of a file          after File::sync or sync_data
//   a name in a directory    after sync_directory(parent) that follows link/rename/remove
// All calls block; call them from a disk thread. Objects are for one thread at a time, except that
// read_at may run from many threads at once, and that one thread may call sync_data beside
// another's write_at, truncate, punch_hole and set_direct: it covers the calls that returned before
// it began.
namespace strata::io {

class File {
 public:
  virtual ~File() = default;
  // Reads until `out` is full or the file ends; returns how many bytes were read.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset,
                                                    std::span<std::byte> out) const = 0;
  // Writes all of `data` or fails; on failure the range holds unspecified bytes.
  [[nodiscard]] virtual Status write_at(std::uint64_t offset, std::span<const std::byte> data) = 0;
  [[nodiscard]] virtual Status sync() = 0;       // fsync
  [[nodiscard]] virtual Status sync_data() = 0;  // fdatasync: the bytes, the holes and the size
  // Also makes a file longer: what is new is a hole, which reads as zeros and takes no space.
  [[nodiscard]] virtual Status truncate(std::uint64_t size) = 0;
  // Makes a range inside the file a hole, with the space it had. Not the size: behind the end of a
  // file nothing need happen (ext4). false = this file system has no such call; nothing changed.
  [[nodiscard]] virtual Result<bool> punch_hole(std::uint64_t offset, std::uint64_t bytes) = 0;
  // Reserves space without changing the size. kNoSpace when the disk cannot hold it; a file system
  // without fallocate answers success.
  [[nodiscard]] virtual Status reserve(std::uint64_t bytes) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  // O_DIRECT on or off. false = this file system refuses it; nothing changed.
  [[nodiscard]] virtual bool set_direct(bool on) = 0;
  // For sendfile(2); -1 when the bytes are not behind a descriptor.
  [[nodiscard]] virtual int descriptor() const = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,       // must exist
  kCreateNew,  // read and write; kConflict when the name exists
  kReadWrite,  // must exist
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path,
                                                           OpenMode mode) = 0;
  // Hard link; kConflict when `to` exists.
  [[nodiscard]] virtual Status link(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Status rename(const std::string& from, const std::string& to) = 0;
  // kNotFound when there is no such name.
  [[nodiscard]] virtual Status remove(const std::string& path) = 0;
  // Creates the directory and its parents, durably; existing ones are fine.
  [[nodiscard]] virtual Status make_directories(const std::string& path) = 0;
  [[nodiscard]] virtual Status sync_directory(const std::string& path) = 0;
  // Names in a directory without "." and "..", sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  [[nodiscard]] virtual Result<bool> exists(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

// The real one. Stateless; any number may exist.
[[nodiscard]] std::unique_ptr<FileSystem> make_posix_file_system();

// kNoSpace when the file system of `directory` has less than `bytes_min` free: for writers that
// must not meet a full disk.
[[nodiscard]] Status require_free_bytes(const std::string& directory, std::uint64_t bytes_min);

// Reads a whole small file; kTooLarge above `bytes_max`.
[[nodiscard]] Result<std::string> read_file(FileSystem& fs, const std::string& path,
                                            std::uint64_t bytes_max);
// Success, too, when there is no such name.
[[nodiscard]] Status remove_if_there(FileSystem& fs, const std::string& path);
// Opens a new file; what stood there before is removed first.
[[nodiscard]] Result<std::unique_ptr<File>> create_anew(FileSystem& fs, const std::string& path);
// Writes a new file and fsyncs it (not its name). What stood there before is removed first.
[[nodiscard]] Status write_new_file(FileSystem& fs, const std::string& path,
                                    std::string_view contents);
// The one function that publishes durably: writes `temporary`, fsyncs it, renames it over `path`,
// fsyncs the parent directory of `path`. Both must be on one file system.
[[nodiscard]] Status write_file_durably(FileSystem& fs, const std::string& path,
                                        const std::string& temporary, std::string_view contents);

}  // namespace strata::io
