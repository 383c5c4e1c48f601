#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace strata::codec {

// Raw deflate (RFC 1951) of one stream, and the CRC-32 that goes with it: the part of gzip that is
// worth two implementations. Framing, trailers and limits are GzipDecoder's. One thread at a time.
class Inflater {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    bool corrupt = false;
    bool done = false;  // the final block has ended and all of its output was given
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
  // Continues the CRC-32 of RFC 1952; starts from 0.
  [[nodiscard]] virtual std::uint32_t crc32(std::uint32_t crc,
                                            std::span<const std::byte> data) const = 0;
};

[[nodiscard]] std::unique_ptr<Inflater> make_zlib_inflater();
#if STRATA_WITH_ISAL
[[nodiscard]] std::unique_ptr<Inflater> make_isal_inflater();
#endif

}  // namespace strata::codec
