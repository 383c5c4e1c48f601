#pragma once

#include <cstdint>
#include <memory>

#include "strata/codec/decoder.h"

namespace strata::codec {

// A decorator that ends a stream with kDecompressionLimit as soon as it decodes to more than
// `output_bytes_max`. It lends the inner decoder one byte of room beyond the limit, so that a
// stream of exactly the limit passes and a longer one is seen; that byte is never reported.
[[nodiscard]] std::unique_ptr<Decoder> bound_output(std::unique_ptr<Decoder> inner,
                                                    std::uint64_t output_bytes_max);

// The error for a limit that was passed: "<what> is over the limit of <limit> <unit>".
[[nodiscard]] Error limit_error(std::string_view what, std::uint64_t limit, std::string_view unit);

// The error for damaged input: "<what> (at decoded offset <offset>)".
[[nodiscard]] Error corrupt_error(Errc code, std::string_view what, std::uint64_t offset);

}  // namespace strata::codec
