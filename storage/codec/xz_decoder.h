#pragma once

#include <memory>

#include "storage/codec/bounded_decoder.h"
#include "strata/codec/decoder.h"

namespace strata::codec {

// xz (xz file format 1.1.0): one or more streams with stream padding (zero bytes, a multiple of
// four) between and after them. The walk over the file is ours, the pieces are decoded by liblzma,
// blocks on one thread unless there is `parallel` (liblzma's threaded decoder has CVE-2025-31115).
// Block headers, blocks, index and footer are all checked, and a check type that liblzma does not
// know is refused. Any filter chain that liblzma knows is decoded. `xz_memory_bytes_max` bounds
// dictionary and state of a block, before they are allocated; `parts_max` bounds the blocks of all
// streams, empty ones too, and the streams, which may have no block.
[[nodiscard]] std::unique_ptr<Decoder> make_xz_decoder(const DecoderLimits& limits,
                                                       const ParallelDecoding* parallel = nullptr);

// From a state anywhere but between the first and the last byte of a block behind its header.
[[nodiscard]] Result<std::unique_ptr<Decoder>> restore_xz_decoder(
    const SavedDecoder& saved, const DecoderLimits& limits,
    const ParallelDecoding* parallel = nullptr);

}  // namespace strata::codec
