#pragma once

#include <memory>

#include "storage/codec/bounded_decoder.h"
#include "strata/codec/decoder.h"

namespace strata::codec {

// What inflates. ISA-L is 2.3 times as fast; zlib is everywhere, and the oracle of the tests.
enum class InflateEngine { kIsal, kZlib };

[[nodiscard]] InflateEngine fastest_inflate_engine();

// gzip (RFC 1952): one or more members, then any number of zero bytes (tape and block padding, as
// gzip(1) accepts). Anything else behind a member is kCorruptGzip: gzip(1) warns and ignores it,
// but two readers that disagree about where an image ends must not share one digest.
// `parts_max` counts members. An engine that was not built in is replaced by zlib.
[[nodiscard]] std::unique_ptr<Decoder> make_gzip_decoder(InflateEngine engine,
                                                         const DecoderLimits& limits);

// A state says nothing of the engine: what one has saved, the other continues. ISA-L saves between
// any two steps. zlib does not say where it is within a deflate block; a decoder on it saves
// anywhere outside of deflate data and between two blocks, where step() returns early once in
// 64 KiB. Never within a block, so also not where a state of ISA-L was continued in mid-block.
[[nodiscard]] Result<std::unique_ptr<Decoder>> restore_gzip_decoder(InflateEngine engine,
                                                                    const SavedDecoder& saved,
                                                                    const DecoderLimits& limits);

}  // namespace strata::codec
