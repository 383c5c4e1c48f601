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
class ColumnFamilyHandle;
class DB;
class Env;
class Iterator;
class Status;
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

// Walks the keys of one prefix in order, over the state at its creation. One thread at a time; not
// beyond its Database.
class Cursor {
 public:
  Cursor(std::unique_ptr<rocksdb::Iterator> iterator, std::string prefix, std::string_view from);
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
  std::unique_ptr<rocksdb::Iterator> iterator_;
  std::string prefix_;
};

// RocksDB as the catalogue uses it: every write is one synced batch. Thread-safe.
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
  Database() = default;
  [[nodiscard]] Status check_format();

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // by Family; freed before db_
  std::mutex failed_mutex_;
  bool failed_ = false;  // the last write failed: RocksDB may need to be resumed
};

}  // namespace strata::catalog
