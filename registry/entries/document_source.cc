#include "registry/entries/document_source.h"

#include <algorithm>

#include "registry/entries/bytes.h"
#include "registry/entries/database.h"
#include "registry/entries/families.h"
#include "registry/entries/record.h"
#include "registry/entries/term_index.h"

namespace strata::entries {
namespace {

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;

// Format 1 keeps documents by the entry's key, format 2 by the sequence number.
class OpenedSource final : public DocumentSource {
 public:
  OpenedSource(OpenedFamilies opened, bool by_key) : opened_(std::move(opened)), by_key_(by_key) {
    const std::string order(by_key_ ? kChangesOfFormat1 : family_name(Family::kDocuments));
    for (ColumnFamilyHandle* handle : opened_.handles()) {
      if (handle->GetName() == family_name(Family::kDocuments)) documents_ = handle;
      if (handle->GetName() == family_name(Family::kRecords) && !by_key_) records_ = handle;
      if (handle->GetName() == order) iterator_.reset(opened_.db().NewIterator({}, handle));
    }
  }
  Status prepare() {
    STRATA_TRY(const auto version, number_under(kFormatKey));
    if (Status known = check_format(version); !known) return known;
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
        const auto status = opened_.db().Get({}, documents_, entry, &document.bytes);
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
    const auto status = opened_.db().Get({}, Slice(key.data(), key.size()), &value);
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
        !opened_.db().Get({}, records_, sequence_key(sequence), &record).ok()) {
      return std::nullopt;
    }
    const auto entry = decode_record(sequence, record);
    return entry ? std::optional(entry->signature.profile) : std::nullopt;
  }

  OpenedFamilies opened_;  // outlives the iterator
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
  STRATA_TRY(OpenedFamilies opened, OpenedFamilies::open(folder, present, present, limits));
  auto source = std::make_unique<OpenedSource>(std::move(opened), is_format_1(present));
  if (Status status = source->prepare(); !status) return status.error();
  return std::unique_ptr<DocumentSource>(std::move(source));
}

}  // namespace strata::entries
