#include "strata/io/file_system.h"

// Whole small files, on any FileSystem.
namespace strata::io {

Status require_free_bytes(const std::string& directory, std::uint64_t bytes_min) {
  STRATA_TRY(const std::uint64_t free, make_posix_file_system()->free_bytes(directory));
  if (free >= bytes_min) return {};
  return Error(Errc::kNoSpace, "the disk has " + std::to_string(free) +
                                   " bytes free, records need " + std::to_string(bytes_min));
}

Status remove_if_there(FileSystem& fs, const std::string& path) {
  auto removed = fs.remove(path);
  return !removed && removed.error().code() == Errc::kNotFound ? Status() : removed;
}

Result<std::unique_ptr<File>> create_anew(FileSystem& fs, const std::string& path) {
  auto file = fs.open(path, OpenMode::kCreateNew);
  if (file || file.error().code() != Errc::kConflict) return file;
  // Left behind by an attempt that was cut off. Never opened and overwritten instead: the name may
  // be a hard link to a file that others read.
  if (auto removed = fs.remove(path); !removed) return removed.error();
  return fs.open(path, OpenMode::kCreateNew);
}

Status write_new_file(FileSystem& fs, const std::string& path, std::string_view contents) {
  STRATA_TRY(const auto file, create_anew(fs, path));
  const auto bytes = std::as_bytes(std::span(contents.data(), contents.size()));
  if (auto written = file->write_at(0, bytes); !written) return written.error();
  return file->sync();
}

Result<std::string> read_file(FileSystem& fs, const std::string& path, std::uint64_t bytes_max) {
  STRATA_TRY(const auto file, fs.open(path, OpenMode::kRead));
  STRATA_TRY(const std::uint64_t size, file->size());
  if (size > bytes_max) {
    return Error(Errc::kTooLarge, "a file of " + std::to_string(size) + " bytes, at most " +
                                      std::to_string(bytes_max) + " expected");
  }
  std::string contents(static_cast<std::size_t>(size), '\0');
  STRATA_TRY(const std::size_t read, file->read_at(0, std::as_writable_bytes(std::span(contents))));
  contents.resize(read);
  return contents;
}

Status write_file_durably(FileSystem& fs, const std::string& path, const std::string& temporary,
                          std::string_view contents) {
  auto written = write_new_file(fs, temporary, contents);
  if (written) written = fs.rename(temporary, path);
  if (!written) {
    (void)fs.remove(temporary);  // the first error is the one to report
    return written.error();
  }
  const std::size_t slash = path.find_last_of('/');
  return fs.sync_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

}  // namespace strata::io
