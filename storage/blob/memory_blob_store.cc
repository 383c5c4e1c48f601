#include "storage/blob/memory_blob_store.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

namespace strata::blob {
namespace {

using Bytes = std::vector<std::byte>;

using SharedBytes = std::shared_ptr<const Bytes>;  // shared with the readers

struct Stored {
  SharedBytes bytes;
  BlobInfo info;
  std::map<Side, SharedBytes> sides{};
};

// What a writer has: shared by it and the store, which finds it again for resume().
struct Unpublished {
  std::mutex mutex;
  Bytes bytes;
};

// The sides of one writer, shared by it and its SideWriters.
struct UnpublishedSides {
  std::mutex mutex;
  bool closed = false;
  std::map<Side, SharedBytes> whole;
  std::map<Side, std::uint64_t> turns;  // of the latest SideWriter: an earlier one's place is taken
};

// Shared by the store and its writers. Its mutex is taken before that of what is unpublished.
struct State {
  std::mutex mutex;
  std::map<BlobId, Stored> blobs;
  std::map<BlobId, std::shared_ptr<Unpublished>> unpublished;
};

Status copy_out(const Bytes& bytes, std::uint64_t offset, std::span<std::byte> out) {
  if (offset > bytes.size() || out.size() > bytes.size() - offset) {
    return Error(Errc::kCorruptData, "the bytes end before those that were asked for");
  }
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  return {};
}

class MemoryReader final : public BlobReader {
 public:
  explicit MemoryReader(SharedBytes bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_->size(); }
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return copy_out(*bytes_, offset, out);
  }
  std::optional<FileSlice> file_slice(std::uint64_t /*offset*/,
                                      std::uint64_t /*length*/) const override {
    return std::nullopt;
  }

 private:
  SharedBytes bytes_;
};

// `commit` gets the bytes of the side.
class MemorySideWriter final : public SideWriter {
 public:
  using Commit = std::function<Status(SharedBytes)>;
  explicit MemorySideWriter(Commit commit) : commit_(std::move(commit)) {}
  Status append(std::span<const std::byte> data) override {
    check(commit_ != nullptr, "append to a side that is complete");
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    size_ = bytes_.size();
    return {};
  }
  std::uint64_t size() const override { return size_; }
  Status commit() override {
    check(commit_ != nullptr, "commit of a side that is complete");
    return std::exchange(commit_, nullptr)(std::make_shared<const Bytes>(std::move(bytes_)));
  }

 private:
  Commit commit_;  // null when complete
  Bytes bytes_;
  std::uint64_t size_ = 0;
};

class MemoryWriter final : public BlobWriter {
 public:
  MemoryWriter(std::shared_ptr<State> state, BlobId id, std::shared_ptr<Unpublished> own)
      : state_(std::move(state)), id_(id), own_(std::move(own)) {}
  ~MemoryWriter() override {
    if (!kept_) end();
    close_sides();
  }

  const BlobId& id() const override { return id_; }
  Status append(std::span<const std::byte> data) override {
    check(!spent_, "append to a spent writer");
    const std::lock_guard lock(own_->mutex);
    own_->bytes.insert(own_->bytes.end(), data.begin(), data.end());
    return {};
  }
  std::uint64_t size() const override {
    const std::lock_guard lock(own_->mutex);
    return own_->bytes.size();
  }
  Status sync() override { return {}; }
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    const std::lock_guard lock(own_->mutex);
    return copy_out(own_->bytes, offset, out);
  }
  Status truncate(std::uint64_t size) override {
    check(!spent_ && size <= this->size(), "truncate() makes nothing longer");
    const std::lock_guard lock(own_->mutex);
    own_->bytes.resize(static_cast<std::size_t>(size));
    return {};
  }
  Result<std::unique_ptr<SideWriter>> begin_side(Side side) override;
  void keep() override { kept_ = true; }
  Status commit(const BlobProperties& properties, const std::string& annotation) override;
  void abort() override { end(); }

 private:
  void end() {
    if (std::exchange(spent_, true)) return;
    close_sides();
    const std::lock_guard lock(state_->mutex);
    state_->unpublished.erase(id_);
  }
  std::map<Side, SharedBytes> close_sides() {
    const std::lock_guard lock(sides_->mutex);
    sides_->closed = true;
    return std::move(sides_->whole);
  }

  std::shared_ptr<State> state_;
  BlobId id_;
  std::shared_ptr<Unpublished> own_;
  std::shared_ptr<UnpublishedSides> sides_ = std::make_shared<UnpublishedSides>();
  bool spent_ = false;
  bool kept_ = false;
};

Result<std::unique_ptr<SideWriter>> MemoryWriter::begin_side(Side side) {
  const std::lock_guard lock(sides_->mutex);
  if (sides_->closed) return Error(Errc::kConflict, "the blob of the side is complete");
  sides_->whole.erase(side);
  const std::uint64_t turn = ++sides_->turns[side];
  const auto commit = [sides = sides_, side, turn](SharedBytes bytes) -> Status {
    const std::lock_guard lock_sides(sides->mutex);
    if (sides->closed) return Error(Errc::kConflict, "the blob of the side is complete");
    if (sides->turns[side] != turn) {
      return Error(Errc::kConflict, "another side has taken its place");
    }
    sides->whole[side] = std::move(bytes);
    return {};
  };
  return std::unique_ptr<SideWriter>(std::make_unique<MemorySideWriter>(commit));
}

Status MemoryWriter::commit(const BlobProperties& properties, const std::string& annotation) {
  check(!std::exchange(spent_, true), "commit of a spent writer");
  auto sides = close_sides();
  const std::lock_guard lock(state_->mutex);
  const std::lock_guard lock_own(own_->mutex);
  const bool good = properties.stored.bytes == own_->bytes.size();
  if (good || !kept_) state_->unpublished.erase(id_);
  if (properties.stored.bytes != own_->bytes.size()) {
    return Error(Errc::kSizeMismatch, "there are " + std::to_string(own_->bytes.size()) +
                                          " bytes, the properties say " +
                                          std::to_string(properties.stored.bytes));
  }
  state_->blobs[id_] = {std::make_shared<const Bytes>(std::move(own_->bytes)),
                        {properties, annotation},
                        std::move(sides)};
  return {};
}

class MemoryBlobStore final : public BlobStore {
 public:
  explicit MemoryBlobStore(Random& random) : random_(random) {}

  Result<std::unique_ptr<BlobWriter>> begin(const WriteHints& /*hints*/) override {
    const BlobId id = BlobId::generate(random_);
    const auto own = std::make_shared<Unpublished>();
    const std::lock_guard lock(state_->mutex);
    state_->unpublished[id] = own;
    return std::unique_ptr<BlobWriter>(std::make_unique<MemoryWriter>(state_, id, own));
  }
  Result<std::unique_ptr<BlobWriter>> resume(const BlobId& id, std::uint64_t size) override {
    const std::lock_guard lock(state_->mutex);
    if (state_->blobs.contains(id)) return Error(Errc::kConflict, "the bytes are published");
    STRATA_TRY(const auto own, find_unpublished(id));
    const std::lock_guard lock_own(own->mutex);
    if (own->bytes.size() < size) return fewer();
    own->bytes.resize(static_cast<std::size_t>(size));
    return std::unique_ptr<BlobWriter>(std::make_unique<MemoryWriter>(state_, id, own));
  }
  Result<std::shared_ptr<const BlobReader>> open_unpublished(const BlobId& id,
                                                             std::uint64_t size) override {
    const std::lock_guard lock(state_->mutex);
    STRATA_TRY(const auto own, find_unpublished(id));
    const std::lock_guard lock_own(own->mutex);
    if (own->bytes.size() < size) return fewer();
    const auto end = own->bytes.begin() + static_cast<std::ptrdiff_t>(size);
    return std::shared_ptr<const BlobReader>(std::make_shared<const MemoryReader>(
        std::make_shared<const Bytes>(own->bytes.begin(), end)));
  }
  Status discard(const BlobId& id) override {
    const std::lock_guard lock(state_->mutex);
    state_->unpublished.erase(id);
    return {};
  }
  Result<std::shared_ptr<const BlobReader>> open(const BlobId& id) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->blobs.find(id);
    if (found == state_->blobs.end()) return not_found();
    return std::shared_ptr<const BlobReader>(
        std::make_shared<const MemoryReader>(found->second.bytes));
  }
  Result<std::shared_ptr<const BlobReader>> open_side(const BlobId& id, Side side) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->blobs.find(id);
    if (found == state_->blobs.end()) return not_found();
    const auto bytes = found->second.sides.find(side);
    if (bytes == found->second.sides.end()) {
      return Error(Errc::kNotFound, "the blob has no such side");
    }
    return std::shared_ptr<const BlobReader>(std::make_shared<const MemoryReader>(bytes->second));
  }
  Result<std::unique_ptr<SideWriter>> begin_side(const BlobId& id, Side side) override {
    const std::lock_guard lock(state_->mutex);
    if (!state_->blobs.contains(id)) return not_found();
    const auto commit = [state = state_, id, side](SharedBytes bytes) -> Status {
      const std::lock_guard lock_state(state->mutex);
      const auto found = state->blobs.find(id);
      if (found == state->blobs.end()) return not_found();
      found->second.sides[side] = std::move(bytes);
      return {};
    };
    return std::unique_ptr<SideWriter>(std::make_unique<MemorySideWriter>(commit));
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
  Result<std::size_t> clean_up(const std::set<BlobId>& kept) override {
    const std::lock_guard lock(state_->mutex);
    return std::erase_if(state_->unpublished,
                         [&](const auto& entry) { return !kept.contains(entry.first); });
  }
  Result<std::uint64_t> free_bytes() override { return std::numeric_limits<std::uint64_t>::max(); }

 private:
  static Error not_found() { return {Errc::kNotFound, "no such blob"}; }
  static Error fewer() { return {Errc::kCorruptData, "there are fewer unpublished bytes"}; }
  Result<std::shared_ptr<Unpublished>> find_unpublished(const BlobId& id) {
    const auto found = state_->unpublished.find(id);
    if (found != state_->unpublished.end()) return found->second;
    return Error(Errc::kNotFound, "there are no such unpublished bytes");
  }

  Random& random_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace

std::unique_ptr<BlobStore> make_memory_blob_store(Random& random) {
  return std::make_unique<MemoryBlobStore>(random);
}

}  // namespace strata::blob
