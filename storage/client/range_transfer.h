#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>

#include "storage/client/file_digests.h"
#include "storage/client/part_file.h"
#include "storage/client/pull.h"
#include "storage/client/sparse_writer.h"

namespace strata::client {

// Parallel ranged GETs into a part file. run() starts one thread for each connection; each takes
// the next missing piece, fetches it (again, from where it was cut) and marks what it has written.
// The calling thread reports progress and saves the state. Zeros that are known are not fetched;
// those that arrive become holes.
class RangeTransfer {
 public:
  // `source` names the representation and, in `done`, what is there already. Where `zeros` says and
  // nothing is done the part file has holes. References outlive it.
  RangeTransfer(const Endpoint& endpoint, const PullOptions& options, PartFile& part,
                PullState source, const DoneRanges& zeros);

  // Success: all bytes are written. The state is saved on the way and, after an error, at the end.
  [[nodiscard]] Status run(FileDigests& digests, const Progress& progress);
  // Of this run and of earlier ones, without the zeros that this one passed; after run().
  [[nodiscard]] std::uint64_t kept_bytes() const { return source_.done.total() - skipped_; }
  // What of `zeros` was not there before; after run().
  [[nodiscard]] std::uint64_t skipped_bytes() const { return skipped_; }

 private:
  void work();
  [[nodiscard]] std::optional<http::ByteRange> take_piece();
  [[nodiscard]] std::optional<http::ByteRange> next_piece();
  void skip(std::uint64_t first, std::uint64_t end);
  [[nodiscard]] Status fetch(http::Client& client, io::File& file, http::ByteRange piece);
  [[nodiscard]] Status fetch_once(http::Client& client, SparseWriter& writer, std::uint64_t end);
  [[nodiscard]] Status check_head(const http::ResponseHead& head,
                                  const http::ByteRange& asked) const;
  [[nodiscard]] Status write(SparseWriter& writer, std::span<const std::byte> data);
  [[nodiscard]] Status flush(SparseWriter& writer);
  void mark(std::uint64_t first, std::uint64_t end);
  void fail(const Error& error);
  void supervise(const Progress& progress);

  const Endpoint& endpoint_;
  const PullOptions& options_;
  PartFile& part_;
  const DoneRanges& zeros_;
  FileDigests* digests_ = nullptr;
  std::stop_source stop_;  // ours: the first error, or the caller's stop
  std::uint64_t piece_bytes_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  PullState source_;
  std::uint64_t next_ = 0;  // pieces below have been taken
  std::uint64_t skipped_ = 0;
  std::size_t working_ = 0;
  std::optional<Error> error_;
};

}  // namespace strata::client
