#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>

#include "storage/blob/blob_store.h"
#include "storage/upload/checkpoint.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/digest/engine.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

// The one pass over an upload's bytes. The connection reads its socket straight into blocks; each
// block is shared, without a copy, by the stages that run side by side:
//
//   blocks -+-> writer (disk pool): staging file, O_DIRECT
//           +-> digests and disk format probe (digest engine, on the compute pool)
//           +-> decoder (compute pool, when encoded) -> decoded blocks -+-> digests, probe
//                                                                       +-> seek index, copy
// The index of an identity image, which is its zeros, is made of the blocks themselves.
//
// Back-pressure: at most limits.upload_blocks blocks and limits.decoded_blocks decoded blocks exist
// for one upload; next_block() waits for one, so the socket is not read. A decoder that finds no
// free decoded block gives its thread back and is resumed when one is released: no stage ever
// blocks a compute thread. Nothing is read back from the disk, unless an upload goes on from a
// checkpoint: what its decoder could not follow then, and at the end all of it for the index, which
// is not part of a checkpoint.
namespace strata::upload {

struct IngestPools {
  io::WorkerPool& disk;
  io::WorkerPool& compute;
  digest::Engine& digests;  // on `compute`
  io::BlockPool& blocks;
  codec::ParallelDecoding decoding;  // on `compute`
};

// Awaitable functions may be called from any executor, and resume there.
class Ingest {
 public:
  enum class Mode : unsigned char {
    kOnce,       // a PUT: no checkpoints; an unfinished one leaves nothing behind
    kResumable,  // the writer's bytes stay when this goes
    kKeepOnly,   // as kResumable, without digests and decoder: the bytes are only kept
  };
  // A new upload; `writer` is empty.
  Ingest(const Limits& limits, IngestPools pools, std::unique_ptr<blob::BlobWriter> writer,
         Mode mode, UnixMillis created);
  // Goes on from a checkpoint; `writer` has exactly checkpoint.offset bytes. Blocks (it may read a
  // few bytes): disk thread. A state that cannot be used is logged, and what it stood for is read
  // back and computed again: the caller runs catch_up() before it submits anything.
  [[nodiscard]] static Result<std::unique_ptr<Ingest>> resume(
      const Limits& limits, IngestPools pools, std::unique_ptr<blob::BlobWriter> writer, Mode mode,
      const Checkpoint& checkpoint, UnixMillis created);
  // An unfinished kOnce stops its stages soon and aborts the writer behind the last of them.
  ~Ingest();
  Ingest(const Ingest&) = delete;
  Ingest& operator=(const Ingest&) = delete;

  // An empty block to fill; waits while the bound is reached. The first error of any stage (corrupt
  // data, a limit, the disk) is returned here, at the latest with the next block.
  [[nodiscard]] boost::asio::awaitable<Result<std::shared_ptr<io::Block>>> next_block();
  // How much of the next block should be filled, so that the one behind it begins at a multiple of
  // the block size in the file and can be written with O_DIRECT.
  [[nodiscard]] std::size_t block_room() const;
  // Hands a block to the stages.
  void submit(std::shared_ptr<io::Block> block);
  // The error of a stage, if there is one already: to be looked at between reads of the socket.
  [[nodiscard]] Status status() const;

  // Bytes that are not believed yet (a checksum of this request is still to come): written behind
  // the others, digested and decoded by nobody. Then either accept(), after which catch_up() must
  // run, or reject().
  void submit_unverified(std::shared_ptr<io::Block> block);
  [[nodiscard]] boost::asio::awaitable<Status> reject();  // forgets all of them
  void accept();
  // Reads back and digests what the file has beyond processed(). Nothing is submitted meanwhile.
  // kCancelled as soon as `give_up` says so between two blocks; it may be called again.
  [[nodiscard]] boost::asio::awaitable<Status> catch_up(
      const std::function<bool()>& give_up = nullptr);

  [[nodiscard]] std::uint64_t offset() const;     // behind the last submitted byte
  [[nodiscard]] std::uint64_t processed() const;  // of them, handed to digests and decoder

  // Makes everything submitted so far durable, beside whatever is submitted later. `done` runs on a
  // pool thread, with the checkpoint to put into the journal; only then is the offset durable.
  void checkpoint(std::function<void(Result<Checkpoint>)> done);

  struct Finished {
    std::unique_ptr<blob::BlobWriter> writer;  // all bytes appended, not yet durable
    blob::BlobProperties properties;
  };
  // No more blocks: waits for every stage and answers what the bytes are. Once only.
  [[nodiscard]] boost::asio::awaitable<Result<Finished>> finish();

  // Everybody who waits gets `why`; only close() makes sense afterwards. Any thread.
  void cancel(const Error& why);
  // Stops the stages; when it returns nothing uses the writer any more, and it is closed (kOnce:
  // aborted). Nothing else may be called afterwards.
  [[nodiscard]] boost::asio::awaitable<void> close();

  // Stored bytes that were read back from the file to be digested or decoded again, for figures.
  [[nodiscard]] std::uint64_t read_back() const;

 private:
  struct State;
  explicit Ingest(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared by this object and the tasks of its stages
};

}  // namespace strata::upload
