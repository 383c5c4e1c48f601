#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "strata/base/digest.h"
#include "strata/codec/disk_format.h"
#include "strata/digest/hasher.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

namespace strata::upload {

// Digests of one view (stored or decoded) of an upload, on the compute pool. Where one kernel takes
// all three in one pass, that is one queue: it costs a third less CPU than the split. Elsewhere it
// is two: SHA-512, whose serial chain is the limit of one stream, and SHA-1 with SHA-256. One of
// them also feeds the disk format probe. submit() and finish() are for one thread at a time.
class DigestStage {
 public:
  struct Found {
    DigestSet digests;
    codec::DiskInfo disk;
  };
  explicit DigestStage(io::WorkerPool& compute);
  // `probe`: whether these bytes are the decoded view, whose disk format is wanted.
  void submit(const std::shared_ptr<const io::Block>& block, bool probe);
  // `done` runs on a compute thread after the last block has gone through both queues.
  void finish(std::function<void(const Found&)> done);

 private:
  struct State;
  std::shared_ptr<State> state_;        // shared by the stage and its queued tasks
  std::deque<io::SerialQueue> queues_;  // one for each part of the state
};

}  // namespace strata::upload
