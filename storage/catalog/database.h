#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/result.h"

namespace rocksdb {
class Env;
class Iterator;
}  // namespace rocksdb

namespace strata::catalog {

// The column families; storage/FORMAT.md has their keys and values.
enum class Family : std::uint8_t {
  kMeta,  // RocksDB's "default"
  kImages,
  kTerms,
  kStored,
  kRemovals,
  kRegistrations,
  kOutbox,
};
inline constexpr std::size_t kFamilies = 7;

// Changes that become durable together.
class Batch {
 public:
  void put(Family family, std::string key, std::string value) {
    changes_.push_back({family, std::move(key), std::move(value)});
  }
  void remove(Family family, std::string key) {
    changes_.push_back({family, std::move(key), std::nullopt});
  }

 private:
  friend class Database;
  struct Change {
    Family family;
    std::string key;
    std::optional<std::string> value;
  };
  std::vector<Change> changes_;
};

class OpenDatabase;  // RocksDB's handles; shared by the Database and its cursors

// Walks the keys of one prefix in order, over the state at its creation. One thread at a time; keep
// it no longer than a call.
class Cursor {
 public:
  Cursor(std::shared_ptr<OpenDatabase> database, std::unique_ptr<rocksdb::Iterator> iterator,
         std::string prefix, std::string_view from);
  ~Cursor();
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;

  [[nodiscard]] bool valid() const;
  [[nodiscard]] std::string_view rest() const;  // the key without the prefix
  [[nodiscard]] std::string_view value() const;
  void next();
  // After valid() became false: was that the end, or an error?
  [[nodiscard]] Status status() const;

 private:
  std::shared_ptr<OpenDatabase> database_;  // goes after the iterator
  std::unique_ptr<rocksdb::Iterator> iterator_;
  std::string prefix_;
};

// RocksDB as the catalogue uses it: every write is one synced batch. Thread-safe.
//
// After a write that failed RocksDB takes no more until it is opened again, and then the failed
// batch may turn out to be in its log. So the next write, once the disk takes bytes again, opens
// the database again and first puts back what the failed batch had touched: within the life of a
// process a write that failed has not happened.
class Database {
 public:
  // `env`: nullptr for the real one; tests put a failing one below. Must outlive this.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& directory,
                                                              rocksdb::Env* env);
  ~Database();

  [[nodiscard]] Result<std::optional<std::string>> get(Family family, std::string_view key) const;
  // From the first key that starts with `prefix` and is not before prefix + from.
  [[nodiscard]] Cursor scan(Family family, std::string prefix, std::string_view from = {}) const;
  [[nodiscard]] Status write(const Batch& batch);

 private:
  Database(std::string directory, rocksdb::Env* env);
  [[nodiscard]] std::shared_ptr<OpenDatabase> current() const;
  [[nodiscard]] Status check_format();
  [[nodiscard]] Status apply(const Batch& batch);
  [[nodiscard]] Status open_again();
  [[nodiscard]] Result<Batch> inverse_of(const Batch& batch) const;

  const std::string directory_;
  rocksdb::Env* const env_;
  mutable std::mutex open_mutex_;
  std::shared_ptr<OpenDatabase> open_;  // null when opening again failed
  std::mutex write_mutex_;              // taken before open_mutex_
  std::optional<Batch> undo_;           // of the failed write, until the database is open again
};

}  // namespace strata::catalog
