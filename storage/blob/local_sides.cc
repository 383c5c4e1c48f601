#include "storage/blob/local_sides.h"

#include <utility>
#include <vector>

namespace strata::blob {
namespace {

// So that an index can be appended entry by entry: few calls, and few looks at the free space.
constexpr std::size_t kBufferBytes = 256 << 10;

// The file behind a SideWriter. Where it gets its name from is for the derived class.
class SideFileWriter : public SideWriter {
 public:
  SideFileWriter(const LocalParts& parts, std::unique_ptr<io::File> file)
      : parts_(parts), file_(std::move(file)) {}

  Status append(std::span<const std::byte> data) final {
    check(file_ != nullptr, "append to a side that is complete");
    if (buffer_.size() + data.size() > kBufferBytes) flush();
    if (data.size() >= kBufferBytes) {
      write(data);
    } else {
      buffer_.insert(buffer_.end(), data.begin(), data.end());
    }
    return broken_;
  }
  std::uint64_t size() const final { return written_ + buffer_.size(); }

  // The name says that the bytes are whole, so they are durable first.
  Status commit() final {
    check(file_ != nullptr, "commit of a side that is complete");
    flush();
    if (broken_) broken_ = file_->sync();
    file_.reset();
    if (broken_) broken_ = put_in_place();
    return broken_;
  }

 private:
  [[nodiscard]] virtual Status put_in_place() = 0;

  void flush() {
    write(buffer_);
    buffer_.clear();
  }
  // The first failure is final, as for blobs.
  void write(std::span<const std::byte> data) {
    if (data.empty()) return;
    if (broken_) broken_ = parts_.require_free(data.size());
    if (broken_) broken_ = file_->write_at(written_, data);
    written_ += data.size();
  }

  const LocalParts& parts_;
  std::unique_ptr<io::File> file_;  // null when complete or failed
  std::vector<std::byte> buffer_;
  std::uint64_t written_ = 0;
  Status broken_;
};

class PublishedSideWriter final : public SideFileWriter {
 public:
  PublishedSideWriter(LocalParts& parts, const BlobId& id, Side side, std::string path,
                      std::unique_ptr<io::File> file)
      : SideFileWriter(parts, std::move(file)),
        parts_(parts),
        id_(id),
        side_(side),
        path_(std::move(path)) {}
  ~PublishedSideWriter() override {
    if (!in_place_) (void)parts_.fs.remove(path_);
  }

 private:
  Status put_in_place() override {
    const std::string place = parts_.layout.side(id_, side_);
    if (auto renamed = parts_.fs.rename(path_, place); !renamed) return renamed;
    in_place_ = true;
    // remove() takes the sidecar first and the sides afterwards: one of us sees the other.
    STRATA_TRY(const bool published, parts_.fs.exists(parts_.layout.sidecar(id_)));
    if (!published) {
      (void)parts_.fs.remove(place);
      return Error(Errc::kNotFound, "the blob was removed");
    }
    return parts_.fs.sync_directory(parts_.layout.shard(id_));
  }

  LocalParts& parts_;
  const BlobId id_;
  const Side side_;
  const std::string path_;
  bool in_place_ = false;
};

}  // namespace

class StagedSides::Writer final : public SideFileWriter {
 public:
  Writer(std::shared_ptr<StagedSides> sides, Side side, std::uint64_t turn,
         std::unique_ptr<io::File> file)
      : SideFileWriter(sides->parts_, std::move(file)),
        sides_(std::move(sides)),
        side_(side),
        turn_(turn) {}
  ~Writer() override { sides_->drop(side_, turn_); }

 private:
  Status put_in_place() override { return sides_->finish(side_, turn_); }

  const std::shared_ptr<StagedSides> sides_;
  const Side side_;
  const std::uint64_t turn_;
};

Result<std::unique_ptr<SideWriter>> StagedSides::begin(const std::shared_ptr<StagedSides>& sides,
                                                       Side side) {
  const std::lock_guard lock(sides->mutex_);
  if (sides->closed_) return Error(Errc::kConflict, "the blob of the side is complete");
  sides->remove_locked(side);
  Slot& slot = sides->slot(side);
  ++slot.turn;
  STRATA_TRY(auto file, io::create_anew(sides->parts_.fs,
                                        sides->parts_.layout.unfinished_side(sides->id_, side)));
  slot.state = State::kUnfinished;
  return std::unique_ptr<SideWriter>(
      std::make_unique<Writer>(sides, side, slot.turn, std::move(file)));
}

Status StagedSides::finish(Side side, std::uint64_t turn) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Error(Errc::kConflict, "the blob of the side is complete");
  if (slot(side).turn != turn) return Error(Errc::kConflict, "another side has taken its place");
  const LocalLayout& layout = parts_.layout;
  auto renamed = parts_.fs.rename(layout.unfinished_side(id_, side), layout.staged_side(id_, side));
  if (renamed) slot(side).state = State::kWhole;
  return renamed;
}

void StagedSides::drop(Side side, std::uint64_t turn) {
  const std::lock_guard lock(mutex_);
  if (slot(side).turn == turn && slot(side).state == State::kUnfinished) remove_locked(side);
}

void StagedSides::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const Side side : kSides) {
    if (slot(side).state == State::kUnfinished) remove_locked(side);
  }
}

// A rename, where bytes and sidecar are linked: it takes the place of what a failed commit may have
// left there, and nobody needs the name in staging again.
Status StagedSides::move_to_shard() {
  const std::lock_guard lock(mutex_);
  check(closed_, "only sides that are closed get into the shard");
  const LocalLayout& layout = parts_.layout;
  for (const Side side : kSides) {
    if (slot(side).state != State::kWhole) continue;
    auto renamed = parts_.fs.rename(layout.staged_side(id_, side), layout.side(id_, side));
    if (!renamed) return renamed;
    slot(side).state = State::kInShard;
  }
  return {};
}

void StagedSides::remove_from_shard() {
  const std::lock_guard lock(mutex_);
  for (const Side side : kSides) {
    if (slot(side).state != State::kInShard) continue;
    (void)parts_.fs.remove(parts_.layout.side(id_, side));
    slot(side).state = State::kNone;
  }
}

void StagedSides::remove() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const Side side : kSides) remove_locked(side);
}

void StagedSides::remove_locked(Side side) {
  const State state = slot(side).state;
  if (state == State::kUnfinished) (void)parts_.fs.remove(parts_.layout.unfinished_side(id_, side));
  if (state == State::kWhole) (void)parts_.fs.remove(parts_.layout.staged_side(id_, side));
  if (state != State::kInShard) slot(side).state = State::kNone;
}

Result<std::unique_ptr<SideWriter>> begin_published_side(LocalParts& parts, const BlobId& id,
                                                         Side side, std::uint64_t number) {
  std::string path = parts.layout.unfinished_side(id, side, number);
  STRATA_TRY(auto file, io::create_anew(parts.fs, path));
  return std::unique_ptr<SideWriter>(
      std::make_unique<PublishedSideWriter>(parts, id, side, std::move(path), std::move(file)));
}

}  // namespace strata::blob
