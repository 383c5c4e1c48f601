#pragma once

#include <memory>

#include "strata/codec/decoder.h"

namespace strata::codec {

// xz: one or more streams with stream padding (zero bytes, a multiple of four) between and after
// them. liblzma's single-threaded decoder (its threaded one has CVE-2025-31115); it checks block
// headers, blocks, index and footer, and a check type that it does not know is refused. Any filter
// chain that liblzma knows is decoded. `xz_memory_bytes_max` bounds dictionary and state;
// `parts_max` counts streams: liblzma does not tell about blocks, whose number is bounded by the
// stored size (16 bytes each at least) and costs no memory.
[[nodiscard]] std::unique_ptr<Decoder> make_xz_decoder(const DecoderLimits& limits);

}  // namespace strata::codec
