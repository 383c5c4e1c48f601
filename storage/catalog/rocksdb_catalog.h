#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/catalog/catalog.h"
#include "storage/catalog/database.h"

namespace strata::catalog {

// For tests, which put a failing environment below the database; others see catalog.h.
[[nodiscard]] Result<std::unique_ptr<Catalog>> open_rocksdb_catalog(const std::string& directory,
                                                                    rocksdb::Env* env);

class RocksdbCatalog final : public Catalog {
 public:
  explicit RocksdbCatalog(std::unique_ptr<Database> database) : db_(std::move(database)) {}
  [[nodiscard]] Status count_records();  // once, before use

  Status put(const Image& image, bool registers) override;
  Status remove(const ImageId& id, bool registers, UnixMillis now) override;
  Result<Image> get(const ImageId& id) override;
  Result<ImagePage> list(const ImageFilter& filter, std::size_t limit,
                         const std::optional<std::string>& cursor) override;
  Result<std::uint64_t> count() override { return images_.load(); }
  Result<std::optional<BlobId>> find_blob(const std::string& owner, const Sha256Digest& sha256,
                                          std::uint64_t bytes) override;
  Result<std::vector<Image>> images_of_blob(const BlobId& blob) override;
  Result<std::vector<Image>> images_of_content(const Sha256Digest& decoded) override;
  Result<std::vector<Removal>> removals() override;
  Status add_removal(const BlobId& blob, UnixMillis since) override;
  Status removed(const BlobId& blob) override;
  Result<std::optional<Registration>> registration(const Sha256Digest& content) override;
  Result<std::vector<Registration>> due_registrations(UnixMillis now, std::size_t limit) override;
  Status update_registration(const Registration& registration) override;
  Status retry_registration(const Sha256Digest& content) override;
  Result<std::uint64_t> outbox_depth() override { return outbox_.load(); }

 private:
  // A batch and what it does to the counters.
  struct Change {
    Batch batch;
    int images = 0;
    int outbox = 0;
  };
  [[nodiscard]] Status write(const Change& change);
  [[nodiscard]] Result<std::optional<Image>> find(std::string_view id);
  [[nodiscard]] Result<std::vector<Image>> images_with(const std::string& term);
  [[nodiscard]] Status raise(const Sha256Digest& content, Change& change);
  void store(const std::optional<Registration>& old, const Registration& registration,
             Change& change);

  std::unique_ptr<Database> db_;
  std::mutex mutex_;  // read-modify-write; readers do without
  std::atomic<std::uint64_t> images_ = 0;
  std::atomic<std::uint64_t> outbox_ = 0;
};

}  // namespace strata::catalog
