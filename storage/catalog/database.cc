#include "storage/catalog/database.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>

#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::catalog {
namespace {

constexpr std::array<std::string_view, kFamilies> kFamilyNames = {
    "default", "images", "terms", "stored", "removals", "registrations", "outbox"};
constexpr std::uint64_t kFormatVersion = 1;
constexpr std::string_view kFormatKey = "format";
constexpr std::size_t kInfoLogsKept = 2;
constexpr double kBloomBitsPerKey = 10;

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
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = kInfoLogsKept;
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

}  // namespace

Cursor::Cursor(std::unique_ptr<rocksdb::Iterator> iterator, std::string prefix,
               std::string_view from)
    : iterator_(std::move(iterator)), prefix_(std::move(prefix)) {
  iterator_->Seek(prefix_ + std::string(from));
}
Cursor::~Cursor() = default;
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;

bool Cursor::valid() const {
  return iterator_->Valid() && iterator_->key().starts_with(prefix_);
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
  if (iterator_->status().ok()) return {};
  return error_from(iterator_->status(), "scan");
}

Result<std::unique_ptr<Database>> Database::open(const std::string& directory, rocksdb::Env* env) {
  const rocksdb::Options options = options_for(env);
  if (auto known = check_families(options, directory); !known) return known.error();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string_view name : kFamilyNames) {
    descriptors.emplace_back(std::string(name), rocksdb::ColumnFamilyOptions(options));
  }
  std::unique_ptr<Database> database(new Database());
  rocksdb::DB* db = nullptr;
  const auto opened = rocksdb::DB::Open(rocksdb::DBOptions(options), directory, descriptors,
                                        &database->families_, &db);
  if (!opened.ok()) return error_from(opened, "open");
  database->db_.reset(db);
  if (auto known = database->check_format(); !known) return known.error();
  return database;
}

Database::~Database() {
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    (void)db_->DestroyColumnFamilyHandle(family);
  }
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
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), families_[static_cast<std::size_t>(family)],
                               slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return error_from(status, "read");
  return std::optional(std::move(value));
}

Cursor Database::scan(Family family, std::string prefix, std::string_view from) const {
  std::unique_ptr<rocksdb::Iterator> iterator(
      db_->NewIterator(rocksdb::ReadOptions(), families_[static_cast<std::size_t>(family)]));
  return {std::move(iterator), std::move(prefix), from};
}

Status Database::write(const Batch& batch) {
  rocksdb::WriteBatch changes;
  for (const Batch::Change& change : batch.changes_) {
    auto* const family = families_[static_cast<std::size_t>(change.family)];
    const auto added = change.value ? changes.Put(family, slice(change.key), slice(*change.value))
                                    : changes.Delete(family, slice(change.key));
    if (!added.ok()) return error_from(added, "batch");
  }
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const std::lock_guard lock(failed_mutex_);
  // After a failed write RocksDB takes no more until it is told to look again.
  if (failed_) (void)db_->Resume();
  const auto written = db_->Write(durable, &changes);
  failed_ = !written.ok();
  if (failed_) return error_from(written, "write");
  return {};
}

}  // namespace strata::catalog
