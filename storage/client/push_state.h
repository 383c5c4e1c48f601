#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/result.h"
#include "strata/io/file_system.h"

namespace strata::client {

// Whether a file is still the same one, with the same content, as far as that can be told without
// reading it.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  bool operator==(const FileIdentity&) const = default;

  // Of an open regular file; kUsage when it is something else.
  [[nodiscard]] static Result<FileIdentity> of(const io::File& file);
};

// A piece of the file and the upload that takes it.
struct UploadPart {
  std::string target;
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  bool operator==(const UploadPart&) const = default;
};

// What is remembered of an upload that has been started, so that another run goes on with it:
//   {"version":1,"origin":"http://HOST:PORT","path":"/...","device":N,"inode":N,"size":N,
//    "mtime_ns":N,"metadata":"filename ZGlzaw==,...","created":"2026-11-23T04:05:06Z",
//    "upload":"/v1/uploads/TOKEN","parts":[["/v1/uploads/TOKEN",first,end],...]}
// The parts cover the file in order, `end` is exclusive; an upload in one piece is its own only
// part. How far they are is not here: the server knows.
struct PushState {
  static constexpr std::uint64_t kVersion = 1;

  std::string origin;  // of the server
  std::string path;    // of the file, absolute
  FileIdentity file;
  std::string metadata;  // the Upload-Metadata: name and options
  UnixMillis created = 0;
  std::string upload;  // the whole
  std::vector<UploadPart> parts;

  [[nodiscard]] bool in_pieces() const { return parts.size() != 1 || parts[0].target != upload; }
};

[[nodiscard]] std::string to_json(const PushState& state);
// kMalformed: damaged. kUsage: written by a newer version.
[[nodiscard]] Result<PushState> push_state_from_json(std::string_view json);

}  // namespace strata::client
