#include "strata/base/result.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace strata {

const ErrorInfo& error_info(Errc code) {
  // In the order of Errc. Status 0: seen by clients only.
  static constexpr ErrorInfo kTable[] = {
      {400, "malformed", "The request is malformed", false},
      {400, "partial-put", "A PUT of a part is not possible", false},
      {401, "unauthorized", "No valid credential", false},
      {403, "forbidden", "Not allowed", false},
      {403, "untrusted-signature", "The signature is not trusted", false},
      {404, "not-found", "Not found", false},
      {405, "method-not-allowed", "The resource does not have this method", false},
      {408, "request-timeout", "The request took too long", true},
      {409, "offset-mismatch", "The offset is not the current one", false},
      {409, "not-seekable", "Ranges of this view are not possible", false},
      {409, "not-newer", "An entry at least as new exists", false},
      {409, "collision", "Same name, different content", false},
      {409, "conflict", "Conflict with what exists", false},
      {409, "in-use", "The resource is in use", true},
      {410, "gone", "Gone", false},
      {412, "precondition-failed", "A precondition does not hold", false},
      {413, "too-large", "Too large", false},
      {414, "target-too-long", "The request target is too long", false},
      {415, "unsupported-media", "Media type or content coding is not supported", false},
      {416, "range-not-satisfiable", "No such range", false},
      {421, "wrong-host", "This host name is not served here", false},
      {422, "digest-mismatch", "The bytes do not have the digest that was announced", false},
      {422, "size-mismatch", "The bytes do not have the size that was announced", false},
      {422, "corrupt-gzip", "The gzip data is corrupt", false},
      {422, "corrupt-xz", "The xz data is corrupt", false},
      {422, "corrupt-zstd", "The zstd data is corrupt", false},
      {422, "decompression-limit", "Decoding exceeds a limit", false},
      {422, "unsafe-format", "The disk format is not safe", false},
      {429, "too-many-requests", "Too many requests", true},
      {431, "headers-too-large", "The request head is too large", false},
      {460, "checksum-mismatch", "The checksum does not match", true},
      {500, "internal", "Internal error", true},
      {500, "internal", "Storage error", true},
      {500, "corrupt-data", "Stored data is damaged", false},
      {501, "not-implemented", "Not implemented", false},
      {503, "unavailable", "Temporarily unavailable", true},
      {505, "http-version", "The HTTP version is not supported", false},
      {507, "no-space", "No space left", true},
      {0, "unreachable", "The server cannot be reached", true},
      {0, "connection-lost", "The connection was lost", true},
      {0, "verification", "Verification failed", false},
      {0, "ambiguous", "The name fits several", false},
      {0, "usage", "Wrong usage", false},
      {0, "cancelled", "Cancelled", true},
  };
  static_assert(sizeof(kTable) / sizeof(kTable[0]) ==
                static_cast<std::size_t>(Errc::kCancelled) + 1);
  return kTable[static_cast<std::size_t>(code)];
}

std::optional<Errc> errc_from_type(std::string_view type) {
  for (int i = static_cast<int>(Errc::kCancelled); i >= 0; --i) {
    const auto code = static_cast<Errc>(i);
    if (error_info(code).type == type) return code;
  }
  return std::nullopt;
}

Error Error::in(std::string_view where) const {
  return {code_, std::string(where) + ": " + detail_};
}

std::string Error::message() const {
  return std::string(info().type) + ": " + detail_;
}

Error errno_error(int errno_value, std::string_view what) {
  Errc code = Errc::kIo;
  if (errno_value == ENOSPC || errno_value == EDQUOT || errno_value == EFBIG) {
    code = Errc::kNoSpace;  // EFBIG: larger than this file system or "ulimit -f" lets a file be
  }
  if (errno_value == ENOENT) code = Errc::kNotFound;
  if (errno_value == EEXIST) code = Errc::kConflict;
  char buffer[128];
  const char* text = strerror_r(errno_value, buffer, sizeof(buffer));
  return {code, std::string(what) + ": " + text};
}

void check(bool condition, std::string_view message, const char* file, unsigned line) {
  if (condition) return;
  std::fprintf(stderr, "strata: %s:%u: %.*s\n", file, line, static_cast<int>(message.size()),
               message.data());
  std::abort();
}

}  // namespace strata
