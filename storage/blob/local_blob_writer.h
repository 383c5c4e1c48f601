#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "storage/blob/blob_store.h"
#include "storage/blob/local_layout.h"
#include "storage/blob/local_sides.h"
#include "strata/io/file_system.h"

namespace strata::blob {

// A blob in the staging directory on its way to its shard. See local_blob_store.h.
class LocalBlobWriter final : public BlobWriter {
 public:
  // Where the file stands: it has `size` bytes, and disk space for `reserved`.
  struct Extent {
    std::uint64_t size;
    std::uint64_t reserved;
  };
  // `file`: layout.staged_bytes(id), for reading and writing. `parts` belongs to the store and
  // outlives the writer.
  LocalBlobWriter(LocalParts& parts, const BlobId& id, std::unique_ptr<io::File> file,
                  const Extent& extent);
  ~LocalBlobWriter() override;

  [[nodiscard]] const BlobId& id() const override { return id_; }
  [[nodiscard]] Status append(std::span<const std::byte> data) override;
  [[nodiscard]] std::uint64_t size() const override;
  [[nodiscard]] Status sync() override;
  [[nodiscard]] Status read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  [[nodiscard]] Status truncate(std::uint64_t size) override;
  [[nodiscard]] Result<std::unique_ptr<SideWriter>> begin_side(Side side) override {
    return StagedSides::begin(sides_, side);
  }
  void keep() override { kept_ = true; }
  [[nodiscard]] Status commit(const BlobProperties& properties,
                              const std::string& annotation) override;
  void abort() override;

 private:
  [[nodiscard]] Status usable() const;
  Status settle(Status outcome);
  [[nodiscard]] Status append_stretches(std::span<const std::byte> data);
  [[nodiscard]] Status require_space(std::size_t bytes) const;
  [[nodiscard]] Status write_pages(std::span<const std::byte> data);
  [[nodiscard]] Status leave_hole(std::span<const std::byte> zeros);
  [[nodiscard]] Status punch_hole();
  [[nodiscard]] Status write(std::span<const std::byte> data);
  [[nodiscard]] Status write_direct(std::span<const std::byte> data);
  [[nodiscard]] Status write_buffered(std::span<const std::byte> data);
  void use_direct(bool on);
  void grow(std::size_t bytes);
  [[nodiscard]] Result<const io::File*> file_to_read() const;
  [[nodiscard]] Status publish(const BlobInfo& info);
  [[nodiscard]] Status link_durably(const std::string& from, const std::string& to);
  void remove_staged();
  void take_back();

  LocalParts& parts_;
  io::FileSystem& fs_;
  const LocalLayout& layout_;
  BlobId id_;
  std::unique_ptr<io::File> file_;            // null when spent
  const std::shared_ptr<StagedSides> sides_;  // with its SideWriters
  std::uint64_t reserved_;
  std::uint64_t unpunched_ = 0;  // zeros at the end, of which some take reserved space
  bool direct_works_;            // on this file system
  bool direct_;                  // now
  bool kept_ = false;
  bool named_ = false;  // its name in staging is durable; only sync() looks

  mutable std::mutex mutex_;  // append(), sync() and read_at() may each have a thread
  std::uint64_t size_;        // changed by the appending thread only
  Status broken_;             // the first failed append or sync: nothing may follow it
  mutable std::unique_ptr<io::File> read_file_;  // opened by the first read_at()
};

}  // namespace strata::blob
