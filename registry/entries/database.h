#pragma once

#include <rocksdb/db.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/entries/entry_store.h"
#include "strata/base/limits.h"

// The entry store's RocksDB: families, keys, opening (layout: registry/FORMAT.md).
namespace strata::entries {

inline constexpr std::uint64_t kFormatVersion = 2;

enum class Family : std::uint8_t { kMeta, kKeys, kRecords, kDocuments, kFacts, kTerms };
inline constexpr std::size_t kFamilyCount = 6;

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

// One process at a time has the folder, also while a rebuild puts another store in its place: a
// lock on FOLDER.lock.
class StoreLock {
 public:
  // kConflict: another process has it, or another part of this one.
  [[nodiscard]] static Result<std::unique_ptr<StoreLock>> take(const std::string& folder);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  explicit StoreLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
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
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // What was written without a log is on the disk afterwards.
  [[nodiscard]] Status flush();
  // The highest sequence number that was ever given, though its entry may have been left out of a
  // rebuild.
  [[nodiscard]] Result<std::uint64_t> given_sequences() const;
  [[nodiscard]] Status note_given_sequences(std::uint64_t last);

  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
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
  explicit Database(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {}
  [[nodiscard]] Status prepare(const Limits& limits);
  [[nodiscard]] Status write_versions(const std::string& index);

  std::unique_ptr<StoreLock> lock_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // those of Family come first
};

// Documents of a store of any format up to ours in order of acceptance, to rebuild it from.
class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  struct Document {
    std::uint64_t sequence = 0;
    std::string bytes;
    // Of its record; nullopt when that is damaged or of an older format.
    std::optional<metadata::Profile> profile = {};
  };
  // At most `count` of the next; none at the end.
  [[nodiscard]] virtual Result<std::vector<Document>> next(std::size_t count) = 0;
  // The highest sequence number that the store gave.
  [[nodiscard]] virtual std::uint64_t given_sequences() const = 0;

  // The caller holds the StoreLock. kNotFound: there is no store. kUsage: of a newer format.
  [[nodiscard]] static Result<std::unique_ptr<DocumentSource>> open(const std::string& folder,
                                                                    const Limits& limits);
};

}  // namespace strata::entries
