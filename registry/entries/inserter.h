#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "registry/entries/database.h"
#include "registry/entries/facts.h"

// Writing entries. Insertions that wait for each other's fsync go into one write: the first of the
// queue takes the others along.
namespace strata::entries {

// An entry as it will be written, all but its sequence number.
struct PreparedEntry {
  PreparedEntry(const metadata::VerifiedEntry& verified, const Limits& limits);

  metadata::EntryKey key;
  std::string record;
  std::string_view document;  // of the verified entry, which outlives this
  std::string sha256;         // hex; empty when the entry states none
  Fact fact;
  std::set<std::string> terms;  // what its newest entry is found by
};

class Inserter {
 public:
  // `last`: the last sequence number in the database.
  Inserter(Database& database, Facts& facts, std::uint64_t last, const Limits& limits);

  // EntryStore::insert. Any thread.
  [[nodiscard]] Result<Insertion> insert(const metadata::VerifiedEntry& entry);
  [[nodiscard]] std::uint64_t last_sequence() const {
    return sequence_.load(std::memory_order_acquire);
  }

  // Writes without asking whether the entry may come, and without waiting for the disk; for
  // --rebuild. One thread, no insert() beside it.
  [[nodiscard]] Status write_as(std::uint64_t sequence, const PreparedEntry& entry);

 private:
  struct Waiter {
    const PreparedEntry& entry;
    std::optional<Result<Insertion>> result = {};
  };
  void lead(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::vector<Result<Insertion>> write_group(const std::vector<Waiter*>& group);
  [[nodiscard]] Status require_room(const rocksdb::WriteBatch& batch) const;
  [[nodiscard]] Result<Insertion> add_if_admitted(rocksdb::WriteBatch& batch,
                                                  const PreparedEntry& entry,
                                                  std::uint64_t sequence);
  // Whether the entry may come; kSame: it is there.
  [[nodiscard]] Result<Insertion> admit(const PreparedEntry& entry,
                                        std::optional<std::uint64_t> newest) const;
  [[nodiscard]] Status add(rocksdb::WriteBatch& batch, const PreparedEntry& entry,
                           std::uint64_t sequence, std::optional<std::uint64_t> superseded);

  Database& database_;
  Facts& facts_;
  const Limits& limits_;
  std::atomic<std::uint64_t> sequence_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiter*> queue_;
  bool leading_ = false;  // a thread is writing a group
};

}  // namespace strata::entries
