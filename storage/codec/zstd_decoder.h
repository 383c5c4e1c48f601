#pragma once

#include <memory>

#include "storage/codec/bounded_decoder.h"
#include "strata/codec/decoder.h"

namespace strata::codec {

// zstd (RFC 8878): frames and skippable frames in any order, at least one frame of either kind.
// Content checksums and sizes are verified; a frame that needs a dictionary is refused, as is
// anything behind the last frame. `zstd_window_bytes_max` is rounded down to a power of two
// (libzstd takes its logarithm; at least 1 KiB). `parts_max` counts frames of both kinds.
[[nodiscard]] std::unique_ptr<Decoder> make_zstd_decoder(const DecoderLimits& limits);

// From a state between frames, or within the magic bytes of one.
[[nodiscard]] Result<std::unique_ptr<Decoder>> restore_zstd_decoder(const SavedDecoder& saved,
                                                                    const DecoderLimits& limits);

}  // namespace strata::codec
