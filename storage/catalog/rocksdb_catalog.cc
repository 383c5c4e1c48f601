#include "storage/catalog/rocksdb_catalog.h"

#include "storage/catalog/records.h"

namespace strata::catalog {

Status RocksdbCatalog::count_records() {
  for (auto [family, counter] :
       {std::pair(Family::kImages, &images_), std::pair(Family::kOutbox, &outbox_)}) {
    Cursor cursor = db_->scan(family, "");
    for (; cursor.valid(); cursor.next()) ++*counter;
    if (auto status = cursor.status(); !status) return status;
  }
  return {};
}

Status RocksdbCatalog::write(const Change& change) {
  if (auto written = db_->write(change.batch); !written) return written;
  images_ += static_cast<std::uint64_t>(change.images);  // modulo 2^64: also for -1
  outbox_ += static_cast<std::uint64_t>(change.outbox);
  return {};
}

Result<std::optional<Image>> RocksdbCatalog::find(std::string_view id) {
  STRATA_TRY(const auto json, db_->get(Family::kImages, id));
  if (!json) return std::optional<Image>();
  STRATA_TRY(Image image, image_from_json(*json));
  return std::optional(std::move(image));
}

Status RocksdbCatalog::put(const Image& image, bool registers) {
  const std::lock_guard lock(mutex_);
  STRATA_TRY(const auto old, find(image.id.text()));
  if (old && (old->blob != image.blob || old->owner != image.owner)) {
    return Error(Errc::kConflict, "an image keeps its content and its owner");
  }
  Change change;
  if (old) {
    for (std::string& key : term_keys(*old)) change.batch.remove(Family::kTerms, std::move(key));
  } else {
    change.images = 1;
  }
  for (std::string& key : term_keys(image)) change.batch.put(Family::kTerms, std::move(key), "");
  change.batch.put(Family::kImages, image.id.text(), to_json(image));
  const DigestSet& stored = image.content.stored;
  change.batch.put(Family::kStored, stored_key(image.owner, stored.sha256, stored.bytes),
                   image.blob.text());
  change.batch.remove(Family::kRemovals, image.blob.text());
  if (registers) {
    if (auto raised = raise(image.content.decoded.sha256, change); !raised) return raised;
  }
  return write(change);
}

Status RocksdbCatalog::remove(const ImageId& id, bool registers, UnixMillis now) {
  const std::lock_guard lock(mutex_);
  STRATA_TRY(const auto image, find(id.text()));
  if (!image) return Error(Errc::kNotFound, "no such image");
  STRATA_TRY(const auto sharers, images_of_blob(image->blob));
  Change change;
  change.images = -1;
  change.batch.remove(Family::kImages, id.text());
  for (std::string& key : term_keys(*image)) change.batch.remove(Family::kTerms, std::move(key));
  if (sharers.size() == 1) {
    const DigestSet& stored = image->content.stored;
    change.batch.put(
        Family::kRemovals, image->blob.text(),
        to_json(RemovalRecord{now, stored_key(image->owner, stored.sha256, stored.bytes)}));
  }
  if (registers) {
    if (auto raised = raise(image->content.decoded.sha256, change); !raised) return raised;
  }
  return write(change);
}

Result<Image> RocksdbCatalog::get(const ImageId& id) {
  STRATA_TRY(auto image, find(id.text()));
  if (!image) return Error(Errc::kNotFound, "no such image");
  return std::move(*image);
}

Result<std::optional<BlobId>> RocksdbCatalog::find_blob(const std::string& owner,
                                                        const Sha256Digest& sha256,
                                                        std::uint64_t bytes) {
  STRATA_TRY(const auto text, db_->get(Family::kStored, stored_key(owner, sha256, bytes)));
  if (!text) return std::optional<BlobId>();
  STRATA_TRY(const BlobId blob, BlobId::parse(*text));
  return std::optional(blob);
}

Result<std::vector<Image>> RocksdbCatalog::images_with(const std::string& term) {
  std::vector<Image> images;
  Cursor cursor = db_->scan(Family::kTerms, term);
  for (; cursor.valid(); cursor.next()) {
    if (!is_term_id(cursor.rest())) continue;
    STRATA_TRY(auto image, find(cursor.rest()));
    if (image) images.push_back(std::move(*image));  // else it went since the scan began
  }
  if (auto status = cursor.status(); !status) return status.error();
  return images;
}

Result<std::vector<Image>> RocksdbCatalog::images_of_blob(const BlobId& blob) {
  return images_with(term_prefix(TermKind::kBlob, blob.text()));
}

Result<std::vector<Image>> RocksdbCatalog::images_of_content(const Sha256Digest& decoded) {
  return images_with(term_prefix(TermKind::kContent, decoded.hex()));
}

Result<std::vector<Catalog::Removal>> RocksdbCatalog::removals() {
  std::vector<Removal> removals;
  Cursor cursor = db_->scan(Family::kRemovals, "");
  for (; cursor.valid(); cursor.next()) {
    STRATA_TRY(const BlobId blob, BlobId::parse(cursor.rest()));
    STRATA_TRY(const RemovalRecord record, removal_from_json(cursor.value()));
    removals.push_back({blob, record.since});
  }
  if (auto status = cursor.status(); !status) return status.error();
  return removals;
}

Status RocksdbCatalog::add_removal(const BlobId& blob, UnixMillis since) {
  const std::lock_guard lock(mutex_);
  STRATA_TRY(const auto known, db_->get(Family::kRemovals, blob.text()));
  if (known) return {};
  STRATA_TRY(const auto images, images_of_blob(blob));
  if (!images.empty()) return Error(Errc::kInUse, "the blob has an image");
  Change change;
  change.batch.put(Family::kRemovals, blob.text(), to_json(RemovalRecord{since, {}}));
  return write(change);
}

Status RocksdbCatalog::removed(const BlobId& blob) {
  const std::lock_guard lock(mutex_);
  STRATA_TRY(const auto json, db_->get(Family::kRemovals, blob.text()));
  if (!json) return {};
  STRATA_TRY(const RemovalRecord record, removal_from_json(*json));
  Change change;
  change.batch.remove(Family::kRemovals, blob.text());
  STRATA_TRY(const auto stored, db_->get(Family::kStored, record.stored));
  // The same content may have been stored again since, as another blob.
  if (stored && *stored == blob.text()) change.batch.remove(Family::kStored, record.stored);
  return write(change);
}

Result<std::unique_ptr<Catalog>> open_rocksdb_catalog(const std::string& directory,
                                                      rocksdb::Env* env) {
  STRATA_TRY(auto database, Database::open(directory, env));
  auto catalog = std::make_unique<RocksdbCatalog>(std::move(database));
  if (auto counted = catalog->count_records(); !counted) return counted.error();
  return std::unique_ptr<Catalog>(std::move(catalog));
}

Result<std::unique_ptr<Catalog>> open_rocksdb_catalog(const std::string& directory) {
  return open_rocksdb_catalog(directory, nullptr);
}

}  // namespace strata::catalog
