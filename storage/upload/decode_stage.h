#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "storage/upload/digest_stage.h"
#include "storage/upload/index_stage.h"
#include "strata/base/limits.h"
#include "strata/codec/decoder.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

namespace strata::upload {

// Decodes the stored bytes of one upload on the compute pool, digests what comes out and, unless an
// earlier process has decoded a part of it, has it indexed. Never blocks its thread: without a free
// decoded block it stops, and the release of one resumes it.
//
// Input comes from memory as long as the decoder keeps up, that is when the block that is submitted
// begins where the input it has so far ends. Other blocks are dropped: the decoder follows the
// staging file instead, one block at a time, up to what was released. So an upload that was resumed
// inside an xz block is decoded again from that block's beginning while new bytes are accepted, in
// bounded memory.
class DecodeStage {
 public:
  // Everything to go on from a place where the decoder can be saved.
  struct Saved {
    std::uint64_t consumed = 0;  // stored bytes
    std::string decoder;         // decoder state (FORMAT.md)
    DigestStage::Saved digests;  // of the decoded bytes
    bool operator==(const Saved&) const = default;
  };
  // Reads `size` stored bytes at `offset` into the empty block, on another thread, and then calls
  // back. Only for released bytes.
  using Read = std::function<void(std::uint64_t offset, std::shared_ptr<io::Block> block,
                                  std::size_t size, std::function<void(const Status&)>)>;
  using Done = std::function<void(const Result<DigestStage::Found>&)>;
  struct Pools {
    io::WorkerPool& compute;
    digest::Engine& digests;
    io::BlockPool& blocks;
    codec::ParallelDecoding decoding;  // on `compute`
  };

  // `done` runs once, on a compute thread: with the first error as soon as it is found, or with
  // what was found after finish() and the last byte. `index` has been given everything then; its
  // own finish() is the caller's.
  DecodeStage(codec::Encoding encoding, DigestStage::Kind kind, const Limits& limits, Pools pools,
              Read read, std::shared_ptr<IndexStage> index, Done done);
  // For the index alone: nothing is digested, and `done` is given nothing. kIdentity too.
  [[nodiscard]] static std::unique_ptr<DecodeStage> for_index(codec::Encoding encoding,
                                                              const Limits& limits, Pools pools,
                                                              Read read,
                                                              std::shared_ptr<IndexStage> index,
                                                              Done done);
  // kCorruptData: the state is damaged; decode from the beginning instead.
  [[nodiscard]] static Result<std::unique_ptr<DecodeStage>> restore(const Saved& saved,
                                                                    const Limits& limits,
                                                                    Pools pools, Read read,
                                                                    Done done);
  ~DecodeStage();
  DecodeStage(const DecodeStage&) = delete;
  DecodeStage& operator=(const DecodeStage&) = delete;

  // submit(), finish(): one thread at a time. After an error, blocks are dropped unread.
  void submit(std::uint64_t offset, std::shared_ptr<const io::Block> block);
  // The first `size` stored bytes can be read back. Never falls; any thread.
  void release(std::uint64_t size);
  // The stream ends at `size`, which will be released.
  void finish(std::uint64_t size);

  // Asks for a state as soon as one can be taken; any thread. The newest two are kept.
  void want_state();
  // The newest state that was taken at or before `offset`; nullopt when there is none.
  [[nodiscard]] std::optional<Saved> state_at(std::uint64_t offset) const;
  // How many stored bytes were decoded again because they were read back from the file.
  [[nodiscard]] std::uint64_t read_back() const;

 private:
  struct State;
  explicit DecodeStage(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared by the stage, its tasks and the blocks it has out
};

}  // namespace strata::upload
