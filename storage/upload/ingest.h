#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "storage/blob/blob_store.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

// The one pass over an upload's bytes. The connection reads its socket straight into blocks; each
// block is shared, without a copy, by the stages that run side by side:
//
//   blocks -+-> writer (disk pool): staging file, O_DIRECT
//           +-> digests (compute pool); for identity also the disk format probe
//           +-> decoder (compute pool, when encoded) -> decoded blocks -> digests, probe
//
// Back-pressure: at most limits.upload_blocks blocks and limits.decoded_blocks decoded blocks exist
// for one upload; next_block() waits for one, so the socket is not read. A decoder that finds no
// free decoded block gives its thread back and is resumed when one is released: no stage ever
// blocks a compute thread. Nothing is read back from the disk.
namespace strata::upload {

struct IngestPools {
  io::WorkerPool& disk;
  io::WorkerPool& compute;
  io::BlockPool& blocks;
};

class Ingest {
 public:
  // `executor` is the connection's: the coroutine functions below run there. `writer` is owned.
  Ingest(const Limits& limits, IngestPools pools, std::unique_ptr<blob::BlobWriter> writer,
         boost::asio::any_io_executor executor, UnixMillis created);
  // An unfinished ingest stops its stages soon and aborts the writer behind the last of them.
  ~Ingest();
  Ingest(const Ingest&) = delete;
  Ingest& operator=(const Ingest&) = delete;

  // An empty block to fill; waits while the bound is reached. The first error of any stage (corrupt
  // data, a limit, the disk) is returned here, at the latest with the next block.
  [[nodiscard]] boost::asio::awaitable<Result<std::shared_ptr<io::Block>>> next_block();
  // Hands a block to the stages. All but the last must be full (io::kBlockBytes).
  void submit(std::shared_ptr<io::Block> block);
  // The error of a stage, if there is one already: to be looked at between reads of the socket.
  [[nodiscard]] Status status() const;

  struct Finished {
    std::unique_ptr<blob::BlobWriter> writer;  // all bytes appended, not yet durable
    blob::BlobProperties properties;
  };
  // No more blocks: waits for every stage and answers what the bytes are. Once only.
  [[nodiscard]] boost::asio::awaitable<Result<Finished>> finish();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by this object and the tasks of its stages
};

}  // namespace strata::upload
