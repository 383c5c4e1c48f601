#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "strata/base/digest.h"
#include "strata/base/result.h"
#include "strata/digest/hasher.h"
#include "strata/io/file_system.h"

namespace strata::client {

// Digests of a file that somebody else is still reading or writing: a thread that follows the part
// that is known to be there, and reads it (back) while it is in the page cache. So digests cost a
// transfer no time unless they are slower than it. What the file system says are holes is digested
// as zeros without being read.
class DigestFollower {
 public:
  // `file` outlives the follower. A stop request ends it within one block.
  DigestFollower(const io::File& file, digest::Algorithms algorithms, std::stop_token stop);
  ~DigestFollower();  // gives up

  // The first `prefix` bytes are there and will not change. Never falls; any thread.
  void advance(std::uint64_t prefix);
  // The file ends at `size`, and all of it is there: waits for the digests. kCancelled when
  // stopped, kIo when the file cannot be read or is shorter.
  [[nodiscard]] Result<DigestSet> finish(std::uint64_t size);

 private:
  void follow();
  [[nodiscard]] Result<DigestSet> digest_all();
  // How far it may read; nullopt: given up.
  [[nodiscard]] std::optional<std::uint64_t> wait_beyond(std::uint64_t position);

  const io::File& file_;
  digest::Algorithms algorithms_;
  std::stop_token stop_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t prefix_ = 0;
  bool complete_ = false;
  bool given_up_ = false;
  std::optional<Result<DigestSet>> outcome_;
  std::thread thread_;
};

}  // namespace strata::client
