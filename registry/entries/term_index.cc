#include "registry/entries/term_index.h"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "registry/entries/bytes.h"

namespace strata::entries {
namespace {

using rocksdb::Slice;

constexpr std::size_t kChunkBytes = 4;

std::string key_of(std::string_view term, std::uint32_t chunk) {
  std::string key(term);
  key += '\0';
  append_u32(key, ~chunk);
  return key;
}

class SetMerge final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "strata.docs.1"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    DocSet docs;
    if (in.existing_value != nullptr) {
      const auto existing = EncodedDocs::from(in.existing_value->ToStringView());
      if (!existing) return false;
      docs.assign(*existing);
    }
    for (const Slice& operand : in.operand_list) {
      if (!docs.apply(operand.ToStringView())) return false;
    }
    out->new_value = docs.encode();
    return true;
  }

  // Changes one after the other are changes again.
  bool PartialMergeMulti(const Slice&, const std::deque<Slice>& operands, std::string* merged,
                         rocksdb::Logger*) const override {
    std::string all;
    for (const Slice& operand : operands) all.append(operand.data(), operand.size());
    auto joined = join_changes(all);
    if (!joined) return false;
    *merged = std::move(*joined);
    return true;
  }
};

class DropEmpty final : public rocksdb::CompactionFilter {
 public:
  const char* Name() const override { return "strata.docs.drop-empty"; }
  bool Filter(int, const Slice&, const Slice& value, std::string*, bool*) const override {
    return value.empty();
  }
};

// The term with its NUL; terms hold none.
class TermPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "strata.term.1"; }
  Slice Transform(const Slice& key) const override {
    return {key.data(), key.ToStringView().find('\0') + 1};
  }
  bool InDomain(const Slice& key) const override {
    return key.ToStringView().find('\0') != std::string_view::npos;
  }
};

// The term and the chunk of a key; nullopt when it is none.
std::optional<std::pair<std::string_view, std::uint32_t>> parse_key(const Slice& key) {
  std::string_view rest = key.ToStringView();
  if (rest.size() < kChunkBytes + 1) return std::nullopt;
  const std::string_view term = rest.substr(0, rest.size() - kChunkBytes - 1);
  rest.remove_prefix(term.size());
  if (rest.front() != '\0') return std::nullopt;
  rest.remove_prefix(1);
  return std::pair(term, ~*take_u32(rest));
}

Error damaged() {
  return {Errc::kCorruptData,
          "the search index is damaged: strata-registry --rebuild makes it anew"};
}

}  // namespace

void configure_term_index(rocksdb::ColumnFamilyOptions& options) {
  static const DropEmpty drop_empty;
  options.merge_operator = std::make_shared<SetMerge>();
  options.compaction_filter = &drop_empty;
  options.prefix_extractor = std::make_shared<TermPrefix>();
}

void change_terms(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* index,
                  const std::set<std::string>& terms, std::uint64_t sequence, DocChange change) {
  const std::string operand = encode_change(change, doc_of(sequence));
  for (const std::string& term : terms) {
    batch.Merge(index, key_of(term, chunk_of(sequence)), operand);
  }
}

TermCursor::TermCursor(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* index,
                       const rocksdb::Snapshot* snapshot, std::string_view term, bool newest_first)
    : bounds_(std::make_unique<Bounds>()), newest_first_(newest_first) {
  bounds_->start = std::string(term) + '\0';
  bounds_->end = std::string(term) + '\1';
  bounds_->lower = bounds_->start;
  bounds_->upper = bounds_->end;
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.iterate_lower_bound = &bounds_->lower;
  options.iterate_upper_bound = &bounds_->upper;
  iterator_.reset(db.NewIterator(options, index));
  if (newest_first_) {
    iterator_->Seek(bounds_->start);
  } else {
    iterator_->SeekToLast();
  }
  read();
}

void TermCursor::next() {
  if (newest_first_) {
    iterator_->Next();
  } else {
    iterator_->Prev();
  }
  read();
}

void TermCursor::seek(std::uint32_t chunk) {
  if (!valid() || (newest_first_ ? chunk_ <= chunk : chunk_ >= chunk)) return;
  std::string key = bounds_->start;
  append_u32(key, ~chunk);
  if (newest_first_) {
    iterator_->Seek(key);
  } else {
    iterator_->SeekForPrev(key);
  }
  read();
}

void TermCursor::read() {
  docs_.reset();
  while (iterator_->Valid()) {
    const auto key = parse_key(iterator_->key());
    const auto docs = EncodedDocs::from(iterator_->value().ToStringView());
    if (!key || !docs) {
      status_ = damaged();
      return;
    }
    if (!docs->empty()) {
      chunk_ = key->second;
      docs_ = docs;
      return;
    }
    if (newest_first_) {
      iterator_->Next();
    } else {
      iterator_->Prev();
    }
  }
  if (!iterator_->status().ok()) status_ = rocksdb_error(iterator_->status(), "read the index");
}

Status TermReader::each(
    std::string_view prefix,
    const std::function<Next(std::string_view, std::uint32_t, const EncodedDocs&)>& visit) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.total_order_seek = true;  // across terms
  const std::unique_ptr<rocksdb::Iterator> iterator(db.NewIterator(options, index));
  iterator->Seek(prefix);
  while (iterator->Valid() && iterator->key().starts_with(prefix)) {
    const auto key = parse_key(iterator->key());
    const auto docs = EncodedDocs::from(iterator->value().ToStringView());
    if (!key || !docs) return damaged();
    Next next = Next::kChunk;
    if (!docs->empty()) next = visit(key->first, key->second, *docs);
    if (next == Next::kStop) return {};
    if (next == Next::kTerm) {
      iterator->Seek(std::string(key->first) + '\1');  // behind every chunk of this term
    } else {
      iterator->Next();
    }
  }
  if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read the index");
  return {};
}

Error rocksdb_error(const rocksdb::Status& status, std::string_view what) {
  const Errc code = status.IsNoSpace()      ? Errc::kNoSpace
                    : status.IsCorruption() ? Errc::kCorruptData
                                            : Errc::kIo;
  return {code, "cannot " + std::string(what) + ": " + status.ToString()};
}

}  // namespace strata::entries
