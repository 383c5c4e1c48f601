#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "strata/codec/decoder.h"
#include "strata/codec/disk_format.h"

// Whole-stream use of decoders and probe, and the parts from which the tests build streams.
namespace strata::test {

[[nodiscard]] std::span<const std::byte> bytes_of(std::string_view text);

// The defaults of strata::Limits.
[[nodiscard]] codec::DecoderLimits default_limits();

// How much a decoder is given and lent in one step; called anew for each step, never answering 0.
struct Pieces {
  std::function<std::size_t()> in;
  std::function<std::size_t()> out;
};
[[nodiscard]] Pieces pieces_of(std::size_t in, std::size_t out);

// Decodes all of `input`, then finish(). Fails a check when the decoder breaks its progress rule,
// holds output back, or says that it consumed or produced more than it was given.
[[nodiscard]] Result<std::string> decode_all(codec::Decoder& decoder, std::string_view input,
                                             const Pieces& pieces = pieces_of(1 << 16, 1 << 16));

[[nodiscard]] codec::DiskInfo probe_all(std::string_view stream, std::size_t piece = 1 << 16);

// Repeatable data: a disk-like mix of text, noise, runs and zeros.
[[nodiscard]] std::string sample_data(std::size_t bytes, std::uint64_t seed);

[[nodiscard]] std::string little_endian(std::uint64_t value, std::size_t bytes);
[[nodiscard]] std::string big_endian(std::uint64_t value, std::size_t bytes);

}  // namespace strata::test
