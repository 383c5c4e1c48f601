#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "storage/blob/blob_store.h"
#include "storage/blob/local_layout.h"
#include "strata/io/file_system.h"

namespace strata::blob {

// The sides of one writer's blob while they are in staging. Shared by the writer and its
// SideWriters, which may outlive it: once it is closed, they have no effect any more. Thread-safe.
class StagedSides {
 public:
  // `parts` outlives it.
  StagedSides(LocalParts& parts, const BlobId& id) : parts_(parts), id_(id) {}

  [[nodiscard]] static Result<std::unique_ptr<SideWriter>> begin(
      const std::shared_ptr<StagedSides>& sides, Side side);

  // Nothing is begun or finished any more; what is not whole goes.
  void close();
  // Those that are whole get their names in the shard; durable with the next fsync of its
  // directory. Closed ones only.
  [[nodiscard]] Status move_to_shard();
  // Takes that back, as far as the disk lets us.
  void remove_from_shard();
  // Closes, and removes all that is in staging; best effort, clean_up() does the rest.
  void remove();

 private:
  class Writer;
  enum class State : std::uint8_t { kNone, kUnfinished, kWhole, kInShard };
  struct Slot {
    State state = State::kNone;
    std::uint64_t turn = 0;  // of the latest writer: an earlier one's place is taken
  };

  [[nodiscard]] Slot& slot(Side side) { return slots_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] Status finish(Side side, std::uint64_t turn);
  void drop(Side side, std::uint64_t turn);
  void remove_locked(Side side);

  LocalParts& parts_;
  const BlobId id_;
  std::mutex mutex_;
  bool closed_ = false;
  std::array<Slot, kSides.size()> slots_;
};

// A side of a published blob, on its way in place of the one there. `number`: unique in this
// process.
[[nodiscard]] Result<std::unique_ptr<SideWriter>> begin_published_side(LocalParts& parts,
                                                                       const BlobId& id, Side side,
                                                                       std::uint64_t number);

}  // namespace strata::blob
