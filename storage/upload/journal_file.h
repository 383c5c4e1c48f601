#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/upload/journal_format.h"
#include "storage/upload/journal_index.h"
#include "strata/io/file_system.h"

namespace strata::upload {

// The file of a journal and what is known of it. load(), append() and rewrite() are for one thread
// at a time; the others for any, at any time.
class JournalFile {
 public:
  JournalFile(io::FileSystem& fs, std::string directory);

  // Scans the file that is there, if one is; rewrite() must follow before append() can.
  [[nodiscard]] Status load();
  // Whether append() may be called: the file is known to hold the durable changes and nothing else.
  [[nodiscard]] bool appendable() const;
  // Writes each of `groups` (records) as a group, all with one write and one sync. An error makes
  // the file not appendable: nobody knows what of them the disk has.
  [[nodiscard]] Status append(const std::vector<std::string>& groups);
  // Writes the durable values into a new file, durably, and goes on in it: appendable. Values are
  // read from the old file, which stays open until then, whatever happened to its name. An error
  // before the rename leaves the old file as it was, appendable or not. One in the rename or behind
  // it makes it not appendable: the name may stand for either file after a crash, and both hold the
  // durable values.
  [[nodiscard]] Status rewrite();

  [[nodiscard]] Result<std::string> read(const RandomId& session, Journal::Slot slot) const;
  [[nodiscard]] std::vector<RandomId> sessions() const;
  struct Sizes {
    std::uint64_t file_bytes = 0;
    std::uint64_t live_bytes = 0;  // of the records with the last values
  };
  [[nodiscard]] Sizes sizes() const;

 private:
  // A file that is being written: the bytes of it so far.
  struct NewFile;
  [[nodiscard]] Status write_values(NewFile& next) const;

  io::FileSystem& fs_;
  const std::string directory_;
  const std::string path_;
  const std::string temporary_;

  mutable std::mutex mutex_;  // never held during a call of the file system
  // Shared with reads under way, which end in the file that they began with.
  std::shared_ptr<io::File> file_;
  JournalIndex index_;  // written by the one thread only, which may read it without the mutex
  std::uint64_t bytes_ = 0;
  bool appendable_ = false;

  Checksum last_{};  // of the last group, or of the head
};

}  // namespace strata::upload
