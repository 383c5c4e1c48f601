#pragma once

#include "storage/client/digest_follower.h"

namespace strata::client {

// All three digests of a file that is being written, on two threads.
class FileDigests {
 public:
  FileDigests(const io::File& file, const std::stop_token& stop)
      : sha512_(file, digest::kSplit[0], stop), sha1_sha256_(file, digest::kSplit[1], stop) {}

  void advance(std::uint64_t prefix) {
    sha512_.advance(prefix);
    sha1_sha256_.advance(prefix);
  }
  [[nodiscard]] Result<DigestSet> finish(std::uint64_t size) {
    STRATA_TRY(const DigestSet sha1_sha256, sha1_sha256_.finish(size));
    STRATA_TRY(const DigestSet sha512, sha512_.finish(size));
    return digest::join(sha512, sha1_sha256);
  }

 private:
  DigestFollower sha512_;
  DigestFollower sha1_sha256_;
};

}  // namespace strata::client
