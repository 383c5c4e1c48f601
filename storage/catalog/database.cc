#include "storage/catalog/database.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <utility>

#include "storage/io/rocksdb_log.h"
#include "strata/base/limits.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file_system.h"

namespace strata::catalog {
namespace {

constexpr std::array<std::string_view, kFamilies> kFamilyNames = {
    "default", "images", "terms", "stored", "removals", "registrations", "outbox"};
constexpr std::uint64_t kFormatVersion = 1;
constexpr std::string_view kFormatKey = "format";
constexpr double kBloomBitsPerKey = 10;
constexpr std::size_t kProbeBytes = 65'536;  // more than opening again needs at first

// RocksDB's own text has paths in it, which clients may not see: that goes to the log.
Error error_from(const rocksdb::Status& status, std::string_view what) {
  log::error("catalogue.failed", {{"call", what}, {"error", status.ToString()}});
  Errc code = Errc::kIo;
  if (status.IsNoSpace()) code = Errc::kNoSpace;
  if (status.IsCorruption()) code = Errc::kCorruptData;
  if (status.IsBusy() || status.ToString().find("/LOCK: ") != std::string::npos) {
    return {Errc::kInUse, "the catalogue is open in another process"};
  }
  return {code, "the catalogue failed: " + std::string(what)};
}

Error newer_format(const std::string& found) {
  return {Errc::kCorruptData,
          "the catalogue has " + found + ", this program knows format version " +
              std::to_string(kFormatVersion) + ": it was written by a newer one"};
}

rocksdb::Options options_for(rocksdb::Env* env) {
  rocksdb::Options options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.write_buffer_size = kRecordMemtableBytes;
  options.info_log = std::make_shared<io::RocksdbLog>();
  options.stats_dump_period_sec = 0;  // nobody reads them, and they cost a thread
  options.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view view(const rocksdb::Slice& text) {
  return {text.data(), text.size()};
}

// A newer format may have column families that we do not know and could not keep in step.
Status check_families(const rocksdb::Options& options, const std::string& directory) {
  if (!options.env->FileExists(directory + "/CURRENT").ok()) return {};  // a new one
  std::vector<std::string> names;
  const auto listed = rocksdb::DB::ListColumnFamilies(options, directory, &names);
  if (!listed.ok()) return error_from(listed, "list column families");
  for (const std::string& name : names) {
    const bool known =
        std::find(kFamilyNames.begin(), kFamilyNames.end(), name) != kFamilyNames.end();
    if (!known) return newer_format("records of the unknown kind \"" + name + "\"");
  }
  return {};
}

Error closed() {
  return {Errc::kUnavailable, "the catalogue is closed after a failure"};
}

// Whether the disk takes bytes again: opening is not tried before, since it closes first.
Status probe_disk(rocksdb::Env& env, const std::string& directory) {
  const std::string path = directory + "/probe";
  std::unique_ptr<rocksdb::WritableFile> file;
  auto status = env.NewWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Append(std::string(kProbeBytes, '\0'));
  if (status.ok()) status = file->Sync();
  if (file) (void)file->Close();
  (void)env.DeleteFile(path);
  return status.ok() ? Status() : Status(error_from(status, "write"));
}

}  // namespace

class OpenDatabase {
 public:
  static Result<std::shared_ptr<OpenDatabase>> open(const std::string& directory,
                                                    rocksdb::Env* env) {
    const rocksdb::Options options = options_for(env);
    if (auto known = check_families(options, directory); !known) return known.error();
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string_view name : kFamilyNames) {
      descriptors.emplace_back(std::string(name), rocksdb::ColumnFamilyOptions(options));
    }
    auto opened = std::make_shared<OpenDatabase>();
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open(rocksdb::DBOptions(options), directory, descriptors,
                                          &opened->families_, &db);
    if (!status.ok()) return error_from(status, "open");
    opened->db_.reset(db);
    return opened;
  }
  OpenDatabase() = default;
  ~OpenDatabase() {
    for (auto* handle : families_) (void)db_->DestroyColumnFamilyHandle(handle);
  }
  OpenDatabase(const OpenDatabase&) = delete;
  OpenDatabase& operator=(const OpenDatabase&) = delete;

  [[nodiscard]] rocksdb::DB& db() { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Family family) {
    return families_[static_cast<std::size_t>(family)];
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // by Family
};

Cursor::Cursor(std::shared_ptr<OpenDatabase> database, std::unique_ptr<rocksdb::Iterator> iterator,
               std::string prefix, std::string_view from)
    : database_(std::move(database)), iterator_(std::move(iterator)), prefix_(std::move(prefix)) {
  if (iterator_) iterator_->Seek(prefix_ + std::string(from));
}
Cursor::~Cursor() = default;
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;

bool Cursor::valid() const {
  return iterator_ && iterator_->Valid() && iterator_->key().starts_with(prefix_);
}
std::string_view Cursor::rest() const {
  return view(iterator_->key()).substr(prefix_.size());
}
std::string_view Cursor::value() const {
  return view(iterator_->value());
}
void Cursor::next() {
  iterator_->Next();
}
Status Cursor::status() const {
  if (!iterator_) return closed();
  if (iterator_->status().ok()) return {};
  return error_from(iterator_->status(), "scan");
}

Database::Database(std::string directory, rocksdb::Env* env)
    : directory_(std::move(directory)), env_(env) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::string& directory, rocksdb::Env* env) {
  std::unique_ptr<Database> database(new Database(directory, env));
  STRATA_TRY(database->open_, OpenDatabase::open(directory, env));
  if (auto known = database->check_format(); !known) return known.error();
  return database;
}

std::shared_ptr<OpenDatabase> Database::current() const {
  const std::lock_guard lock(open_mutex_);
  return open_;
}

Status Database::check_format() {
  STRATA_TRY(const auto format, get(Family::kMeta, kFormatKey));
  if (!format) {
    if (scan(Family::kImages, "").valid()) {
      return Error(Errc::kCorruptData, "the catalogue has records, but no format version");
    }
    Batch batch;
    batch.put(Family::kMeta, std::string(kFormatKey), std::to_string(kFormatVersion));
    return write(batch);
  }
  const auto version = parse_decimal(*format);
  if (!version || *version == 0) {
    return Error(Errc::kCorruptData, "the catalogue's format version is damaged");
  }
  if (*version > kFormatVersion) return newer_format("format version " + *format);
  return {};
}

Result<std::optional<std::string>> Database::get(Family family, std::string_view key) const {
  const auto open = current();
  if (!open) return closed();
  std::string value;
  const auto status =
      open->db().Get(rocksdb::ReadOptions(), open->family(family), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return error_from(status, "read");
  return std::optional(std::move(value));
}

Cursor Database::scan(Family family, std::string prefix, std::string_view from) const {
  auto open = current();
  std::unique_ptr<rocksdb::Iterator> iterator;
  if (open) iterator.reset(open->db().NewIterator(rocksdb::ReadOptions(), open->family(family)));
  return {std::move(open), std::move(iterator), std::move(prefix), from};
}

Status Database::write(const Batch& batch) {
  const std::lock_guard lock(write_mutex_);
  if (undo_ || !current()) {
    if (auto opened = open_again(); !opened) return opened;
  }
  const auto written = apply(batch);
  if (written) return {};
  // RocksDB has not applied it: what reads find now is what is to be put back.
  STRATA_TRY(undo_, inverse_of(batch));
  return written;
}

Status Database::apply(const Batch& batch) {
  if (env_ == nullptr) {
    if (auto room = io::require_free_bytes(directory_, kRecordReserveBytes); !room) return room;
  }
  const auto open = current();
  rocksdb::WriteBatch changes;
  for (const Batch::Change& change : batch.changes_) {
    auto* const family = open->family(change.family);
    const auto added = change.value ? changes.Put(family, slice(change.key), slice(*change.value))
                                    : changes.Delete(family, slice(change.key));
    if (!added.ok()) return error_from(added, "batch");
  }
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const auto written = open->db().Write(durable, &changes);
  if (written.ok()) return {};
  return error_from(written, "write");
}

Result<Batch> Database::inverse_of(const Batch& batch) const {
  Batch inverse;
  for (const Batch::Change& change : batch.changes_) {
    STRATA_TRY(auto value, get(change.family, change.key));
    inverse.changes_.push_back({change.family, change.key, std::move(value)});
  }
  return inverse;
}

Status Database::open_again() {
  rocksdb::Env& env = env_ == nullptr ? *rocksdb::Env::Default() : *env_;
  if (auto working = probe_disk(env, directory_); !working) return working;
  {
    const std::lock_guard lock(open_mutex_);
    // Readers wait here until it is open again; those at work now must be through first.
    if (open_.use_count() > 1) return Error(Errc::kUnavailable, "the catalogue is recovering");
    open_.reset();
    STRATA_TRY(open_, OpenDatabase::open(directory_, env_));
  }
  log::info("catalogue.opened_again", {});
  if (undo_) {
    if (auto undone = apply(*undo_); !undone) return undone;
    undo_.reset();
  }
  return {};
}

}  // namespace strata::catalog
