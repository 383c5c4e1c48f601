#include "registry/entries/maintenance.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "registry/entries/bytes.h"
#include "registry/entries/database.h"
#include "registry/entries/document_source.h"
#include "registry/entries/facts.h"
#include "registry/entries/inserter.h"
#include "registry/entries/record.h"
#include "registry/entries/term_index.h"
#include "registry/entries/words.h"
#include "strata/base/text.h"

namespace strata::entries {
namespace {

using Document = DocumentSource::Document;

constexpr std::size_t kDocumentsAtOnce = 1024;
constexpr std::size_t kProblemsMax = 100;

void add_problem(MaintenanceReport& report, std::string problem) {
  ++report.problem_count;
  if (report.problems.size() < kProblemsMax) report.problems.push_back(std::move(problem));
}

// Whom to trust was decided when the entry came.
class AnyBinding final : public metadata::Bindings {
 public:
  Status require(const metadata::VerifiedEntry::Signature&, std::span<const std::uint8_t>,
                 const metadata::Endorsement&) const override {
    return {};
  }
};

// By the profile that its record names, or, where there is no record to be had, by the one of both
// that holds: the strict one first, as it was posted.
Result<metadata::VerifiedEntry> verify_again(const Document& document, const Limits& limits) {
  using metadata::Profile;
  const AnyBinding any;
  if (document.profile) {
    return metadata::verify_endorser(document.bytes, *document.profile, limits, any);
  }
  auto entry = metadata::verify_endorser(document.bytes, Profile::kStrict, limits, any);
  if (entry) return entry;
  auto legacy = metadata::verify_endorser(document.bytes, Profile::kLegacy, limits, any);
  return legacy ? std::move(legacy) : std::move(entry);
}

// Each document with what verification makes of it, in order.
std::vector<Result<metadata::VerifiedEntry>> verify_all(const std::vector<Document>& documents,
                                                        const Limits& limits) {
  std::vector<std::optional<Result<metadata::VerifiedEntry>>> results(documents.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < documents.size(); i = next++) {
      results[i] = verify_again(documents[i], limits);
    }
  };
  std::vector<std::jthread> helpers;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  std::vector<Result<metadata::VerifiedEntry>> entries;
  for (auto& result : results) entries.push_back(std::move(*result));
  return entries;
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

// A sum over (term, sequence number) that does not depend on their order: what the index holds and
// what it should hold are compared without keeping either. Two sums of 64 bits with unrelated
// hashes: a difference that both miss is not an accident.
class PostingSum {
 public:
  void add(std::string_view term, std::uint64_t sequence) {
    const std::uint64_t base = std::hash<std::string_view>()(term);
    first_ += mix(base ^ mix(sequence));
    second_ += mix(mix(base + 0x9e3779b97f4a7c15) ^ sequence);
    ++count_;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  bool operator==(const PostingSum&) const = default;

 private:
  // splitmix64 (Steele, Lea, Flood 2014).
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  std::uint64_t first_ = 0, second_ = 0, count_ = 0;
};

class Checker {
 public:
  Checker(const Database& database, const Limits& limits) : database_(database), limits_(limits) {}

  Result<MaintenanceReport> run() {
    if (Status status = read_keys(); !status) return status.error();
    if (Status status = check_documents(); !status) return status.error();
    for (const auto& [family, name] :
         {std::pair(Family::kKeys, "keys"), std::pair(Family::kRecords, "records"),
          std::pair(Family::kFacts, "facts")}) {
      STRATA_TRY(const auto count, count_of(family));
      if (count != documents_) {
        add_problem(report_,
                    number(count) + " " + name + " for " + number(documents_) + " documents");
      }
    }
    if (Status status = check_index(); !status) return status.error();
    return std::move(report_);
  }

 private:
  // The first of each group is its newest.
  Status read_keys() {
    STRATA_TRY(given_, database_.given_sequences());
    std::string group;
    const auto iterator = database_.iterate(Family::kKeys);
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      std::string_view key = iterator->key().ToStringView();
      std::string_view value = iterator->value().ToStringView();
      const auto sequence = take_u64(value);
      if (!sequence || key.size() < 8) {
        add_problem(report_, "a key is damaged");
        continue;
      }
      key.remove_suffix(8);
      if (key == group) continue;
      group = key;
      if (*sequence > given_) {
        add_problem(report_, "a key names the entry number " + number(*sequence) +
                                 ", which there never was");
        continue;
      }
      if (newest_.size() <= *sequence) newest_.resize(*sequence + 1);
      newest_[*sequence] = true;
    }
    if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read the keys");
    return {};
  }

  Status check_documents() {
    const auto iterator = database_.iterate(Family::kDocuments);
    iterator->SeekToFirst();
    while (iterator->Valid()) {
      std::vector<Document> documents;
      for (; iterator->Valid() && documents.size() < kDocumentsAtOnce; iterator->Next()) {
        std::string_view key = iterator->key().ToStringView();
        documents.push_back({take_u64(key).value_or(0), iterator->value().ToString()});
        const auto record = database_.record(documents.back().sequence);
        if (record) documents.back().profile = record->signature.profile;
      }
      const auto entries = verify_all(documents, limits_);
      for (std::size_t i = 0; i < documents.size(); ++i) {
        if (Status status = check_entry(documents[i].sequence, entries[i]); !status) return status;
      }
      documents_ += documents.size();
    }
    if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read the documents");
    return {};
  }

  Status check_entry(std::uint64_t sequence, const Result<metadata::VerifiedEntry>& verified) {
    const std::string name = "entry number " + number(sequence);
    if (!verified) {
      add_problem(report_, name + ": " + verified.error().detail());
      return {};
    }
    const PreparedEntry expected(*verified, limits_);
    const std::string key = sequence_key(sequence);
    std::vector<std::string> wrong;
    const auto compare = [&](Family family, const std::string& at, const std::string& value,
                             const char* what) -> Status {
      STRATA_TRY(const auto found, database_.read(family, at));
      if (found != value) wrong.emplace_back(what);
      return {};
    };
    for (const auto& [family, at, value, what] :
         {std::tuple(Family::kRecords, key, expected.record, "record"),
          std::tuple(Family::kFacts, key, expected.fact.encode(), "facts"),
          std::tuple(Family::kKeys, entry_key(expected.key), key, "key")}) {
      if (Status status = compare(family, at, value, what); !status) return status;
    }
    if (!expected.sha256.empty()) {
      Status status = compare(Family::kMeta, digest_key(expected.key.identifier), expected.sha256,
                              "SHA-256 of its identifier");
      if (!status) return status;
    }
    expected_.add(created_term(expected.key.created), sequence);
    if (sequence < newest_.size() && newest_[sequence]) {
      for (const std::string& term : expected.terms) expected_.add(term, sequence);
    }
    if (wrong.empty()) {
      ++report_.entries;
      return {};
    }
    for (const std::string& what : wrong) {
      add_problem(report_, name + " (" + expected.key.path() + "): its " + what +
                               " does not agree with its document");
    }
    return {};
  }

  Result<std::uint64_t> count_of(Family family) const {
    std::uint64_t count = 0;
    const auto iterator = database_.iterate(family);
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) ++count;
    if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "count the entries");
    return count;
  }

  Status check_index() {
    PostingSum found;
    const TermReader reader{database_.db(), database_.family(Family::kTerms), nullptr};
    Status status =
        reader.each("", [&](std::string_view term, std::uint32_t chunk, const EncodedDocs& docs) {
          DocSet set;
          set.assign(docs);
          set.each([&](Doc doc) { found.add(term, sequence_of(chunk, doc)); });
          return TermReader::Next::kChunk;
        });
    if (!status) return status;
    if (found != expected_) {
      add_problem(report_, "the search index does not agree with the entries: it has " +
                               number(found.count()) + " postings, " + number(expected_.count()) +
                               " were expected");
    }
    return {};
  }

  const Database& database_;
  const Limits& limits_;
  MaintenanceReport report_;
  std::uint64_t given_ = 0;
  std::vector<bool> newest_;  // by sequence number
  std::uint64_t documents_ = 0;
  PostingSum expected_;
};

Status write_documents(DocumentSource& source, Database& target, const Limits& limits,
                       MaintenanceReport& report) {
  Facts facts;
  Inserter inserter(target, facts, 0, limits);
  while (true) {
    STRATA_TRY(const auto documents, source.next(kDocumentsAtOnce));
    if (documents.empty()) break;
    auto entries = verify_all(documents, limits);
    for (std::size_t i = 0; i < documents.size(); ++i) {
      if (!entries[i]) {
        add_problem(report, "entry number " + number(documents[i].sequence) +
                                " is left out: " + entries[i].error().detail());
        continue;
      }
      Status status = inserter.write_as(documents[i].sequence, PreparedEntry(*entries[i], limits));
      if (!status) return status;
      ++report.entries;
    }
  }
  if (Status status = target.note_given_sequences(source.given_sequences()); !status) return status;
  return target.flush();
}

Status sync_folder(const std::string& path) {
  const int folder = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  const int error = errno;
  if (folder >= 0) ::close(folder);
  return synced ? Status() : errno_error(error, "sync the folder of the entry store");
}

// Both folders change their names at once, so that at no moment there is no store.
Status exchange(const std::string& store, const std::string& fresh) {
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, store.c_str(), RENAME_EXCHANGE) != 0) {
    return errno_error(errno, "exchange " + fresh + " and " + store);
  }
  return sync_folder(std::filesystem::path(store).parent_path().string());
}

// Hours of work should not end in an exchange that this file system does not know.
Status try_exchange(const std::string& fresh) {
  const std::string other = fresh + ".try";
  std::error_code error;
  std::filesystem::create_directory(fresh, error);
  std::filesystem::create_directory(other, error);
  Status status = exchange(other, fresh);
  std::filesystem::remove(other, error);
  if (!status) {
    return Error(Errc::kUsage, "the file system of " + fresh +
                                   " cannot exchange two folders: " + status.error().detail());
  }
  return {};
}

Status remove_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (error) return errno_error(error.value(), "remove " + folder);
  std::filesystem::remove(folder + ".lock", error);
  return {};
}

// The new store, whole and durable, in `fresh`.
Result<MaintenanceReport> make_fresh(const std::string& folder, const std::string& fresh,
                                     const Limits& limits) {
  MaintenanceReport report;
  STRATA_TRY(const auto source, DocumentSource::open(folder, limits));
  STRATA_TRY(const auto target, Database::open(fresh, limits));
  if (Status status = write_documents(*source, *target, limits, report); !status) {
    return status.error();
  }
  return report;
}

}  // namespace

Result<MaintenanceReport> check_store(const std::string& folder, const Limits& limits) {
  if (!std::filesystem::exists(folder)) {
    return Error(Errc::kNotFound, "there is no entry store in " + folder);
  }
  STRATA_TRY(const auto database, Database::open(folder, limits, Database::Missing::kRefuse));
  return Checker(*database, limits).run();
}

Result<MaintenanceReport> rebuild_store(const std::string& path, const Limits& limits,
                                        Unverified unverified) {
  std::error_code error;
  const std::string folder = std::filesystem::canonical(path, error).string();
  if (error) return Error(Errc::kNotFound, "there is no entry store in " + path);
  STRATA_TRY(const auto lock, StoreLock::take(folder));
  const std::string fresh = folder + ".rebuild";
  const std::string before = folder + ".before-rebuild";
  if (unverified == Unverified::kLeaveOut && std::filesystem::exists(before)) {
    return Error(Errc::kConflict, before + " is there from an earlier rebuild: move it away first");
  }
  if (Status status = remove_folder(fresh); !status) return status.error();
  if (Status status = try_exchange(fresh); !status) return status.error();
  auto report = make_fresh(folder, fresh, limits);
  const bool whole = report && report->problem_count == 0;
  if (!whole && (!report || unverified == Unverified::kRefuse)) {
    if (Status status = remove_folder(fresh); !status) return status.error();
    return report;
  }
  if (Status status = exchange(folder, fresh); !status) return status.error();
  if (whole) {
    if (Status status = remove_folder(fresh); !status) return status.error();
    return report;
  }
  std::filesystem::rename(fresh, before, error);
  if (error) return errno_error(error.value(), "keep the old entry store as " + before);
  std::filesystem::remove(fresh + ".lock", error);
  return report;
}

}  // namespace strata::entries
