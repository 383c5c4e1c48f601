#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/codec/encoding.h"
#include "strata/codec/parallel_decoding.h"

// Streaming decoders: gzip (RFC 1952, any number of members, zero padding behind them), xz (any
// number of streams, with stream padding) and zstd (RFC 8878, any number of frames, skippable ones
// between). Every checksum the format carries is verified. Anything else behind the last part is
// an error, for gzip too: an image must end where every reader says that it ends.
namespace strata::codec {

struct DecoderLimits {
  std::uint64_t output_bytes_max;
  std::uint64_t zstd_window_bytes_max;  // rounded down to a power of two
  std::uint64_t xz_memory_bytes_max;
  std::uint64_t parts_max;  // gzip members; xz blocks, and xz streams; zstd frames
  [[nodiscard]] static DecoderLimits from(const Limits& limits);
};

// One stream, one thread at a time.
//
// Errors: kCorruptGzip/Xz/Zstd with what was wrong and at which decoded offset; kDecompressionLimit
// when a limit is passed, before more than the limit was produced or allocated. After an error the
// decoder must not be used.
class Decoder {
 public:
  struct Step {
    std::size_t consumed;
    std::size_t produced;
  };
  virtual ~Decoder() = default;
  // Takes from `in`, puts into `out`. Progress is made whenever both are non-empty, or `in` is
  // empty and output is pending (then consumed is 0; produced 0 means that more input is needed).
  // A step that took all of `in` and left room in `out` holds nothing back. Both are otherwise
  // while the decoder is waiting().
  [[nodiscard]] virtual Result<Step> step(std::span<const std::byte> in,
                                          std::span<std::byte> out) = 0;
  // Parts of the stream are being decoded on other threads, or are decoded and not given yet:
  // output or an error will come, without input too. A step that does nothing means then that it
  // should be called again after `wake`, or with more input. Only of decoders made with
  // ParallelDecoding.
  [[nodiscard]] virtual bool waiting() const { return false; }
  // Before the first step. `wake` is called on any thread; perhaps once when the decoder has gone.
  virtual void set_wake(std::function<void()> /*wake*/) {}
  // How many of the stored bytes that step() has taken lie behind the place of what it has given:
  // save() and entry() are of the place that is so much before them.
  [[nodiscard]] virtual std::uint64_t ahead() const { return 0; }
  // The input has ended and step() has nothing pending, nor is it waiting(): an error when that is
  // in mid-stream.
  [[nodiscard]] virtual Status finish() = 0;
  // The state between two steps, to be continued by restore_decoder in another process, by another
  // engine or version of the library. nullopt inside an xz block or a zstd frame, whose libraries
  // keep their state to themselves; step() returns early at the end of each, also with input left,
  // so that a caller who asks after every step misses no such place. gzip can be saved anywhere
  // (on zlib, where ISA-L is missing: between deflate blocks, where step() then returns early too).
  // The bytes are in storage/FORMAT.md, "Decoder state". Costs no more than 100 microseconds and is
  // at most kSavedDecoderBytesMax long; the stream goes on.
  [[nodiscard]] virtual std::optional<std::string> save() const = 0;
  // A place where the stream can be entered, for a seek index: a state as of save(), but behind
  // everything that is decoded already. What step() has not given out yet is not in it, which makes
  // it smaller; so `produced` may be up to 64 KiB ahead of what was given.
  struct Entry {
    std::string state;
    std::uint64_t consumed;
    std::uint64_t produced;
  };
  [[nodiscard]] virtual std::optional<Entry> entry() const = 0;
};

inline constexpr std::size_t kSavedDecoderBytesMax = 192 * 1024;

// `encoding` must not be kIdentity. With `parallel` xz whose blocks
// say their sizes is decoded on several threads: the same bytes, places, states and verdicts.
[[nodiscard]] std::unique_ptr<Decoder> make_decoder(Encoding encoding, const DecoderLimits& limits,
                                                    const ParallelDecoding* parallel = nullptr);
// Continues behind the last byte consumed before save(). What was counted (output, parts) goes on
// counting towards `limits`. kCorruptData says what is wrong with a state that is damaged, cut or
// of another version; hostile bytes are refused, never believed. The caller compares the encoding
// and the offsets with what it expects: a good state of another stream cannot be told from the
// right one. kDecompressionLimit for one that is over `limits` already. The decoder may have output
// before it is given input.
struct RestoredDecoder {
  Encoding encoding;
  std::uint64_t consumed;  // stored bytes before the place where it continues
  std::uint64_t produced;  // decoded bytes before it
  std::unique_ptr<Decoder> decoder;
};
[[nodiscard]] Result<RestoredDecoder> restore_decoder(std::span<const std::byte> saved,
                                                      const DecoderLimits& limits,
                                                      const ParallelDecoding* parallel = nullptr);

}  // namespace strata::codec
