#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "storage/codec/saved_bytes.h"
#include "strata/codec/decoder.h"

namespace strata::codec {

// How far a decoder is: stored bytes taken and decoded bytes given.
struct Place {
  std::uint64_t consumed = 0;
  std::uint64_t produced = 0;
};

// A decorator that ends a stream with kDecompressionLimit as soon as it decodes to more than
// `output_bytes_max`. It lends the inner decoder one byte of room beyond the limit, so that a
// stream of exactly the limit passes and a longer one is seen; that byte is never reported.
//
// It also counts, and makes of the inner decoder's save(), which is the payload only, a whole state
// (storage/FORMAT.md, "Decoder state"); entry() likewise, whose inner `produced` is relative to
// what was given. `place`: where a restored decoder continues.
[[nodiscard]] std::unique_ptr<Decoder> bound_output(std::unique_ptr<Decoder> inner,
                                                    Encoding encoding,
                                                    std::uint64_t output_bytes_max,
                                                    Place place = {});

// The inner entry() of a decoder that holds nothing back.
[[nodiscard]] std::optional<Decoder::Entry> entry_here(std::optional<std::string> payload);

// What a state holds; the payload lies in the bytes that were read.
struct SavedDecoder {
  Encoding encoding;
  Place place;
  std::span<const std::byte> payload;
};
// kCorruptData, or kDecompressionLimit when more was decoded than `limits` allow.
[[nodiscard]] Result<SavedDecoder> open_saved_decoder(std::span<const std::byte> saved,
                                                      const DecoderLimits& limits);

// What is wrong with a payload.
[[nodiscard]] inline Error corrupt_decoder_state(std::string_view why) {
  return corrupt_state("decoder", why);
}

// The error for a limit that was passed: "<what> is over the limit of <limit> <unit>".
[[nodiscard]] Error limit_error(std::string_view what, std::uint64_t limit, std::string_view unit);

// The error for damaged input: "<what> (at decoded offset <offset>)".
[[nodiscard]] Error corrupt_error(Errc code, std::string_view what, std::uint64_t offset);

}  // namespace strata::codec
