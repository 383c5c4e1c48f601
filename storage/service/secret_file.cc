#include "storage/service/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace strata::storage {

std::optional<std::string> read_secret(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::stringstream text;
  text << in.rdbuf();
  std::string secret = text.str();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return secret;
}

Status write_secret(const std::string& path, std::string_view contents) {
  // Complete or not there at all: a start that was cut off must not leave half a secret behind.
  const std::string unfinished = path + ".new";
  unlink(unfinished.c_str());
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno_error(errno, "creating " + unfinished);
  Status status;
  while (status && !contents.empty()) {
    const ssize_t n = write(fd, contents.data(), contents.size());
    if (n < 0 && errno != EINTR) status = errno_error(errno, "writing " + unfinished);
    if (n > 0) contents.remove_prefix(static_cast<std::size_t>(n));
  }
  if (status && fsync(fd) != 0) status = errno_error(errno, "syncing " + unfinished);
  close(fd);
  if (status && link(unfinished.c_str(), path.c_str()) != 0) {
    status = errno_error(errno, "creating " + path);
  }
  unlink(unfinished.c_str());
  if (!status) return status;
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const int directory = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno_error(errno, "opening " + parent);
  if (fsync(directory) != 0) status = errno_error(errno, "syncing " + parent);
  close(directory);
  return status;
}

}  // namespace strata::storage
