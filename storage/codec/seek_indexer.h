#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "storage/codec/seek_index.h"
#include "strata/base/result.h"
#include "strata/codec/encoding.h"

// Makes the seek index, and what there must be of a seekable copy, from what goes past in an
// upload: decoded bytes, and places where the decoder can be entered. Blocks begin at places; the
// bytes behind a place that is not followed by another soon enough go into the copy, as zstd
// frames, up to the next place. Pure: no threads, no files. One thread at a time. At most
// kSeekBlockBytesMax of decoded bytes are held.
//
// Which places become blocks depends on the stream only, never on timing.
namespace strata::codec {

enum class CopyPolicy : unsigned char { kWhenNeeded, kNever };

struct SeekIndexerOptions {
  Encoding encoding = Encoding::kIdentity;
  CopyPolicy copy = CopyPolicy::kWhenNeeded;
  std::uint64_t copy_bytes_max = UINT64_MAX;  // a copy that gets larger is given up
};

// Where the files grow. What is appended is in order.
class SeekSink {
 public:
  virtual ~SeekSink() = default;
  virtual void append_index(std::string bytes) = 0;
  virtual void append_copy(std::string bytes) = 0;
  // The copy is given up: nothing of it is needed any more.
  virtual void drop_copy() = 0;
};

class SeekIndexer {
 public:
  SeekIndexer(const SeekIndexerOptions& options, SeekSink& sink);
  ~SeekIndexer();
  SeekIndexer(const SeekIndexer&) = delete;
  SeekIndexer& operator=(const SeekIndexer&) = delete;

  // A decoder state (Decoder::entry()) at `consumed`, `produced`; not before the last one, and not
  // before what update() has seen: those of a piece come before the piece; one that
  // breaks this is ignored. It is kept if it is worth a block.
  void place(std::string state, std::uint64_t consumed, std::uint64_t produced);
  // The next decoded bytes. `consumed`: stored bytes that the decoder had taken behind them.
  void update(std::span<const std::byte> decoded, std::uint64_t consumed);
  // A copy cannot be kept. Where one is needed, ranges are not possible.
  void give_up_copy();
  // The view has ended. Appends the tables to the index file and, behind its frames, the seek table
  // to the copy. The index is what read_seek_index makes of the file.
  [[nodiscard]] SeekIndex finish(std::uint64_t stored_bytes, const Sha256Digest& stored_sha256);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::codec
