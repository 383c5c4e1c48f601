#include "registry/entries/families.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <filesystem>

#include "registry/entries/term_index.h"
#include "storage/io/rocksdb_log.h"

namespace strata::entries {
namespace {

constexpr double kBloomBitsPerKey = 10;  // 1 % of look-ups of missing keys go on to a block
constexpr int kOpenFilesMax = 512;
// What a start after a crash has to read again, and what the log may take on the disk.
constexpr std::uint64_t kLogBytesMax = 64 * kMiB;

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
  const bool documents = name == family_name(Family::kDocuments);
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = documents ? rocksdb::kZSTD : rocksdb::kLZ4Compression;
  options.write_buffer_size = kRecordMemtableBytes;
  options.level_compaction_dynamic_level_bytes = true;
  if (name == family_name(Family::kTerms)) {
    table.whole_key_filtering = false;  // of terms: configure_term_index
    configure_term_index(options);
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

const std::vector<std::string>& family_names() {
  static const std::vector<std::string> names = {
      rocksdb::kDefaultColumnFamilyName, "keys", "records", "documents", "facts", "terms"};
  return names;
}

const std::string& family_name(Family family) {
  return family_names()[static_cast<std::size_t>(family)];
}

Status check_format(std::uint64_t version) {
  if (version <= kFormatVersion) return {};
  return Error(Errc::kUsage, "the entry store has format " + std::to_string(version) +
                                 ", this program knows formats up to " +
                                 std::to_string(kFormatVersion) + ": use a newer Strata");
}

bool is_format_1(const std::vector<std::string>& present) {
  return std::find(present.begin(), present.end(), kChangesOfFormat1) != present.end();
}

Result<OpenedFamilies> OpenedFamilies::open(const std::string& folder,
                                            std::vector<std::string> names,
                                            const std::vector<std::string>& present,
                                            const Limits& limits) {
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
  OpenedFamilies opened;
  const rocksdb::Status status =
      rocksdb::DB::Open(options, folder, descriptors, &opened.handles_, &db);
  if (!status.ok()) return rocksdb_error(status, "open the entry store in " + folder);
  opened.db_.reset(db);
  return opened;
}

OpenedFamilies::~OpenedFamilies() {
  if (db_ == nullptr) return;  // moved from
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    (void)db_->DestroyColumnFamilyHandle(handle);
  }
  (void)db_->Close();
}

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

}  // namespace strata::entries
