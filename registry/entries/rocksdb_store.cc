#include "registry/entries/rocksdb_store.h"

#include "registry/entries/bytes.h"
#include "registry/entries/database.h"
#include "registry/entries/facts.h"
#include "registry/entries/inserter.h"
#include "registry/entries/record.h"
#include "registry/entries/search.h"
#include "registry/entries/words.h"

namespace strata::entries {
namespace {

class RocksdbStore final : public EntryStore {
 public:
  RocksdbStore(std::unique_ptr<Database> database, std::unique_ptr<Facts> facts, std::uint64_t last,
               const Limits& limits)
      : limits_(limits),
        database_(std::move(database)),
        facts_(std::move(facts)),
        inserter_(*database_, *facts_, last, limits_) {}

  Result<Insertion> insert(const metadata::VerifiedEntry& entry) override {
    return inserter_.insert(entry);
  }
  Result<StoredEntry> get(const metadata::EntryKey& key) const override {
    STRATA_TRY(const auto sequence, sequence_of_key(key));
    return database_->record(sequence);
  }
  Result<std::string> document(const metadata::EntryKey& key) const override;
  Result<StoredEntry> latest(const Identifier& identifier,
                             std::string_view endorser) const override;
  Result<Page> search(const Query& query) const override {
    const Snapshot snapshot(database_->db());
    return run_search(query, index(snapshot));
  }
  Result<std::vector<EndorserName>> endorsers(std::size_t limit) const override;
  Result<std::vector<std::string>> tags(std::string_view endorser,
                                        std::size_t limit) const override;
  Result<StoredEntry> tagged(std::string_view endorser, std::string_view tag) const override;
  Result<std::vector<Change>> changes(std::uint64_t since, std::size_t limit) const override;
  std::uint64_t last_sequence() const override { return inserter_.last_sequence(); }
  Status health() const override;

 private:
  Result<std::uint64_t> sequence_of_key(const metadata::EntryKey& key) const;
  Result<std::vector<ReadEntry>> records(const std::vector<std::uint64_t>& sequences) const;
  TermReader terms(const Snapshot& snapshot) const {
    return {database_->db(), database_->family(Family::kTerms), snapshot.get()};
  }
  // The snapshot is of the terms alone: what they lead to never changes.
  SearchIndex index(const Snapshot& snapshot) const {
    return {terms(snapshot), *facts_,
            [this](const std::vector<std::uint64_t>& sequences) { return records(sequences); },
            limits_};
  }

  const Limits limits_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Facts> facts_;
  Inserter inserter_;
};

Result<std::uint64_t> RocksdbStore::sequence_of_key(const metadata::EntryKey& key) const {
  STRATA_TRY(const auto number, database_->read(Family::kKeys, entry_key(key)));
  if (!number) return Error(Errc::kNotFound, "there is no entry " + key.path());
  std::string_view bytes = *number;
  const auto sequence = take_u64(bytes);
  if (!sequence) return Error(Errc::kCorruptData, "an entry's key is damaged");
  return *sequence;
}

Result<std::vector<ReadEntry>> RocksdbStore::records(
    const std::vector<std::uint64_t>& sequences) const {
  std::vector<std::string> keys;
  for (const std::uint64_t sequence : sequences) keys.push_back(sequence_key(sequence));
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  database_->db().MultiGet({}, database_->family(Family::kRecords), keys.size(), slices.data(),
                           values.data(), statuses.data());
  std::vector<ReadEntry> entries;
  entries.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      return Error(Errc::kCorruptData,
                   "the search index names an entry that is not there: "
                   "strata-registry --rebuild makes it anew");
    }
    if (!statuses[i].ok()) return rocksdb_error(statuses[i], "read entries");
    STRATA_TRY(auto entry, decode_record(sequences[i], values[i].ToStringView()));
    entries.push_back({std::move(entry), values[i].size()});
  }
  return entries;
}

Result<std::string> RocksdbStore::document(const metadata::EntryKey& key) const {
  STRATA_TRY(const auto sequence, sequence_of_key(key));
  STRATA_TRY(auto document, database_->read(Family::kDocuments, sequence_key(sequence)));
  if (!document) return Error(Errc::kCorruptData, key.path() + " has no document");
  return std::move(*document);
}

Result<StoredEntry> RocksdbStore::latest(const Identifier& identifier,
                                         std::string_view endorser) const {
  STRATA_TRY(const auto sequence, database_->newest(identifier, endorser));
  if (!sequence) {
    return Error(Errc::kNotFound,
                 "there is no entry of " + identifier.text() + " by " + std::string(endorser));
  }
  return database_->record(*sequence);
}

Result<std::vector<EndorserName>> RocksdbStore::endorsers(std::size_t limit) const {
  const Snapshot snapshot(database_->db());
  std::vector<EndorserName> names;
  Status status = terms(snapshot).each(
      std::string(1, kSignerTerm), [&](std::string_view term, std::uint32_t, const EncodedDocs&) {
        term.remove_prefix(1);
        const std::size_t subject = term.find(kPartSeparator);
        const std::size_t issuer = term.find(kPartSeparator, subject + 1);
        if (subject == std::string_view::npos || issuer == std::string_view::npos) {
          return TermReader::Next::kTerm;
        }
        names.push_back({.email = std::string(term.substr(0, subject)),
                         .subject = std::string(term.substr(subject + 1, issuer - subject - 1)),
                         .issuer = std::string(term.substr(issuer + 1))});
        return names.size() < limit ? TermReader::Next::kTerm : TermReader::Next::kStop;
      });
  if (!status) return status.error();
  return names;
}

Result<std::vector<std::string>> RocksdbStore::tags(std::string_view endorser,
                                                    std::size_t limit) const {
  const Snapshot snapshot(database_->db());
  std::vector<std::string> tags;
  if (endorser.find('\0') != std::string_view::npos) return tags;
  const std::string prefix = kTagOfTerm + std::string(endorser) + kPartSeparator;
  Status status =
      terms(snapshot).each(prefix, [&](std::string_view term, std::uint32_t, const EncodedDocs&) {
        tags.emplace_back(term.substr(prefix.size()));
        return tags.size() < limit ? TermReader::Next::kTerm : TermReader::Next::kStop;
      });
  if (!status) return status.error();
  return tags;
}

Result<StoredEntry> RocksdbStore::tagged(std::string_view endorser, std::string_view tag) const {
  const std::string term = kTagOfTerm + std::string(endorser) + kPartSeparator + std::string(tag);
  if (term.find('\0') == std::string::npos) {
    const Snapshot snapshot(database_->db());
    STRATA_TRY(const auto newest,
               newest_of(term, index(snapshot), [](const Fact& fact) { return !fact.deprecated; }));
    if (newest) return database_->record(newest->sequence);
  }
  return Error(Errc::kNotFound,
               std::string(endorser) + " has no current image tagged '" + std::string(tag) + "'");
}

Result<std::vector<Change>> RocksdbStore::changes(std::uint64_t since, std::size_t limit) const {
  std::vector<Change> changes;
  // A write can be seen before its number counts: what was answered so far is the end.
  const std::uint64_t last = last_sequence();
  if (since >= last) return changes;
  const auto iterator = database_->iterate(Family::kRecords);
  for (iterator->Seek(sequence_key(since + 1)); iterator->Valid() && changes.size() < limit;
       iterator->Next()) {
    std::string_view number = iterator->key().ToStringView();
    std::string_view record = iterator->value().ToStringView();
    const auto sequence = take_u64(number);
    if (!sequence) return Error(Errc::kCorruptData, "the order of the entries is damaged");
    if (*sequence > last) break;
    STRATA_TRY(auto key, take_record_key(record));
    changes.push_back({*sequence, std::move(key)});
  }
  if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read the change feed");
  return changes;
}

Status RocksdbStore::health() const {
  std::uint64_t errors = 0;
  if (database_->db().GetIntProperty(rocksdb::DB::Properties::kBackgroundErrors, &errors) &&
      errors > 0) {
    return Error(Errc::kIo, "the entry store has stopped taking writes");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<EntryStore>> open_rocksdb(const std::string& folder, const Limits& limits) {
  STRATA_TRY(auto database, Database::open(folder, limits));
  auto facts = std::make_unique<Facts>();
  if (Status status = load_facts(*database, *facts); !status) return status.error();
  STRATA_TRY(const std::uint64_t last, database->given_sequences());
  return std::unique_ptr<EntryStore>(
      std::make_unique<RocksdbStore>(std::move(database), std::move(facts), last, limits));
}

}  // namespace strata::entries
