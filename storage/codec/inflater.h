#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "storage/codec/deflate_state.h"

namespace strata::codec {

// Raw deflate (RFC 1951) of one stream, and the CRC-32 that goes with it: the part of gzip that is
// worth two implementations. Framing, trailers and limits are GzipDecoder's. One thread at a time.
class Inflater {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    bool corrupt = false;
    bool done = false;   // the final block has ended and all of its output was given
    bool pause = false;  // a place where save() answers, as seldom happens: worth a return
  };
  // Bytes that were consumed but lie behind the end of the deflate stream. Never more than the
  // 8 bytes of a gzip trailer, because an engine's bit buffer holds 64 bits.
  struct Leftover {
    std::array<std::byte, 8> bytes{};
    std::size_t count = 0;
  };

  virtual ~Inflater() = default;
  [[nodiscard]] virtual Step inflate(std::span<const std::byte> in, std::span<std::byte> out) = 0;
  // Once, after done.
  [[nodiscard]] virtual Leftover take_leftover() = 0;
  // Ready for another stream.
  virtual void reset() = 0;
  // Where the stream is, between two calls; never after done. nullopt where the engine cannot tell:
  // zlib says it between two blocks only, and pauses there once in 64 KiB; ISA-L says it anywhere.
  [[nodiscard]] virtual std::optional<DeflateState> save() const = 0;
  // Goes to where another engine, or this one, was, but for what has to be done by the caller: to
  // give out `pending`, then to feed unread.behind_lead() before other input. false when the engine
  // does not accept the block; it must be reset then. Not for At::kEnded.
  [[nodiscard]] virtual bool restore(const DeflateState& state) = 0;
  // Continues the CRC-32 of RFC 1952; starts from 0.
  [[nodiscard]] virtual std::uint32_t crc32(std::uint32_t crc,
                                            std::span<const std::byte> data) const = 0;
};

[[nodiscard]] std::unique_ptr<Inflater> make_zlib_inflater();
#if STRATA_WITH_ISAL
[[nodiscard]] std::unique_ptr<Inflater> make_isal_inflater();
#endif

}  // namespace strata::codec
