#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "storage/client/digest_follower.h"
#include "storage/client/part_upload.h"
#include "storage/client/push_context.h"

namespace strata::client {

// Sends the parts of a file at the same time, a thread for each. The calling thread reports
// progress, writes the log and lets the digests follow.
class PushTransfer {
 public:
  // `offsets`: what the server has of each part. References outlive it.
  PushTransfer(PushContext& context, const io::File& file, const FileIdentity& identity,
               const std::vector<UploadPart>& parts, const std::vector<std::uint64_t>& offsets);

  // Success: the server has all of it. Else the first error; the other parts are stopped.
  [[nodiscard]] Status run(DigestFollower* digests, const Progress& progress);
  [[nodiscard]] std::uint64_t sent() const;

 private:
  void work(std::size_t index);
  void supervise(DigestFollower* digests, const Progress& progress);

  PushContext& context_;
  const io::File& file_;
  const FileIdentity identity_;
  const std::vector<UploadPart>& parts_;
  const std::vector<std::uint64_t>& offsets_;
  std::deque<std::atomic<std::uint64_t>> positions_;  // of each part: sent
  std::stop_source stop_;                             // ours: the first error, or the caller's stop

  std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  std::size_t working_ = 0;
  std::optional<Error> error_;
};

}  // namespace strata::client
