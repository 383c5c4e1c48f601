#include "registry/entries/inserter.h"

#include <rocksdb/write_batch.h>

#include <algorithm>

#include "registry/entries/bytes.h"
#include "registry/entries/record.h"
#include "registry/entries/term_index.h"
#include "registry/entries/words.h"
#include "strata/io/file_system.h"

namespace strata::entries {
namespace {

// More in one write save no time: the verification of the next ones takes longer.
constexpr std::size_t kGroupMax = 64;
// Of documents: what one write may be held up by, and what must fit on the disk at once.
constexpr std::size_t kGroupBytesMax = 4 * kMiB;

StoredEntry stored_of(const metadata::VerifiedEntry& entry) {
  return {.key = entry.key(), .metadata = entry.metadata(), .signature = entry.signature()};
}

}  // namespace

PreparedEntry::PreparedEntry(const metadata::VerifiedEntry& verified, const Limits& limits)
    : key(verified.key()),
      document(verified.document()),
      fact(Fact::of(verified.metadata(), verified.key().created)) {
  const StoredEntry stored = stored_of(verified);
  record = encode_record(stored);
  terms = terms_of(stored, limits);
  if (stored.metadata.sha256) sha256 = stored.metadata.sha256->hex();
}

Inserter::Inserter(Database& database, Facts& facts, std::uint64_t last, const Limits& limits)
    : database_(database), facts_(facts), limits_(limits), sequence_(last) {}

Result<Insertion> Inserter::insert(const metadata::VerifiedEntry& entry) {
  const PreparedEntry prepared(entry, limits_);
  Waiter waiter{prepared};
  std::unique_lock lock(mutex_);
  queue_.push_back(&waiter);
  while (!waiter.result) {
    if (leading_) {
      changed_.wait(lock);
    } else {
      lead(lock);
    }
  }
  return std::move(*waiter.result);
}

void Inserter::lead(std::unique_lock<std::mutex>& lock) {
  // What one entry of an image is compared with must be written before the next is compared.
  std::vector<Waiter*> group;
  group.reserve(kGroupMax);
  std::set<Identifier> images;
  std::size_t bytes = 0;
  while (!queue_.empty() && group.size() < kGroupMax && bytes < kGroupBytesMax &&
         images.insert(queue_.front()->entry.key.identifier).second) {
    bytes += queue_.front()->entry.document.size();
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  leading_ = true;
  lock.unlock();
  std::vector<Result<Insertion>> results;
  try {
    results = write_group(group);
  } catch (const std::exception& exception) {  // no memory: each gets an answer all the same
    results.assign(group.size(), Error(Errc::kInternal, exception.what()));
  }
  lock.lock();
  for (std::size_t i = 0; i < group.size(); ++i) group[i]->result = std::move(results[i]);
  leading_ = false;
  changed_.notify_all();
}

std::vector<Result<Insertion>> Inserter::write_group(const std::vector<Waiter*>& group) {
  std::vector<Result<Insertion>> results;
  rocksdb::WriteBatch batch;
  std::uint64_t sequence = last_sequence();
  for (const Waiter* waiter : group) {
    batch.SetSavePoint();
    results.push_back(add_if_admitted(batch, waiter->entry, sequence + 1));
    if (results.back() && *results.back() == Insertion::kInserted) {
      ++sequence;
    } else {
      batch.RollbackToSavePoint();
    }
  }
  if (sequence == last_sequence()) return results;
  Status status = require_room(batch);
  if (status) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    const rocksdb::Status wrote = database_.db().Write(durable, &batch);
    if (!wrote.ok()) status = rocksdb_error(wrote, "write an entry");
  }
  if (status) {
    sequence_.store(sequence, std::memory_order_release);
    return results;
  }
  for (Result<Insertion>& result : results) {
    if (result && *result == Insertion::kInserted) result = status.error();
  }
  return results;
}

// RocksDB must never meet a full disk (kRecordReserveBytes): the batch goes to the log, then to a
// table.
Status Inserter::require_room(const rocksdb::WriteBatch& batch) const {
  return io::require_free_bytes(database_.db().GetName(),
                                kRecordReserveBytes + 2 * batch.GetDataSize());
}

Result<Insertion> Inserter::add_if_admitted(rocksdb::WriteBatch& batch, const PreparedEntry& entry,
                                            std::uint64_t sequence) {
  STRATA_TRY(const auto newest, database_.newest(entry.key.identifier, entry.key.endorser));
  STRATA_TRY(const Insertion insertion, admit(entry, newest));
  if (insertion == Insertion::kSame) return insertion;
  if (Status status = add(batch, entry, sequence, newest); !status) return status.error();
  return insertion;
}

Result<Insertion> Inserter::admit(const PreparedEntry& entry,
                                  std::optional<std::uint64_t> newest) const {
  STRATA_TRY(const auto known, database_.read(Family::kKeys, entry_key(entry.key)));
  if (known) {
    STRATA_TRY(const auto document, database_.read(Family::kDocuments, *known));
    if (document != entry.document) {
      return Error(Errc::kConflict, "the entry " + entry.key.path() +
                                        " exists with other content; sign again with a newer "
                                        "'created'");
    }
    if (newest && sequence_key(*newest) == *known) return Insertion::kSame;
  }
  if (newest) {
    const UnixMillis before = static_cast<UnixMillis>(facts_.at(*newest).created) * 1000;
    if (entry.key.created <= before) {
      return Error(Errc::kNotNewer, "'created' " + format_rfc3339(entry.key.created) +
                                        " is not after " + format_rfc3339(before) +
                                        ", that of the newest entry of this image and endorser");
    }
  }
  if (entry.sha256.empty()) return Insertion::kInserted;
  STRATA_TRY(const auto digest, database_.read(Family::kMeta, digest_key(entry.key.identifier)));
  if (digest && *digest != entry.sha256) {
    return Error(Errc::kCollision, "the identifier " + entry.key.identifier.text() +
                                       " is known with SHA-256 " + *digest + ", not " +
                                       entry.sha256);
  }
  return Insertion::kInserted;
}

Status Inserter::add(rocksdb::WriteBatch& batch, const PreparedEntry& entry, std::uint64_t sequence,
                     std::optional<std::uint64_t> superseded) {
  const auto family = [&](Family one) { return database_.family(one); };
  const std::string number = sequence_key(sequence);
  // Before the write: who finds the entry in the index finds its facts.
  if (Status status = facts_.put(sequence, entry.fact); !status) return status;
  batch.Put(family(Family::kKeys), entry_key(entry.key), number);
  batch.Put(family(Family::kRecords), number, entry.record);
  batch.Put(family(Family::kDocuments), number,
            rocksdb::Slice(entry.document.data(), entry.document.size()));
  batch.Put(family(Family::kFacts), number, entry.fact.encode());
  if (!entry.sha256.empty()) {
    batch.Put(family(Family::kMeta), digest_key(entry.key.identifier), entry.sha256);
  }
  if (superseded) {
    STRATA_TRY(const StoredEntry before, database_.record(*superseded));
    change_terms(batch, family(Family::kTerms), terms_of(before, limits_), *superseded,
                 DocChange::kRemove);
  }
  change_terms(batch, family(Family::kTerms), entry.terms, sequence, DocChange::kAdd);
  change_terms(batch, family(Family::kTerms), {created_term(entry.key.created)}, sequence,
               DocChange::kAdd);
  return {};
}

Status Inserter::write_as(std::uint64_t sequence, const PreparedEntry& entry) {
  STRATA_TRY(const auto newest, database_.newest(entry.key.identifier, entry.key.endorser));
  rocksdb::WriteBatch batch;
  if (Status status = add(batch, entry, sequence, newest); !status) return status;
  if (Status status = require_room(batch); !status) return status;
  rocksdb::WriteOptions later;
  later.disableWAL = true;
  const rocksdb::Status status = database_.db().Write(later, &batch);
  if (!status.ok()) return rocksdb_error(status, "write an entry");
  sequence_.store(sequence, std::memory_order_release);
  return {};
}

}  // namespace strata::entries
