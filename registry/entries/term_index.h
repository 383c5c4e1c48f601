#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "registry/entries/doc_set.h"
#include "strata/base/result.h"

// The term index in RocksDB: for each term and chunk of 65 536 sequence numbers one key, whose
// value is the set of documents (doc_set.h). Writers hand RocksDB changes of a set as merge
// operands, so that a new document costs some bytes for each term and reads nothing.
//   key      term, NUL, ~chunk (4 bytes, big-endian): the newest chunk first
//   operand  changes (doc_set.h), any number of them
namespace strata::entries {

// What the family of the index needs: merging, a filter that drops empty sets, a bloom filter over
// terms.
void configure_term_index(rocksdb::ColumnFamilyOptions& options);

// Adds `sequence` to the sets of `terms`, or takes it out.
void change_terms(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* index,
                  const std::set<std::string>& terms, std::uint64_t sequence, DocChange change);

// One term's sets, chunk by chunk, newest or oldest first. One thread.
class TermCursor {
 public:
  TermCursor(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* index, const rocksdb::Snapshot* snapshot,
             std::string_view term, bool newest_first);
  [[nodiscard]] bool valid() const { return docs_.has_value(); }
  [[nodiscard]] std::uint32_t chunk() const { return chunk_; }
  // Until the cursor moves.
  [[nodiscard]] const EncodedDocs& docs() const { return *docs_; }
  void next();
  // Forward to `chunk` or behind it.
  void seek(std::uint32_t chunk);
  // kCorruptData, kIo; to be asked when the cursor is not valid.
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  void read();

  // Keys of the term: start <= key < end. RocksDB's iterator points at the slices.
  struct Bounds {
    std::string start, end;
    rocksdb::Slice lower, upper;
  };
  std::unique_ptr<Bounds> bounds_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  bool newest_first_;
  std::uint32_t chunk_ = 0;
  std::optional<EncodedDocs> docs_;
  Status status_;
};

struct TermReader {
  rocksdb::DB& db;
  rocksdb::ColumnFamilyHandle* index;
  const rocksdb::Snapshot* snapshot;

  [[nodiscard]] TermCursor term(std::string_view term, bool newest_first) const {
    return {db, index, snapshot, term, newest_first};
  }
  // Each (term, chunk) with documents whose term starts with `prefix`, in order of terms, until
  // `visit` says otherwise.
  enum class Next : std::uint8_t { kChunk, kTerm, kStop };
  [[nodiscard]] Status each(std::string_view prefix,
                            const std::function<Next(std::string_view term, std::uint32_t chunk,
                                                     const EncodedDocs& docs)>& visit) const;
};

[[nodiscard]] constexpr std::uint32_t chunk_of(std::uint64_t sequence) {
  return static_cast<std::uint32_t>(sequence / kChunkDocs);
}
[[nodiscard]] constexpr Doc doc_of(std::uint64_t sequence) {
  return static_cast<Doc>(sequence % kChunkDocs);
}
[[nodiscard]] constexpr std::uint64_t sequence_of(std::uint32_t chunk, Doc doc) {
  return std::uint64_t{chunk} * kChunkDocs + doc;
}

[[nodiscard]] Error rocksdb_error(const rocksdb::Status& status, std::string_view what);

}  // namespace strata::entries
