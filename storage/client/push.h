#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "storage/client/endpoint.h"
#include "storage/client/image_info.h"
#include "storage/client/progress.h"
#include "storage/client/retry.h"
#include "strata/base/digest.h"

namespace strata::client {

// A line for the person who waits: what has gone wrong and what is done about it.
using Note = std::function<void(const std::string& line)>;

struct PushOptions {
  std::string name;  // of the image; empty: the file's last path component
  bool is_public = false;
  std::map<std::string, std::string> metadata;  // kind, title, description, os, os-version, ...
  std::vector<std::string> tags;
  ExpectedDigests expected;  // of the file; the server refuses other bytes
  // Compute the SHA-256 of the file while it is sent, on a second thread, and compare it with what
  // the server says it has stored.
  bool verify = true;
  // Pieces of the file that are sent at the same time; each is at least 1 MiB.
  std::size_t parallel = 1;
  // Where uploads that were started are remembered; empty: nowhere, and a push that ends early
  // cannot be resumed by another one.
  std::string state_folder;
  // How long to try again while nothing moves; 0: not at all.
  std::chrono::milliseconds retry_for = std::chrono::minutes(5);
  Note note;
  RetryTime* time = &real_time();
};

// Uploads a regular file by tus 1.0.0 and returns the image. Goes on after cut connections, 5xx,
// 429 and restarts of the server, and, by its state, after its own end at any moment: another push
// of the same file with the same options goes on where the server is. `progress` and `note` are
// called on this thread. Errors: what the server refused with; kUnreachable: nothing moved for
// `retry_for`; kCancelled; kVerification: the server stored other bytes than the file has, or the
// file changed meanwhile; kNotFound, kIo of the file. Unless the content is what was refused, the
// upload stays for the next push, and the detail says so.
[[nodiscard]] Result<ImageInfo> push(const Endpoint& endpoint, const std::string& file,
                                     const PushOptions& options, const Progress& progress = {});

}  // namespace strata::client
