#include "strata/codec/decoder.h"

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

std::unique_ptr<Decoder> make_decoder(Encoding encoding, const DecoderLimits& limits) {
  switch (encoding) {
    case Encoding::kGzip:
      return make_gzip_decoder(fastest_inflate_engine(), limits);
    case Encoding::kXz:
      return make_xz_decoder(limits);
    case Encoding::kZstd:
      return make_zstd_decoder(limits);
    case Encoding::kIdentity:
      break;
  }
  check(false, "make_decoder: identity needs no decoder");
  return nullptr;
}

}  // namespace strata::codec
