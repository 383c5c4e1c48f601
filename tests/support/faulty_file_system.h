#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "strata/io/file_system.h"
#include "tests/support/fault_plan.h"

namespace strata::test {

// A file system in memory that knows what a power cut would leave, after leveldb's
// fault_injection_test. It keeps two states: what programs see, and what is durable:
//   bytes and size of a file      made durable by File::sync or sync_data
//   names in a directory          made durable by sync_directory (make_directories does it itself)
// A call in which a FaultPlan fails with an error changes nothing, except that a write_at puts down
// half of its data first. Mutating calls are: open for kCreateNew, write_at, sync, sync_data,
// truncate, punch_hole, reserve, link, rename, remove, make_directories, sync_directory.
// Thread-safe.
class FaultyFileSystem final : public io::FileSystem {
 public:
  explicit FaultyFileSystem(FaultPlan& plan);
  ~FaultyFileSystem() override;

  // What a power cut leaves of everything that was not made durable.
  enum class Leaves : std::uint8_t {
    kNothing,     // of the unsynced
    kEverything,  // as if all had been synced
    kSome,        // by seed: each unsynced write whole, torn to a prefix or dropped; each unsynced
                  // change of a name kept or dropped, each on its own
  };
  // The file system of the next start, on the same plan (reset it). Files open in this one are
  // dead: use neither afterwards.
  [[nodiscard]] std::unique_ptr<FaultyFileSystem> reboot(Leaves leaves, std::uint32_t seed = 0);

  // For reserve and free_bytes; unlimited unless set.
  void set_free_bytes(std::uint64_t bytes);
  // Whether punch_hole works, as on most file systems; it does unless set.
  void set_punches_holes(bool punches);
  // What all write_at together have written, and holes did not need.
  [[nodiscard]] std::uint64_t bytes_written() const;
  // Every file there is, for assertions.
  [[nodiscard]] std::vector<std::string> all_files() const;
  // Damages what is stored, below anyone's knowledge: flips a bit of, or shortens, a file.
  void flip_bit(const std::string& path, std::uint64_t offset);
  void shorten(const std::string& path, std::uint64_t size);

  [[nodiscard]] Result<std::unique_ptr<io::File>> open(const std::string& path,
                                                       io::OpenMode mode) override;
  [[nodiscard]] Status link(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status remove(const std::string& path) override;
  [[nodiscard]] Status make_directories(const std::string& path) override;
  [[nodiscard]] Status sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) override;
  [[nodiscard]] Result<bool> exists(const std::string& path) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes(const std::string& path) override;

 private:
  struct Node;
  class OpenFile;
  struct NameChange;
  using Names = std::map<std::string, std::shared_ptr<Node>>;  // by full path

  [[nodiscard]] Status require_parent(const std::string& path) const;
  void change_name(const std::string& path, std::shared_ptr<Node> node);

  FaultPlan& plan_;
  mutable std::mutex mutex_;
  Names names_;
  Names durable_names_;
  std::vector<NameChange> pending_;  // changes of names that no sync_directory covers, in order
  std::uint64_t free_bytes_;
  bool punches_holes_ = true;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace strata::test
