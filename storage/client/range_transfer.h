#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>

#include "storage/client/file_digests.h"
#include "storage/client/part_file.h"
#include "storage/client/pull.h"

namespace strata::client {

// Parallel ranged GETs into a part file. run() starts one thread for each connection; each takes
// the next missing piece, fetches it (again, from where it was cut) and marks what it has written.
// The calling thread reports progress and saves the state.
class RangeTransfer {
 public:
  // `source` names the representation and, in `done`, what is there already. References outlive it.
  RangeTransfer(const Endpoint& endpoint, const PullOptions& options, PartFile& part,
                PullState source);

  // Success: all bytes are written. The state is saved on the way and, after an error, at the end.
  [[nodiscard]] Status run(FileDigests& digests, const Progress& progress);
  [[nodiscard]] std::uint64_t done_bytes() const { return source_.done.total(); }

 private:
  void work();
  [[nodiscard]] std::optional<http::ByteRange> take_piece();
  [[nodiscard]] Status fetch(http::Client& client, io::File& file, http::ByteRange piece);
  [[nodiscard]] Status fetch_once(http::Client& client, io::File& file, std::uint64_t& position,
                                  std::uint64_t end);
  [[nodiscard]] Status check_head(const http::ResponseHead& head,
                                  const http::ByteRange& asked) const;
  void mark(const http::ByteRange& range);
  void fail(const Error& error);
  void supervise(const Progress& progress);

  const Endpoint& endpoint_;
  const PullOptions& options_;
  PartFile& part_;
  FileDigests* digests_ = nullptr;
  std::stop_source stop_;  // ours: the first error, or the caller's stop
  std::uint64_t piece_bytes_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  PullState source_;
  std::uint64_t next_ = 0;  // pieces below have been taken
  std::size_t working_ = 0;
  std::optional<Error> error_;
};

}  // namespace strata::client
