#include "registry/entries/database.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>

#include "registry/entries/bytes.h"
#include "registry/entries/record.h"
#include "registry/entries/term_index.h"
#include "strata/io/file_system.h"

namespace strata::entries {
namespace {

using rocksdb::Slice;

Slice slice(std::string_view text) {
  return {text.data(), text.size()};
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

Status Database::flush() {
  const rocksdb::Status status = db().Flush({}, opened_.handles());
  if (!status.ok()) return rocksdb_error(status, "write the entry store");
  return {};
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
  if (is_format_1(present)) {
    return Error(Errc::kUsage, "the entry store in " + folder +
                                   " has format 1: run strata-registry --rebuild once, which keeps "
                                   "every entry");
  }
  STRATA_TRY(OpenedFamilies opened, OpenedFamilies::open(folder, family_names(), present, limits));
  std::unique_ptr<Database> database(new Database(std::move(lock), std::move(opened)));
  if (Status status = database->prepare(limits); !status) return status.error();
  return database;
}

Status Database::prepare(const Limits& limits) {
  // Terms are taken out of the index by making them again from the record: by the same limits.
  const std::string index = "index_words_max " + std::to_string(limits.index_words_max) +
                            ", index_value_bytes_max " +
                            std::to_string(limits.index_value_bytes_max);
  STRATA_TRY(const auto format, read(Family::kMeta, slice(kFormatKey)));
  if (!format) return write_versions(index);
  std::string_view bytes = *format;
  const auto version = take_u64(bytes);
  if (!version) return Error(Errc::kCorruptData, "the entry store's format version is damaged");
  if (Status known = check_format(*version); !known) return known;
  STRATA_TRY(const auto made_with, read(Family::kMeta, slice(kIndexKey)));
  if (made_with != index) {
    return Error(Errc::kUsage, "the search index was made with other limits (" +
                                   made_with.value_or("unknown") + "; now " + index +
                                   "): run strata-registry --rebuild once");
  }
  return {};
}

Status Database::write_versions(const std::string& index) {
  rocksdb::WriteBatch batch;
  batch.Put(family(Family::kMeta), slice(kFormatKey), sequence_key(kFormatVersion));
  batch.Put(family(Family::kMeta), slice(kIndexKey), index);
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const rocksdb::Status status = db().Write(durable, &batch);
  if (!status.ok()) return rocksdb_error(status, "write the format version");
  return {};
}

Result<std::optional<std::string>> Database::read(Family where, const Slice& key,
                                                  const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  std::string value;
  const rocksdb::Status status = db().Get(options, family(where), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return rocksdb_error(status, "read an entry");
  return std::optional<std::string>(std::move(value));
}

std::unique_ptr<rocksdb::Iterator> Database::iterate(Family where,
                                                     const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  return std::unique_ptr<rocksdb::Iterator>(db().NewIterator(options, family(where)));
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
  STRATA_TRY(const auto given, read(Family::kMeta, slice(kGivenKey)));
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
  const rocksdb::Status status =
      db().Put({}, family(Family::kMeta), slice(kGivenKey), sequence_key(last));
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

}  // namespace strata::entries
