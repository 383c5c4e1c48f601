#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/entries/entry_store.h"
#include "registry/entries/families.h"
#include "registry/entries/store_lock.h"
#include "strata/base/limits.h"

// The entry store's RocksDB: its keys, and reading them (layout: registry/FORMAT.md).
namespace strata::entries {

// All entries of one (identifier, endorser) lie together in kKeys, the newest first.
[[nodiscard]] std::string group_prefix(const Identifier& identifier, std::string_view endorser);
[[nodiscard]] std::string entry_key(const metadata::EntryKey& key);
[[nodiscard]] std::string sequence_key(std::uint64_t sequence);
// In kMeta: the SHA-256 that entries state for an identifier.
[[nodiscard]] std::string digest_key(const Identifier& identifier);

class Snapshot {
 public:
  explicit Snapshot(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  ~Snapshot() { db_.ReleaseSnapshot(snapshot_); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  [[nodiscard]] const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
};

// Any thread.
class Database {
 public:
  // kConflict: another process has it. kUsage: of another format. kNotFound: it is missing and not
  // to be made. kCorruptData: the folder holds something that is no store.
  enum class Missing : std::uint8_t { kMake, kRefuse };
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& folder,
                                                              const Limits& limits,
                                                              Missing missing = Missing::kMake);
  // What was written without a log is on the disk afterwards.
  [[nodiscard]] Status flush();
  // The highest sequence number that was ever given, though its entry may have been left out of a
  // rebuild.
  [[nodiscard]] Result<std::uint64_t> given_sequences() const;
  [[nodiscard]] Status note_given_sequences(std::uint64_t last);

  [[nodiscard]] rocksdb::DB& db() const { return opened_.db(); }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Family family) const {
    return opened_.handles()[static_cast<std::size_t>(family)];
  }
  [[nodiscard]] Result<std::optional<std::string>> read(
      Family family, const rocksdb::Slice& key, const rocksdb::Snapshot* snapshot = nullptr) const;
  [[nodiscard]] std::unique_ptr<rocksdb::Iterator> iterate(
      Family family, const rocksdb::Snapshot* snapshot = nullptr) const;
  // The newest of a group, by its key in kKeys.
  [[nodiscard]] Result<std::optional<std::uint64_t>> newest(const Identifier& identifier,
                                                            std::string_view endorser) const;
  // kCorruptData when it is not there.
  [[nodiscard]] Result<StoredEntry> record(std::uint64_t sequence) const;

 private:
  Database(std::unique_ptr<StoreLock> lock, OpenedFamilies opened)
      : lock_(std::move(lock)), opened_(std::move(opened)) {}
  [[nodiscard]] Status prepare(const Limits& limits);
  [[nodiscard]] Status write_versions(const std::string& index);

  std::unique_ptr<StoreLock> lock_;
  OpenedFamilies opened_;  // those of Family come first
};

}  // namespace strata::entries
