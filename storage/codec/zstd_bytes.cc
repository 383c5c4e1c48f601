#include "storage/codec/zstd_bytes.h"

#include "strata/base/result.h"

namespace strata::codec {
namespace {

constexpr int kLevel = -1;

}  // namespace

ZstdCompressor::ZstdCompressor() : context_(::ZSTD_createCCtx()) {
  check(context_ != nullptr, "ZSTD_createCCtx: out of memory");
  const std::size_t code =
      ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
  check(::ZSTD_isError(code) == 0, "a zstd level was refused");
}

std::string ZstdCompressor::compress(std::span<const std::byte> data) {
  std::string frame(::ZSTD_compressBound(data.size()), '\0');
  const std::size_t size =
      ::ZSTD_compress2(context_.get(), frame.data(), frame.size(), data.data(), data.size());
  check(::ZSTD_isError(size) == 0, "ZSTD_compress2 failed with enough room");
  frame.resize(size);
  return frame;
}

std::optional<std::vector<std::byte>> decompress(std::span<const std::byte> frame,
                                                 std::size_t bytes_max) {
  const auto size = ::ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > bytes_max ||
      ::ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) {
    return std::nullopt;
  }
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
  };
  // A context is 150 KiB that cost 20 microseconds to make: each thread keeps one.
  thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(::ZSTD_createDCtx());
  check(context != nullptr, "ZSTD_createDCtx: out of memory");
  std::vector<std::byte> data(static_cast<std::size_t>(size));
  const std::size_t code =
      ::ZSTD_decompressDCtx(context.get(), data.data(), data.size(), frame.data(), frame.size());
  if (::ZSTD_isError(code) != 0 || code != data.size()) return std::nullopt;
  return data;
}

}  // namespace strata::codec
