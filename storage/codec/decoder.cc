#include "strata/codec/decoder.h"

#include "storage/codec/bounded_decoder.h"
#include "storage/codec/gzip_decoder.h"
#include "storage/codec/xz_decoder.h"
#include "storage/codec/zstd_decoder.h"

namespace strata::codec {

DecoderLimits DecoderLimits::from(const Limits& limits) {
  return {.output_bytes_max = limits.decoded_bytes_max,
          .zstd_window_bytes_max = limits.zstd_window_bytes_max,
          .xz_memory_bytes_max = limits.xz_memory_bytes_max,
          .parts_max = limits.codec_parts_max};
}

std::unique_ptr<Decoder> make_decoder(Encoding encoding, const DecoderLimits& limits,
                                      const ParallelDecoding* parallel) {
  switch (encoding) {
    case Encoding::kGzip:
      return make_gzip_decoder(fastest_inflate_engine(), limits);
    case Encoding::kXz:
      return make_xz_decoder(limits, parallel);
    case Encoding::kZstd:
      return make_zstd_decoder(limits);
    case Encoding::kIdentity:
      break;
  }
  check(false, "make_decoder: identity needs no decoder");
  return nullptr;
}

Result<RestoredDecoder> restore_decoder(std::span<const std::byte> saved,
                                        const DecoderLimits& limits,
                                        const ParallelDecoding* parallel) {
  STRATA_TRY(const SavedDecoder state, open_saved_decoder(saved, limits));
  auto decoder = [&]() -> Result<std::unique_ptr<Decoder>> {
    switch (state.encoding) {
      case Encoding::kGzip:
        return restore_gzip_decoder(fastest_inflate_engine(), state, limits);
      case Encoding::kXz:
        return restore_xz_decoder(state, limits, parallel);
      case Encoding::kZstd:
        return restore_zstd_decoder(state, limits);
      case Encoding::kIdentity:
        break;
    }
    return corrupt_decoder_state("has an unknown encoding");
  }();
  if (!decoder) return decoder.error();
  return RestoredDecoder{.encoding = state.encoding,
                         .consumed = state.place.consumed,
                         .produced = state.place.produced,
                         .decoder = *std::move(decoder)};
}

}  // namespace strata::codec
