#include "storage/blob/memory_blob_store.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

namespace strata::blob {
namespace {

using Bytes = std::vector<std::byte>;

struct Stored {
  std::shared_ptr<const Bytes> bytes;  // shared with the readers
  BlobInfo info;
};

// Shared by the store and its writers.
struct State {
  std::mutex mutex;
  std::map<BlobId, Stored> blobs;
};

class MemoryReader final : public BlobReader {
 public:
  explicit MemoryReader(std::shared_ptr<const Bytes> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_->size(); }
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_->size() || out.size() > bytes_->size() - offset) {
      return Error(Errc::kCorruptData, "the blob ends before the bytes that were asked for");
    }
    std::copy_n(bytes_->begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  std::optional<FileSlice> file_slice(std::uint64_t /*offset*/,
                                      std::uint64_t /*length*/) const override {
    return std::nullopt;
  }

 private:
  std::shared_ptr<const Bytes> bytes_;
};

class MemoryWriter final : public BlobWriter {
 public:
  MemoryWriter(std::shared_ptr<State> state, BlobId id) : state_(std::move(state)), id_(id) {}

  const BlobId& id() const override { return id_; }
  Status append(std::span<const std::byte> data) override {
    check(!spent_, "append to a spent writer");
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    return {};
  }
  std::uint64_t size() const override { return bytes_.size(); }
  Status sync() override { return {}; }
  Status commit(const BlobProperties& properties, const std::string& annotation) override {
    check(!spent_, "commit of a spent writer");
    spent_ = true;
    if (properties.stored.bytes != bytes_.size()) {
      return Error(Errc::kSizeMismatch, "there are " + std::to_string(bytes_.size()) +
                                            " bytes, the properties say " +
                                            std::to_string(properties.stored.bytes));
    }
    const std::lock_guard lock(state_->mutex);
    state_->blobs[id_] = {std::make_shared<const Bytes>(std::move(bytes_)),
                          {properties, annotation}};
    return {};
  }
  void abort() override { spent_ = true; }

 private:
  std::shared_ptr<State> state_;
  BlobId id_;
  Bytes bytes_;
  bool spent_ = false;
};

class MemoryBlobStore final : public BlobStore {
 public:
  explicit MemoryBlobStore(Random& random) : random_(random) {}

  Result<std::unique_ptr<BlobWriter>> begin(const WriteHints& /*hints*/) override {
    return std::unique_ptr<BlobWriter>(
        std::make_unique<MemoryWriter>(state_, BlobId::generate(random_)));
  }
  Result<std::shared_ptr<const BlobReader>> open(const BlobId& id) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->blobs.find(id);
    if (found == state_->blobs.end()) return not_found();
    return std::shared_ptr<const BlobReader>(
        std::make_shared<const MemoryReader>(found->second.bytes));
  }
  Result<BlobInfo> info(const BlobId& id) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->blobs.find(id);
    if (found == state_->blobs.end()) return not_found();
    return found->second.info;
  }
  Status annotate(const BlobId& id, const std::string& annotation) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->blobs.find(id);
    if (found == state_->blobs.end()) return not_found();
    found->second.info.annotation = annotation;
    return {};
  }
  Status remove(const BlobId& id) override {
    const std::lock_guard lock(state_->mutex);
    return state_->blobs.erase(id) == 1 ? Status() : Status(not_found());
  }
  Result<std::vector<BlobId>> list() override {
    const std::lock_guard lock(state_->mutex);
    std::vector<BlobId> ids;
    for (const auto& [id, stored] : state_->blobs) ids.push_back(id);
    return ids;
  }
  Result<std::size_t> clean_up() override { return std::size_t{0}; }
  Result<std::uint64_t> free_bytes() override { return std::numeric_limits<std::uint64_t>::max(); }

 private:
  static Error not_found() { return {Errc::kNotFound, "no such blob"}; }

  Random& random_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace

std::unique_ptr<BlobStore> make_memory_blob_store(Random& random) {
  return std::make_unique<MemoryBlobStore>(random);
}

}  // namespace strata::blob
