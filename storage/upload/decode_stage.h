#pragma once

#include <functional>
#include <memory>

#include "storage/upload/digest_stage.h"
#include "strata/base/limits.h"
#include "strata/codec/decoder.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

namespace strata::upload {

// Decodes the stored blocks of one upload on the compute pool and digests what comes out. Never
// blocks its thread: without a free decoded block it stops, and the release of one resumes it.
class DecodeStage {
 public:
  using Done = std::function<void(const Result<DigestStage::Found>&)>;
  // `done` runs once, on a compute thread: with the first error as soon as it is found, or with
  // what was found after finish() and the last byte.
  DecodeStage(codec::Encoding encoding, const Limits& limits, io::WorkerPool& compute,
              io::BlockPool& blocks, Done done);
  ~DecodeStage();
  // One thread at a time. After an error, blocks are dropped unread.
  void submit(std::shared_ptr<const io::Block> block);
  void finish();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by the stage, its tasks and the blocks it has out
};

}  // namespace strata::upload
