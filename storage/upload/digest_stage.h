#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/digest.h"
#include "strata/codec/disk_format.h"
#include "strata/digest/engine.h"
#include "strata/digest/hasher.h"
#include "strata/io/block.h"

namespace strata::upload {

// Digests and disk format of one view (stored or decoded) of an upload, by the digest engine, which
// takes the blocks of several uploads together. Where one kernel takes all three digests in one
// pass, that is one stream. Elsewhere it is two: SHA-512, whose serial chain is the limit, and
// SHA-1 with SHA-256. The last of them also feeds the disk format probe. All calls are for one
// thread at a time.
class DigestStage {
 public:
  struct Found {
    DigestSet digests;
    codec::DiskInfo disk;
  };
  // What save() gives, to go on later.
  struct Saved {
    std::uint64_t bytes = 0;           // of the view so far
    std::vector<std::string> digests;  // one or two digest states (FORMAT.md)
    std::string probe;                 // disk probe state
    bool operator==(const Saved&) const = default;
  };
  enum class Kind : unsigned char { kOnce, kResumable };

  // `kOnce`: save() is not possible, but other hashers may be faster on some machines.
  DigestStage(digest::Engine& engine, Kind kind);
  // kCorruptData when the states are damaged or contradict each other.
  [[nodiscard]] static Result<DigestStage> restore(digest::Engine& engine, const Saved& saved);
  DigestStage(DigestStage&&) noexcept;
  DigestStage& operator=(DigestStage&&) noexcept;
  ~DigestStage();

  void submit(const std::shared_ptr<const io::Block>& block);
  // `done` runs on a compute thread with the state behind the last submitted block.
  void save(std::function<void(Saved)> done);
  // `done` runs on a compute thread after the last block has gone through all queues.
  void finish(std::function<void(const Found&)> done);

 private:
  struct State;
  DigestStage(digest::Engine& engine, std::shared_ptr<State> state);
  std::shared_ptr<State> state_;               // shared by the stage and its queued tasks
  std::vector<digest::Engine::Queue> queues_;  // one for each part of the state
};

}  // namespace strata::upload
