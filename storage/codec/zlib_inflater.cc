#include <zlib.h>

#include <algorithm>
#include <limits>

#include "storage/codec/inflater.h"
#include "strata/base/result.h"

namespace strata::codec {
namespace {

constexpr std::size_t kSpanMax = std::numeric_limits<uInt>::max();

class ZlibInflater final : public Inflater {
 public:
  ZlibInflater() {
    check(::inflateInit2(&stream_, -MAX_WBITS) == Z_OK, "inflateInit2: out of memory");
  }
  ~ZlibInflater() override { ::inflateEnd(&stream_); }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;

  Step inflate(std::span<const std::byte> in, std::span<std::byte> out) override {
    const std::size_t in_size = std::min(in.size(), kSpanMax);
    const std::size_t out_size = std::min(out.size(), kSpanMax);
    // zlib does not write through next_in; without ZLIB_CONST its type lacks the const.
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in_size);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out_size);
    const int code = ::inflate(&stream_, Z_NO_FLUSH);
    return {.consumed = in_size - stream_.avail_in,
            .produced = out_size - stream_.avail_out,
            .corrupt = code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR,
            .done = code == Z_STREAM_END};
  }

  Leftover take_leftover() override { return {}; }  // zlib gives whole bytes back itself

  void reset() override { ::inflateReset(&stream_); }

  std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> data) const override {
    return static_cast<std::uint32_t>(
        ::crc32_z(crc, reinterpret_cast<const Bytef*>(data.data()), data.size()));
  }

 private:
  z_stream stream_{};
};

}  // namespace

std::unique_ptr<Inflater> make_zlib_inflater() {
  return std::make_unique<ZlibInflater>();
}

}  // namespace strata::codec
