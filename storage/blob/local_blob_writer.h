#pragma once

#include <memory>
#include <string>

#include "storage/blob/blob_store.h"
#include "storage/blob/local_layout.h"
#include "strata/io/file_system.h"

namespace strata::blob {

// A blob in the staging directory on its way to its shard. See local_blob_store.h.
class LocalBlobWriter final : public BlobWriter {
 public:
  // `file`: layout.staged_bytes(id), new and empty, with `reserved` bytes reserved for it.
  // `parts` belongs to the store and outlives the writer.
  LocalBlobWriter(LocalParts& parts, const BlobId& id, std::unique_ptr<io::File> file,
                  std::uint64_t reserved);
  ~LocalBlobWriter() override;

  [[nodiscard]] const BlobId& id() const override { return id_; }
  [[nodiscard]] Status append(std::span<const std::byte> data) override;
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Status sync() override;
  [[nodiscard]] Status commit(const BlobProperties& properties,
                              const std::string& annotation) override;
  void abort() override;

 private:
  [[nodiscard]] Status write(std::span<const std::byte> data);
  [[nodiscard]] Status publish(const BlobInfo& info);
  [[nodiscard]] Status link_durably(const std::string& from, const std::string& to);
  void remove_staged();
  void take_back();

  LocalParts& parts_;
  io::FileSystem& fs_;
  const LocalLayout& layout_;
  BlobId id_;
  std::unique_ptr<io::File> file_;  // null when spent
  std::uint64_t reserved_;
  std::uint64_t size_ = 0;
  bool direct_;
  Status broken_;  // the first failed append or sync: nothing may follow it
};

}  // namespace strata::blob
