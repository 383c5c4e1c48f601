#pragma once

#include <memory>
#include <string>

#include "storage/client/pull_state.h"
#include "strata/base/result.h"
#include "strata/io/file_system.h"

namespace strata::client {

// DEST.part and DEST.part.state: where the bytes of a pull are until they are verified. One process
// at a time has them (flock). One thread at a time.
class PartFile {
 public:
  // Creates or reopens DEST.part. kInUse: another pull has it.
  [[nodiscard]] static Result<std::unique_ptr<PartFile>> open(const std::string& destination);

  // What an earlier pull of the same source left, or nothing. The file is `source.size` bytes long
  // afterwards, and what is not there yet of `zeros` has become holes.
  [[nodiscard]] Result<DoneRanges> resume(const PullState& source, const DoneRanges& zeros);
  // Forgets what is there; the file is `size` bytes long afterwards, and reads as zeros. kNoSpace
  // when the disk cannot hold what is not of `zeros`.
  [[nodiscard]] Status restart(std::uint64_t size, const DoneRanges& zeros = {});
  [[nodiscard]] Status save(const PullState& state);

  // Another handle on the same bytes, for a thread that writes. Any thread.
  [[nodiscard]] Result<std::unique_ptr<io::File>> open_again() const;
  [[nodiscard]] io::File& file() { return *file_; }

  // The bytes are verified: makes them durable and gives them the final name. Without `replace`,
  // kConflict when that exists.
  [[nodiscard]] Status publish(bool replace);
  void discard();  // removes both files

 private:
  explicit PartFile(std::string destination);
  [[nodiscard]] Status lock();
  [[nodiscard]] Status make_holes(const DoneRanges& zeros, const DoneRanges& done);

  std::string destination_;
  std::string part_path_;
  std::string state_path_;
  std::unique_ptr<io::FileSystem> fs_;
  std::unique_ptr<io::File> file_;
};

}  // namespace strata::client
