#include "registry/entries/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "registry/entries/bytes.h"
#include "registry/entries/record.h"
#include "registry/entries/term_index.h"
#include "storage/io/rocksdb_log.h"
#include "strata/io/file_system.h"

namespace strata::entries {
namespace {

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kIndexKey = "index";
constexpr double kBloomBitsPerKey = 10;  // 1 % of look-ups of missing keys go on to a block
constexpr int kOpenFilesMax = 512;
// What a start after a crash has to read again, and what the log may take on the disk.
constexpr std::uint64_t kLogBytesMax = 64 * kMiB;
constexpr std::string_view kGivenKey = "given";

const std::array<std::string, kFamilyCount> kFamilies = {
    rocksdb::kDefaultColumnFamilyName, "keys", "records", "documents", "facts", "terms"};
const std::string kChangesOfFormat1 = "changes";

rocksdb::ColumnFamilyOptions family_options(const std::string& name,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.format_version = 5;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  rocksdb::ColumnFamilyOptions options;
  // What is searched is read from everywhere at random, documents one at a time.
  const bool documents = name == kFamilies[static_cast<std::size_t>(Family::kDocuments)];
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = documents ? rocksdb::kZSTD : rocksdb::kLZ4Compression;
  options.write_buffer_size = kRecordMemtableBytes;
  options.level_compaction_dynamic_level_bytes = true;
  if (name == kFamilies[static_cast<std::size_t>(Family::kTerms)]) {
    table.whole_key_filtering = false;  // of terms: configure_term_index
    configure_term_index(options);
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

struct Opened {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<ColumnFamilyHandle*> handles;
};

// Opens these families and any others that the store holds.
Result<Opened> open_families(const std::string& folder, std::vector<std::string> names,
                             const std::vector<std::string>& present, const Limits& limits) {
  for (const std::string& name : present) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  rocksdb::DBOptions options;
  options.create_if_missing = present.empty();
  options.create_missing_column_families = true;
  options.max_open_files = kOpenFilesMax;
  options.max_total_wal_size = kLogBytesMax;
  options.info_log = std::make_shared<io::RocksdbLog>();
  const auto cache = rocksdb::NewLRUCache(limits.entry_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) {
    descriptors.emplace_back(name, family_options(name, cache));
  }
  rocksdb::DB* db = nullptr;
  Opened opened;
  const rocksdb::Status status =
      rocksdb::DB::Open(options, folder, descriptors, &opened.handles, &db);
  if (!status.ok()) return rocksdb_error(status, "open the entry store in " + folder);
  opened.db.reset(db);
  return opened;
}

// None where there is no store yet. A folder with something else in it is not taken for one:
// RocksDB would make a new store there and remove what it does not know.
Result<std::vector<std::string>> families_in(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error) || std::filesystem::is_empty(folder, error)) {
    return std::vector<std::string>();
  }
  if (!std::filesystem::exists(folder + "/CURRENT", error)) {
    return Error(Errc::kCorruptData, folder +
                                         " is not empty and no entry store: its file CURRENT is "
                                         "missing. Bring it back from a backup");
  }
  std::vector<std::string> present;
  const rocksdb::Status status = rocksdb::DB::ListColumnFamilies({}, folder, &present);
  if (!status.ok()) return rocksdb_error(status, "read the entry store in " + folder);
  return present;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string group_prefix(const Identifier& identifier, std::string_view endorser) {
  return identifier.text() + std::string(endorser) + '\0';
}

std::string entry_key(const metadata::EntryKey& key) {
  std::string bytes = group_prefix(key.identifier, key.endorser);
  append_u64(bytes, ~static_cast<std::uint64_t>(key.created / 1000));
  return bytes;
}

std::string sequence_key(std::uint64_t sequence) {
  std::string key;
  append_u64(key, sequence);
  return key;
}

std::string digest_key(const Identifier& identifier) {
  return "sha256/" + identifier.text();
}

Result<std::unique_ptr<StoreLock>> StoreLock::take(const std::string& folder) {
  // Of the folder itself, whatever link leads there.
  std::error_code error;
  const std::string path = std::filesystem::weakly_canonical(folder, error).string() + ".lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno_error(errno, "open " + path);
  std::unique_ptr<StoreLock> lock(new StoreLock(descriptor));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error(errno, "lock " + path);
    return Error(Errc::kConflict, "the entry store in " + folder + " is used by another process");
  }
  return lock;
}

StoreLock::~StoreLock() {
  ::close(descriptor_);
}

Status Database::flush() {
  const rocksdb::Status status = db_->Flush({}, handles_);
  if (!status.ok()) return rocksdb_error(status, "write the entry store");
  return {};
}

Database::~Database() {
  for (ColumnFamilyHandle* handle : handles_) (void)db_->DestroyColumnFamilyHandle(handle);
  (void)db_->Close();
}

Result<std::unique_ptr<Database>> Database::open(const std::string& folder, const Limits& limits,
                                                 Missing missing) {
  if (missing == Missing::kMake) {
    std::error_code made;
    std::filesystem::create_directories(folder, made);
    if (made) return errno_error(made.value(), "make the folder " + folder);
  }
  STRATA_TRY(auto lock, StoreLock::take(folder));
  // A newer format may hold families that we do not know: open them too, to read its version.
  STRATA_TRY(const auto present, families_in(folder));
  if (present.empty() && missing == Missing::kRefuse) {
    return Error(Errc::kNotFound, "there is no entry store in " + folder);
  }
  if (holds(present, kChangesOfFormat1)) {
    return Error(Errc::kUsage, "the entry store in " + folder +
                                   " has format 1: run strata-registry --rebuild once, which keeps "
                                   "every entry");
  }
  STRATA_TRY(Opened opened,
             open_families(folder, {kFamilies.begin(), kFamilies.end()}, present, limits));
  std::unique_ptr<Database> database(new Database(std::move(opened.db)));
  database->lock_ = std::move(lock);
  database->handles_ = std::move(opened.handles);
  if (Status status = database->prepare(limits); !status) return status.error();
  return database;
}

Status Database::prepare(const Limits& limits) {
  // Terms are taken out of the index by making them again from the record: by the same limits.
  const std::string index = "index_words_max " + std::to_string(limits.index_words_max) +
                            ", index_value_bytes_max " +
                            std::to_string(limits.index_value_bytes_max);
  STRATA_TRY(const auto format, read(Family::kMeta, Slice(kFormatKey.data(), kFormatKey.size())));
  if (!format) return write_versions(index);
  std::string_view bytes = *format;
  const auto version = take_u64(bytes);
  if (!version) return Error(Errc::kCorruptData, "the entry store's format version is damaged");
  if (*version > kFormatVersion) {
    return Error(Errc::kUsage, "the entry store has format " + std::to_string(*version) +
                                   ", this program knows formats up to " +
                                   std::to_string(kFormatVersion) + ": use a newer Strata");
  }
  STRATA_TRY(const auto made_with, read(Family::kMeta, Slice(kIndexKey.data(), kIndexKey.size())));
  if (made_with != index) {
    return Error(Errc::kUsage, "the search index was made with other limits (" +
                                   made_with.value_or("unknown") + "; now " + index +
                                   "): run strata-registry --rebuild once");
  }
  return {};
}

Status Database::write_versions(const std::string& index) {
  rocksdb::WriteBatch batch;
  batch.Put(family(Family::kMeta), Slice(kFormatKey.data(), kFormatKey.size()),
            sequence_key(kFormatVersion));
  batch.Put(family(Family::kMeta), Slice(kIndexKey.data(), kIndexKey.size()), index);
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const rocksdb::Status status = db_->Write(durable, &batch);
  if (!status.ok()) return rocksdb_error(status, "write the format version");
  return {};
}

Result<std::optional<std::string>> Database::read(Family where, const Slice& key,
                                                  const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  std::string value;
  const rocksdb::Status status = db_->Get(options, family(where), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return rocksdb_error(status, "read an entry");
  return std::optional<std::string>(std::move(value));
}

std::unique_ptr<rocksdb::Iterator> Database::iterate(Family where,
                                                     const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, family(where)));
}

Result<std::optional<std::uint64_t>> Database::newest(const Identifier& identifier,
                                                      std::string_view endorser) const {
  const std::string prefix = group_prefix(identifier, endorser);
  const auto iterator = iterate(Family::kKeys);
  iterator->Seek(prefix);
  if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read an entry");
  if (!iterator->Valid() || !iterator->key().starts_with(prefix)) {
    return std::optional<std::uint64_t>();
  }
  std::string_view value = iterator->value().ToStringView();
  const auto sequence = take_u64(value);
  if (!sequence) return Error(Errc::kCorruptData, "an entry's key is damaged");
  return sequence;
}

Result<std::uint64_t> Database::given_sequences() const {
  std::uint64_t last = 0;
  STRATA_TRY(const auto given, read(Family::kMeta, Slice(kGivenKey.data(), kGivenKey.size())));
  if (given) {
    std::string_view bytes = *given;
    const auto noted = take_u64(bytes);
    if (!noted) return Error(Errc::kCorruptData, "the last sequence number is damaged");
    last = *noted;
  }
  const auto iterator = iterate(Family::kDocuments);
  iterator->SeekToLast();
  if (iterator->Valid()) {
    std::string_view key = iterator->key().ToStringView();
    last = std::max(last, take_u64(key).value_or(0));
  }
  if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read the documents");
  return last;
}

Status Database::note_given_sequences(std::uint64_t last) {
  const rocksdb::Status status = db_->Put(
      {}, family(Family::kMeta), Slice(kGivenKey.data(), kGivenKey.size()), sequence_key(last));
  if (!status.ok()) return rocksdb_error(status, "write the last sequence number");
  return {};
}

Result<StoredEntry> Database::record(std::uint64_t sequence) const {
  STRATA_TRY(const auto bytes, read(Family::kRecords, sequence_key(sequence)));
  if (!bytes) {
    return Error(Errc::kCorruptData, "entry number " + std::to_string(sequence) + " has no record");
  }
  return decode_record(sequence, *bytes);
}

namespace {

// Format 1 keeps documents by the entry's key, format 2 by the sequence number.
class OpenedSource final : public DocumentSource {
 public:
  OpenedSource(Opened opened, const std::vector<std::string>& names) : opened_(std::move(opened)) {
    by_key_ = holds(names, kChangesOfFormat1);
    const std::string order = by_key_ ? kChangesOfFormat1 : "documents";
    for (ColumnFamilyHandle* handle : opened_.handles) {
      if (handle->GetName() == "documents") documents_ = handle;
      if (handle->GetName() == "records" && !by_key_) records_ = handle;
      if (handle->GetName() == order) iterator_.reset(opened_.db->NewIterator({}, handle));
    }
  }
  ~OpenedSource() override {
    iterator_.reset();
    for (ColumnFamilyHandle* handle : opened_.handles) {
      (void)opened_.db->DestroyColumnFamilyHandle(handle);
    }
    (void)opened_.db->Close();
  }

  Status prepare() {
    STRATA_TRY(const auto version, number_under(kFormatKey));
    if (version > kFormatVersion) {
      return Error(Errc::kUsage, "the entry store has format " + std::to_string(version) +
                                     ", this program knows formats up to " +
                                     std::to_string(kFormatVersion) + ": use a newer Strata");
    }
    if (iterator_ == nullptr) return Error(Errc::kCorruptData, "the entry store has no documents");
    STRATA_TRY(given_, number_under(kGivenKey));
    iterator_->SeekToLast();
    if (iterator_->Valid()) {
      std::string_view key = iterator_->key().ToStringView();
      given_ = std::max(given_, take_u64(key).value_or(0));
    }
    iterator_->SeekToFirst();
    return {};
  }

  std::uint64_t given_sequences() const override { return given_; }

  Result<std::vector<Document>> next(std::size_t count) override {
    std::vector<Document> documents;
    for (; iterator_->Valid() && documents.size() < count; iterator_->Next()) {
      std::string_view key = iterator_->key().ToStringView();
      const auto sequence = take_u64(key);
      if (!sequence) return Error(Errc::kCorruptData, "the order of the entries is damaged");
      Document document{*sequence, iterator_->value().ToString()};
      if (by_key_) {
        const std::string entry = std::move(document.bytes);
        const auto status = opened_.db->Get({}, documents_, entry, &document.bytes);
        if (!status.ok()) return rocksdb_error(status, "read a document");
      }
      document.profile = recorded_profile(*sequence);
      documents.push_back(std::move(document));
    }
    if (!iterator_->status().ok()) return rocksdb_error(iterator_->status(), "read the documents");
    return documents;
  }

 private:
  // 0 when there is none.
  Result<std::uint64_t> number_under(std::string_view key) const {
    std::string value;
    const auto status = opened_.db->Get({}, Slice(key.data(), key.size()), &value);
    if (status.IsNotFound()) return std::uint64_t{0};
    if (!status.ok()) return rocksdb_error(status, "read the entry store");
    std::string_view bytes = value;
    const auto number = take_u64(bytes);
    if (!number)
      return Error(Errc::kCorruptData, "the entry store's " + std::string(key) + " is damaged");
    return *number;
  }

  std::optional<metadata::Profile> recorded_profile(std::uint64_t sequence) const {
    std::string record;
    if (records_ == nullptr ||
        !opened_.db->Get({}, records_, sequence_key(sequence), &record).ok()) {
      return std::nullopt;
    }
    const auto entry = decode_record(sequence, record);
    return entry ? std::optional(entry->signature.profile) : std::nullopt;
  }

  Opened opened_;
  bool by_key_ = false;
  std::uint64_t given_ = 0;
  ColumnFamilyHandle* documents_ = nullptr;
  ColumnFamilyHandle* records_ = nullptr;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

Result<std::unique_ptr<DocumentSource>> DocumentSource::open(const std::string& folder,
                                                             const Limits& limits) {
  STRATA_TRY(const auto present, families_in(folder));
  if (present.empty()) return Error(Errc::kNotFound, "there is no entry store in " + folder);
  STRATA_TRY(Opened opened, open_families(folder, present, present, limits));
  auto source = std::make_unique<OpenedSource>(std::move(opened), present);
  if (Status status = source->prepare(); !status) return status.error();
  return std::unique_ptr<DocumentSource>(std::move(source));
}

}  // namespace strata::entries
