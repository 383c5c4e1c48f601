#include "registry/entries/rocksdb_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <mutex>

#include "registry/entries/bytes.h"
#include "registry/entries/postings.h"
#include "registry/entries/record.h"
#include "registry/entries/search.h"
#include "registry/entries/words.h"
#include "storage/io/rocksdb_log.h"
#include "strata/io/file_system.h"

namespace strata::entries {
namespace {

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;

constexpr std::uint64_t kFormatVersion = 1;
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kDigestKeyPrefix = "sha256/";

constexpr std::size_t kMeta = 0, kRecords = 1, kDocuments = 2, kChanges = 3, kTerms = 4;
const std::array<std::string, 5> kFamilies = {rocksdb::kDefaultColumnFamilyName, "records",
                                              "documents", "changes", "terms"};

// All entries of one (identifier, endorser) lie together, the newest first.
std::string group_prefix(const Identifier& identifier, std::string_view endorser) {
  return identifier.text() + std::string(endorser) + '\0';
}

std::string record_key(const metadata::EntryKey& key) {
  std::string bytes = group_prefix(key.identifier, key.endorser);
  append_u64(bytes, ~static_cast<std::uint64_t>(key.created / 1000));
  return bytes;
}

Result<metadata::EntryKey> parse_record_key(std::string_view bytes) {
  constexpr std::size_t kIdentifier = 27;
  const auto damaged = [] { return Error(Errc::kCorruptData, "an entry's key is damaged"); };
  if (bytes.size() < kIdentifier + 9) return damaged();
  const auto identifier = Identifier::parse(bytes.substr(0, kIdentifier));
  if (!identifier) return damaged();
  std::string_view time = bytes.substr(bytes.size() - 8);
  const std::string_view endorser = bytes.substr(kIdentifier, bytes.size() - kIdentifier - 9);
  return metadata::EntryKey{.identifier = *identifier,
                            .endorser = std::string(endorser),
                            .created = static_cast<UnixMillis>(~*take_u64(time)) * 1000};
}

std::string sequence_key(std::uint64_t sequence) {
  std::string key;
  append_u64(key, sequence);
  return key;
}

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

class RocksdbStore final : public EntryStore {
 public:
  RocksdbStore(std::unique_ptr<rocksdb::DB> db, std::vector<ColumnFamilyHandle*> families,
               const Limits& limits)
      : db_(std::move(db)), families_(std::move(families)), limits_(limits) {}
  ~RocksdbStore() override {
    for (ColumnFamilyHandle* family : families_) (void)db_->DestroyColumnFamilyHandle(family);
    (void)db_->Close();
  }

  Status prepare();

  Result<Insertion> insert(const metadata::VerifiedEntry& entry) override;
  Result<StoredEntry> get(const metadata::EntryKey& key) const override {
    return read_record(key, nullptr);
  }
  Result<std::string> document(const metadata::EntryKey& key) const override;
  Result<StoredEntry> latest(const Identifier& identifier,
                             std::string_view endorser) const override;
  Result<Page> search(const Query& query) const override;
  Result<std::vector<EndorserName>> endorsers(std::size_t limit) const override;
  Result<std::vector<std::string>> tags(std::string_view endorser,
                                        std::size_t limit) const override;
  Result<StoredEntry> tagged(std::string_view endorser, std::string_view tag) const override;
  Result<std::vector<metadata::EntryKey>> changes(std::uint64_t since,
                                                  std::size_t limit) const override;
  std::uint64_t last_sequence() const override { return sequence_.load(std::memory_order_acquire); }
  Status health() const override;

 private:
  Result<std::optional<std::string>> read(std::size_t family, const Slice& key,
                                          const rocksdb::Snapshot* snapshot = nullptr) const;
  Result<StoredEntry> read_record(const metadata::EntryKey& key,
                                  const rocksdb::Snapshot* snapshot) const;
  Result<StoredEntry> at_position(const Position& position,
                                  const rocksdb::Snapshot* snapshot) const;
  Result<std::optional<StoredEntry>> newest(const Identifier& identifier,
                                            std::string_view endorser) const;
  Status admit(const metadata::VerifiedEntry& entry, const std::optional<StoredEntry>& newest,
               bool& same) const;
  void index(rocksdb::WriteBatch& batch, const StoredEntry& entry) const;
  void unindex(rocksdb::WriteBatch& batch, const StoredEntry& entry) const;
  TermReader reader(const Snapshot& snapshot,
                    Query::Order order = Query::Order::kNewestFirst) const {
    return {db_.get(), families_[kTerms], snapshot.get(), order};
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<ColumnFamilyHandle*> families_;
  const Limits limits_;
  std::mutex insert_mutex_;  // one writer: what it compares stays true until it has written
  std::atomic<std::uint64_t> sequence_{0};
};

Result<std::optional<std::string>> RocksdbStore::read(std::size_t family, const Slice& key,
                                                      const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  std::string value;
  const rocksdb::Status status = db_->Get(options, families_[family], key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return rocksdb_error(status, "read an entry");
  return std::optional<std::string>(std::move(value));
}

Status RocksdbStore::prepare() {
  STRATA_TRY(const auto format, read(kMeta, Slice(kFormatKey.data(), kFormatKey.size())));
  if (format) {
    std::string_view bytes = *format;
    const auto version = take_u64(bytes);
    if (!version) return Error(Errc::kCorruptData, "the entry store's format version is damaged");
    if (*version > kFormatVersion) {
      return Error(Errc::kUsage, "the entry store has format " + std::to_string(*version) +
                                     ", this program knows formats up to " +
                                     std::to_string(kFormatVersion) + ": use a newer Strata");
    }
  } else {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    const rocksdb::Status status =
        db_->Put(durable, families_[kMeta], Slice(kFormatKey.data(), kFormatKey.size()),
                 sequence_key(kFormatVersion));
    if (!status.ok()) return rocksdb_error(status, "write the format version");
  }
  const std::unique_ptr<rocksdb::Iterator> last(
      db_->NewIterator(rocksdb::ReadOptions(), families_[kChanges]));
  last->SeekToLast();
  if (last->Valid()) {
    std::string_view key = last->key().ToStringView();
    const auto sequence = take_u64(key);
    if (!sequence) return Error(Errc::kCorruptData, "the change feed's last key is damaged");
    sequence_ = *sequence;
  }
  if (!last->status().ok()) return rocksdb_error(last->status(), "read the change feed");
  return {};
}

Result<StoredEntry> RocksdbStore::read_record(const metadata::EntryKey& key,
                                              const rocksdb::Snapshot* snapshot) const {
  STRATA_TRY(const auto record, read(kRecords, record_key(key), snapshot));
  if (!record) return Error(Errc::kNotFound, "there is no entry " + key.path());
  return decode_record(key, *record);
}

Result<StoredEntry> RocksdbStore::at_position(const Position& position,
                                              const rocksdb::Snapshot* snapshot) const {
  STRATA_TRY(const auto bytes, read(kChanges, sequence_key(position.sequence()), snapshot));
  if (!bytes) return Error(Errc::kCorruptData, "an index position has no entry");
  STRATA_TRY(const auto key, parse_record_key(*bytes));
  return read_record(key, snapshot);
}

Result<std::optional<StoredEntry>> RocksdbStore::newest(const Identifier& identifier,
                                                        std::string_view endorser) const {
  const std::string prefix = group_prefix(identifier, endorser);
  const std::unique_ptr<rocksdb::Iterator> iterator(
      db_->NewIterator(rocksdb::ReadOptions(), families_[kRecords]));
  iterator->Seek(prefix);
  if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read an entry");
  if (!iterator->Valid() || !iterator->key().starts_with(prefix)) {
    return std::optional<StoredEntry>();
  }
  STRATA_TRY(const auto key, parse_record_key(iterator->key().ToStringView()));
  STRATA_TRY(auto entry, decode_record(key, iterator->value().ToStringView()));
  return std::optional<StoredEntry>(std::move(entry));
}

Status RocksdbStore::admit(const metadata::VerifiedEntry& entry,
                           const std::optional<StoredEntry>& newest, bool& same) const {
  STRATA_TRY(const auto known, read(kDocuments, record_key(entry.key())));
  same = known && *known == entry.document();
  if (known && !same) {
    return Error(Errc::kConflict, "the entry " + entry.key().path() +
                                      " exists with other content; sign again with a newer "
                                      "'created'");
  }
  const bool is_newest = newest && newest->key == entry.key();
  if (newest && !is_newest && entry.key().created <= newest->key.created) {
    return Error(Errc::kNotNewer, "'created' " + format_rfc3339(entry.key().created) +
                                      " is not after " + format_rfc3339(newest->key.created) +
                                      ", that of the newest entry of this image and endorser");
  }
  if (same || !entry.metadata().sha256) return {};
  STRATA_TRY(const auto digest,
             read(kMeta, std::string(kDigestKeyPrefix) + entry.key().identifier.text()));
  const std::string hex = entry.metadata().sha256->hex();
  if (digest && *digest != hex) {
    return Error(Errc::kCollision, "the identifier " + entry.key().identifier.text() +
                                       " is known with SHA-256 " + *digest + ", not " + hex);
  }
  return {};
}

void RocksdbStore::index(rocksdb::WriteBatch& batch, const StoredEntry& entry) const {
  const Position position(entry.key.created, entry.sequence);
  const std::string summary = Summary::of(entry.metadata).encode();
  for (const std::string& term : terms_of(entry, limits_)) {
    batch.Put(families_[kTerms], posting_key(term, position), summary);
  }
  batch.Put(families_[kTerms], posting_key(created_term(entry.key.created), position), summary);
}

void RocksdbStore::unindex(rocksdb::WriteBatch& batch, const StoredEntry& entry) const {
  const Position position(entry.key.created, entry.sequence);
  for (const std::string& term : terms_of(entry, limits_)) {
    batch.Delete(families_[kTerms], posting_key(term, position));
  }
}

Result<Insertion> RocksdbStore::insert(const metadata::VerifiedEntry& entry) {
  const std::lock_guard lock(insert_mutex_);
  STRATA_TRY(const auto before, newest(entry.key().identifier, entry.key().endorser));
  bool same = false;
  if (Status status = admit(entry, before, same); !status) return status.error();
  if (same) return Insertion::kSame;

  const StoredEntry stored{.key = entry.key(),
                           .metadata = entry.metadata(),
                           .signature = entry.signature(),
                           .sequence = last_sequence() + 1};
  const std::string key = record_key(stored.key);
  rocksdb::WriteBatch batch;
  batch.Put(families_[kRecords], key, encode_record(stored));
  batch.Put(families_[kDocuments], key, entry.document());
  batch.Put(families_[kChanges], sequence_key(stored.sequence), key);
  if (stored.metadata.sha256) {
    batch.Put(families_[kMeta], std::string(kDigestKeyPrefix) + stored.key.identifier.text(),
              stored.metadata.sha256->hex());
  }
  if (before) unindex(batch, *before);
  index(batch, stored);
  if (const Status room = io::require_free_bytes(db_->GetName(), kRecordReserveBytes); !room) {
    return room.error();
  }
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const rocksdb::Status status = db_->Write(durable, &batch);
  if (!status.ok()) return rocksdb_error(status, "write an entry");
  sequence_.store(stored.sequence, std::memory_order_release);
  return Insertion::kInserted;
}

Result<std::string> RocksdbStore::document(const metadata::EntryKey& key) const {
  STRATA_TRY(auto document, read(kDocuments, record_key(key)));
  if (!document) return Error(Errc::kNotFound, "there is no entry " + key.path());
  return std::move(*document);
}

Result<StoredEntry> RocksdbStore::latest(const Identifier& identifier,
                                         std::string_view endorser) const {
  STRATA_TRY(auto entry, newest(identifier, endorser));
  if (!entry) {
    return Error(Errc::kNotFound,
                 "there is no entry of " + identifier.text() + " by " + std::string(endorser));
  }
  return std::move(*entry);
}

Result<Page> RocksdbStore::search(const Query& query) const {
  const Snapshot snapshot(*db_);
  return run_search(
      query, reader(snapshot, query.order),
      [&](const Position& position) { return at_position(position, snapshot.get()); }, limits_);
}

Result<std::vector<EndorserName>> RocksdbStore::endorsers(std::size_t limit) const {
  const Snapshot snapshot(*db_);
  std::vector<EndorserName> names;
  Status status =
      reader(snapshot).each_term(std::string(1, kSignerTerm), [&](std::string_view term) {
        term.remove_prefix(1);
        const std::size_t subject = term.find(kPartSeparator);
        const std::size_t issuer = term.find(kPartSeparator, subject + 1);
        if (subject == std::string_view::npos || issuer == std::string_view::npos) return true;
        names.push_back({.email = std::string(term.substr(0, subject)),
                         .subject = std::string(term.substr(subject + 1, issuer - subject - 1)),
                         .issuer = std::string(term.substr(issuer + 1))});
        return names.size() < limit;
      });
  if (!status) return status.error();
  return names;
}

Result<std::vector<std::string>> RocksdbStore::tags(std::string_view endorser,
                                                    std::size_t limit) const {
  const Snapshot snapshot(*db_);
  std::vector<std::string> tags;
  if (endorser.find('\0') != std::string_view::npos) return tags;
  const std::string prefix = kTagOfTerm + std::string(endorser) + kPartSeparator;
  Status status = reader(snapshot).each_term(prefix, [&](std::string_view term) {
    tags.emplace_back(term.substr(prefix.size()));
    return tags.size() < limit;
  });
  if (!status) return status.error();
  return tags;
}

Result<StoredEntry> RocksdbStore::tagged(std::string_view endorser, std::string_view tag) const {
  const Snapshot snapshot(*db_);
  const std::string term = kTagOfTerm + std::string(endorser) + kPartSeparator + std::string(tag);
  if (term.find('\0') == std::string::npos) {
    const auto postings = reader(snapshot).term(term);
    while (postings->valid() && postings->summary().deprecated) postings->next();
    if (Status status = postings->status(); !status) return status.error();
    if (postings->valid()) return at_position(postings->position(), snapshot.get());
  }
  return Error(Errc::kNotFound,
               std::string(endorser) + " has no current image tagged '" + std::string(tag) + "'");
}

Result<std::vector<metadata::EntryKey>> RocksdbStore::changes(std::uint64_t since,
                                                              std::size_t limit) const {
  std::vector<metadata::EntryKey> keys;
  if (since == std::numeric_limits<std::uint64_t>::max()) return keys;
  const std::unique_ptr<rocksdb::Iterator> iterator(
      db_->NewIterator(rocksdb::ReadOptions(), families_[kChanges]));
  for (iterator->Seek(sequence_key(since + 1)); iterator->Valid() && keys.size() < limit;
       iterator->Next()) {
    STRATA_TRY(auto key, parse_record_key(iterator->value().ToStringView()));
    keys.push_back(std::move(key));
  }
  if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read the change feed");
  return keys;
}

Status RocksdbStore::health() const {
  std::uint64_t errors = 0;
  if (db_->GetIntProperty(rocksdb::DB::Properties::kBackgroundErrors, &errors) && errors > 0) {
    return Error(Errc::kIo, "the entry store has stopped taking writes");
  }
  return {};
}

// 64 MiB of blocks hold the index of some hundred thousand entries.
constexpr std::size_t kBlockCacheBytes = 64 * kMiB;
constexpr double kBloomBitsPerKey = 10;  // 1 % of look-ups of missing keys go on to a block

rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kZSTD;
  options.write_buffer_size = kRecordMemtableBytes;
  return options;
}

}  // namespace

Result<std::unique_ptr<EntryStore>> open_rocksdb(const std::string& folder, const Limits& limits) {
  std::error_code made;
  std::filesystem::create_directories(folder, made);
  if (made) return errno_error(made.value(), "make the folder " + folder);

  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_open_files = 512;
  options.info_log = std::make_shared<io::RocksdbLog>();
  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  // A newer format may hold families that we do not know: open them too, to read its version.
  std::vector<std::string> names(kFamilies.begin(), kFamilies.end());
  std::vector<std::string> present;
  if (rocksdb::DB::ListColumnFamilies(options, folder, &present).ok()) {
    for (const std::string& name : present) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) descriptors.emplace_back(name, family_options(cache));

  rocksdb::DB* db = nullptr;
  std::vector<ColumnFamilyHandle*> handles;
  const rocksdb::Status status = rocksdb::DB::Open(options, folder, descriptors, &handles, &db);
  if (!status.ok()) {
    const bool locked = status.IsIOError() && status.ToString().find("lock") != std::string::npos;
    if (locked) {
      return Error(Errc::kConflict, "the entry store in " + folder + " is used by another process");
    }
    return rocksdb_error(status, "open the entry store in " + folder);
  }
  auto store =
      std::make_unique<RocksdbStore>(std::unique_ptr<rocksdb::DB>(db), std::move(handles), limits);
  if (Status prepared = store->prepare(); !prepared) return prepared.error();
  return std::unique_ptr<EntryStore>(std::move(store));
}

}  // namespace strata::entries
