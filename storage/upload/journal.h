#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "strata/base/ids.h"
#include "strata/base/result.h"
#include "strata/io/file_system.h"

namespace strata::upload {

// What is known durably of the upload sessions: for each session a few slots, each with the last
// value that was put there. A log-structured file below `directory`; storage/FORMAT.md, "Upload
// journal", specifies it.
//
// Group commit: appends that arrive while an fdatasync runs share the next one, so that N sessions
// that checkpoint at once cost two syncs and not N.
//
// Atomic: the changes of one append() are there after a crash all or not at all, and appends become
// durable in the order of the calls. What a failed append wrote is never seen, not even by a later
// start: after a failure nothing is written behind it; the next append first writes all live values
// into a new file and renames it over the old one. Until that has worked every append fails, and
// healthy() is false: the caller must not change any byte that a value speaks of in the meantime.
//
// Values are not kept in memory, only where they are in the file. Thread-safe.
class Journal {
 public:
  // Which value of a session. A byte, so that a newer version can have more.
  enum class Slot : std::uint8_t { kSession = 1, kCheckpoint = 2, kOutcome = 3 };

  struct Change {
    enum class Kind : std::uint8_t { kPut, kRemoveSession };
    Kind kind = Kind::kPut;
    RandomId session;
    Slot slot = Slot::kSession;  // kPut
    std::string value;           // kPut; at most kValueBytesMax
  };
  static constexpr std::size_t kValueBytesMax = std::size_t{1} << 20;

  struct Options {
    std::string directory;  // created when missing
    // The file is written anew when it is longer than this and mostly dead.
    std::uint64_t rewrite_bytes_min = std::uint64_t{8} << 20;
    // Appends are refused (kNoSpace) when the disk would have less than this free; removals not.
    std::uint64_t disk_reserve_bytes = 0;
  };

  // Reads what is there (blocks) and starts the thread that writes. A torn end is dropped: nobody
  // was told that it is durable; it is logged when it holds more than one torn group. kCorruptData
  // for a file of a newer version or a damaged head. `fs` must outlive the journal.
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(io::FileSystem& fs, Options options);
  // Writes what was appended, then ends the thread.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // `done` runs on the journal's thread (it must not block, nor call the journal synchronously) when
  // the changes are durable, or with the error when they are not and never will be.
  using Done = std::function<void(const Status&)>;
  void append(std::vector<Change> changes, Done done);
  // The same, waiting.
  [[nodiscard]] Status append_and_wait(std::vector<Change> changes);

  // The last durable value; kNotFound. Blocks for a read of the file.
  [[nodiscard]] Result<std::string> read(const RandomId& session, Slot slot) const;
  [[nodiscard]] std::vector<RandomId> sessions() const;  // that have any value; sorted
  // Whether the last append worked. false: heal() or the next append tries a new file.
  [[nodiscard]] bool healthy() const;
  [[nodiscard]] Status heal();  // waits; success when healthy already

  struct Figures {
    std::uint64_t appends = 0;     // append() calls that became durable
    std::uint64_t groups = 0;      // syncs that they shared
    std::uint64_t file_bytes = 0;  // of the file now
    std::uint64_t live_bytes = 0;  // of them still wanted
    std::uint64_t rewrites = 0;
  };
  [[nodiscard]] Figures figures() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  explicit Journal(std::unique_ptr<State> state);
};

}  // namespace strata::upload
