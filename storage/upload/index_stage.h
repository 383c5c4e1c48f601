#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "storage/blob/blob_store.h"
#include "storage/codec/seek_indexer.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/codec/decoder.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

namespace strata::upload {

[[nodiscard]] codec::SeekIndexerOptions seek_options(codec::Encoding encoding,
                                                     const Limits& limits);

// Makes the seek index of a view, and its seekable copy where one is needed, beside the digests:
// on the compute pool, its files written on the disk pool. Bounded by the blocks that it is given,
// which it holds until what they led to is written.
class IndexStage {
 public:
  using Begin = std::function<Result<std::unique_ptr<blob::SideWriter>>(blob::Side)>;
  // Runs a task in the order of the others, on a disk thread; drops it when the upload is closed.
  using Post = std::function<void(std::function<void()>)>;
  // Once, on a disk thread: with the first error as soon as it is found, or behind finish(), when
  // the files are durable.
  using Done = std::function<void(const Status&)>;

  IndexStage(const codec::SeekIndexerOptions& options, io::WorkerPool& compute, Post post,
             Begin begin, Done done);
  ~IndexStage();
  IndexStage(const IndexStage&) = delete;
  IndexStage& operator=(const IndexStage&) = delete;

  // As of SeekIndexer; one thread at a time.
  void place(codec::Decoder::Entry entry);
  void update(std::shared_ptr<const io::Block> decoded, std::uint64_t consumed);
  void finish(std::uint64_t stored_bytes, const Sha256Digest& stored_sha256);
  // On a disk thread: lets go of the files that are not committed.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by the stage and its tasks
};

}  // namespace strata::upload
