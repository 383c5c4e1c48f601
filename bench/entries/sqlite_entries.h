#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "registry/entries/entry_store.h"

// The rival: the same rows in SQLite with FTS5 and an index for each question.
namespace strata::bench {

class SqliteEntries {
 public:
  explicit SqliteEntries(const std::string& file);
  ~SqliteEntries();
  SqliteEntries(const SqliteEntries&) = delete;
  SqliteEntries& operator=(const SqliteEntries&) = delete;

  // Inside one transaction for each thousand.
  void insert(std::uint64_t sequence, const entries::StoredEntry& entry, const std::string& record);
  void finish();  // commits and merges the word index

  struct Answer {
    std::uint64_t total = 0;  // exact to 10 000
    std::size_t rows = 0;     // of the page; their records were read
  };
  // The questions of samples.h.
  [[nodiscard]] Answer search(const entries::Query& query);
  [[nodiscard]] Answer tagged(const std::string& tag);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::bench
