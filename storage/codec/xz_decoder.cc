#include "storage/codec/xz_decoder.h"

#include <lzma.h>

#include <string>

#include "storage/codec/bounded_decoder.h"

namespace strata::codec {
namespace {

class XzDecoder final : public Decoder {
 public:
  XzDecoder(std::uint64_t memory_bytes_max, std::uint64_t streams_max)
      : memory_max_(memory_bytes_max), streams_max_(streams_max) {
    // TELL_ANY_CHECK makes liblzma return once per stream header, which counts them.
    const lzma_ret code = ::lzma_stream_decoder(
        &stream_, memory_max_,
        LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK | LZMA_TELL_ANY_CHECK);
    check(code == LZMA_OK, "lzma_stream_decoder: out of memory");
  }
  ~XzDecoder() override { ::lzma_end(&stream_); }
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override;
  Status finish() override;

 private:
  Status judge(lzma_ret code);

  lzma_stream stream_ = LZMA_STREAM_INIT;
  std::uint64_t memory_max_;
  std::uint64_t streams_max_;
  std::uint64_t streams_ = 0;
};

Result<Decoder::Step> XzDecoder::step(std::span<const std::byte> in, std::span<std::byte> out) {
  stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
  stream_.avail_in = in.size();
  stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream_.avail_out = out.size();
  lzma_ret code = LZMA_OK;
  do {
    code = ::lzma_code(&stream_, LZMA_RUN);
    if (Status ok = judge(code); !ok) return ok.error();
  } while (code == LZMA_GET_CHECK);
  return Step{in.size() - stream_.avail_in, out.size() - stream_.avail_out};
}

Status XzDecoder::finish() {
  std::uint8_t unused = 0;
  stream_.next_in = nullptr;
  stream_.avail_in = 0;
  stream_.next_out = &unused;
  stream_.avail_out = 0;
  const lzma_ret code = ::lzma_code(&stream_, LZMA_FINISH);
  if (code == LZMA_STREAM_END) return {};
  if (code == LZMA_OK || code == LZMA_BUF_ERROR) {
    return corrupt_error(Errc::kCorruptXz, "the stream ends too early", stream_.total_out);
  }
  return judge(code);
}

// LZMA_BUF_ERROR only says that a call could do nothing with what it was given.
Status XzDecoder::judge(lzma_ret code) {
  const auto corrupt = [this](std::string_view what) {
    return corrupt_error(Errc::kCorruptXz, what, stream_.total_out);
  };
  switch (code) {
    case LZMA_OK:
    case LZMA_BUF_ERROR:
    case LZMA_STREAM_END:
      return {};
    case LZMA_GET_CHECK:
      if (++streams_ <= streams_max_) return {};
      return limit_error("the number of xz streams", streams_max_, "streams");
    case LZMA_MEMLIMIT_ERROR:
      return limit_error("the memory that the xz dictionary needs, " +
                             std::to_string(::lzma_memusage(&stream_)) + " bytes,",
                         memory_max_, "bytes");
    case LZMA_UNSUPPORTED_CHECK:
      return corrupt("a stream has an integrity check of an unknown type");
    case LZMA_FORMAT_ERROR:
      return corrupt("the stream does not begin with the xz magic bytes");
    case LZMA_OPTIONS_ERROR:
      return corrupt("a header asks for filters or options that xz does not have");
    case LZMA_MEM_ERROR:
      return Error(Errc::kUnavailable, "no memory for the xz decoder");
    default:
      return corrupt("the compressed data, its index or its padding is damaged");
  }
}

}  // namespace

std::unique_ptr<Decoder> make_xz_decoder(const DecoderLimits& limits) {
  return bound_output(std::make_unique<XzDecoder>(limits.xz_memory_bytes_max, limits.parts_max),
                      limits.output_bytes_max);
}

}  // namespace strata::codec
