#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "storage/client/endpoint.h"
#include "storage/client/image_info.h"
#include "strata/base/digest.h"

namespace strata::client {

// How far a transfer is, for a progress bar: bytes done and bytes in all (0: not known).
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct PushOptions {
  std::string name;  // of the image; empty: the file's last path component
  bool is_public = false;
  std::map<std::string, std::string> metadata;  // kind, title, description, os, os-version, ...
  std::vector<std::string> tags;
  ExpectedDigests expected;  // of the file; the server refuses other bytes
  // Compute the SHA-256 of the file while it is sent, on a second thread, and compare it with what
  // the server says it has stored.
  bool verify = true;
};

// Uploads a regular file in one request and returns the image. `progress` is called on this thread,
// after each piece. Errors: what the server refused with; kVerification when it stored other bytes
// than the file has (or the file changed meanwhile); kConnectionLost, kUnreachable, kCancelled;
// kNotFound, kIo of the file. Nothing is kept on the server after an error but kVerification.
[[nodiscard]] Result<ImageInfo> push(const Endpoint& endpoint, const std::string& file,
                                     const PushOptions& options, const Progress& progress = {});

}  // namespace strata::client
