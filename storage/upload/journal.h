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
// journal", specifies it. One journal at a time has a directory.
//
// Group commit: appends that arrive while an fdatasync runs share the next one, so that N sessions
// that checkpoint at once cost two syncs and not N.
//
// Atomic: the changes of one append() are there after a crash all or not at all, and appends become
// durable in the order of the calls.
//
// Failure: a write or sync that fails leaves a file of which nobody knows what the disk has. All
// appends that are under way or queued then fail, and healthy() becomes false. Nothing is written
// behind them: the next append (or heal()) first writes all durable values into a new file and
// renames it over the old one; while that does not work, it fails and nothing changes. Therefore:
//   - A failed append is never seen by this journal. It MAY be seen by a start that happens before
//     the next success of an append or of heal(), and by none after that success. Such a start sees
//     each of the failed appends as a whole or not at all, and none without those before it.
//   - So between a failure and the next success the caller must keep the bytes that the values in
//     the failed appends speak of, and the bytes that the values which these would have replaced or
//     removed speak of: the next start may go by either.
//   - An append that builds on another one waits for its `done`: one that is called after
//     healthy() became false may work, although the one before it did not.
//   - A refused append (kTooLarge, kNoSpace because of the reserve, kUnavailable) was not written
//   and
//     does not make the journal unhealthy; those behind it go on.
//
// Values are not kept in memory, only where they are in the file: about 80 bytes for a session.
// Thread-safe.
class Journal {
 public:
  // Which value of a session. A byte, so that a newer version can have more.
  enum class Slot : std::uint8_t { kSession = 1, kCheckpoint = 2, kOutcome = 3 };
  static constexpr std::size_t kSlots = 3;

  struct Change {
    enum class Kind : std::uint8_t { kPut, kRemoveSession };
    Kind kind = Kind::kPut;
    RandomId session;
    Slot slot = Slot::kSession;  // kPut
    std::string value;           // kPut; at most kValueBytesMax
  };
  static constexpr std::size_t kValueBytesMax = std::size_t{1} << 20;
  // Of one append(): its values and 40 bytes for each change. Three of the largest values fit; it
  // bounds what a start holds in memory. kTooLarge above.
  static constexpr std::size_t kAppendBytesMax = std::size_t{4} << 20;
  // Appended and not yet written: kUnavailable above. Only a disk that hangs gets here.
  static constexpr std::size_t kQueuedBytesMax = std::size_t{64} << 20;

  struct Options {
    std::string directory;  // created when missing
    // The file is written anew when it is longer than this and mostly dead.
    std::uint64_t rewrite_bytes_min = std::uint64_t{8} << 20;
    // Appends that put are refused (kNoSpace) when the disk would have less than this free;
    // removals not.
    std::uint64_t disk_reserve_bytes = 0;
  };

  // Reads what is there (blocks) and starts the thread that writes. What was read is written into a
  // new file, for what a killed process left may be in the page cache only: it is durable when this
  // answers with a healthy journal. When the new file could not be written, the journal can be read
  // but is not healthy: use no value for anything but reading until heal() worked.
  // A torn end is dropped and logged: nobody was told that it is durable. kCorruptData for a file
  // of another version or with a damaged head. `fs` must outlive the journal.
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(io::FileSystem& fs, Options options);
  // Writes what was appended, then ends the thread.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // `done` runs on the journal's thread when the changes are durable, or with the error when they
  // are not and never will be. It must not block: it may call append(), not what waits. Without
  // changes it is a barrier: done when everything before it is.
  using Done = std::function<void(const Status&)>;
  void append(std::vector<Change> changes, Done done);
  // The same, waiting.
  [[nodiscard]] Status append_and_wait(std::vector<Change> changes);

  // The last durable value; kNotFound. Blocks for a read of the file. kCorruptData when the disk
  // has something else there now.
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
    std::uint64_t rewrites = 0;    // new files, the one of the start among them
  };
  [[nodiscard]] Figures figures() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  explicit Journal(std::unique_ptr<State> state);
};

}  // namespace strata::upload
