#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include "storage/codec/inflater.h"
#include "strata/base/result.h"

namespace strata::codec {
namespace {

constexpr std::size_t kSpanMax = std::numeric_limits<uInt>::max();
constexpr std::size_t kPauseEveryBytes = 64 * 1024;

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
    int code = Z_OK;
    do {
      code = ::inflate(&stream_, Z_BLOCK);
      between_blocks_ = code == Z_OK && (stream_.data_type & kAtBlockEnd) != 0;
      // The end of the last block is none between blocks: a further call says Z_STREAM_END.
    } while (between_blocks_ && (at_last_block_end() || !pause_here(in_size, out_size)));
    const Step step{.consumed = in_size - stream_.avail_in,
                    .produced = out_size - stream_.avail_out,
                    .corrupt = code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR,
                    .done = code == Z_STREAM_END,
                    .pause = between_blocks_};
    since_pause_ = step.pause ? 0 : since_pause_ + step.consumed + step.produced;
    if (step.consumed > 0) last_byte_ = std::to_integer<std::uint8_t>(in[step.consumed - 1]);
    return step;
  }

  Leftover take_leftover() override { return {}; }  // zlib gives whole bytes back itself

  void reset() override {
    ::inflateReset(&stream_);
    between_blocks_ = true;
    stream_.data_type = 0;
    since_pause_ = 0;
  }

  std::optional<DeflateState> save() const override;
  bool restore(const DeflateState& state) override;

  std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> data) const override {
    return static_cast<std::uint32_t>(
        ::crc32_z(crc, reinterpret_cast<const Bytef*>(data.data()), data.size()));
  }

 private:
  // zlib.h on data_type: unused bits of the last byte, and flags after Z_BLOCK and Z_TREES.
  static constexpr int kUnusedBits = 63;
  static constexpr int kInLastBlock = 64;
  static constexpr int kAtBlockEnd = 128;
  static constexpr int kAtHeaderEnd = 256;

  [[nodiscard]] bool at_last_block_end() const { return (stream_.data_type & kInLastBlock) != 0; }
  // A call that could go on returns between two blocks once in a while, for save().
  [[nodiscard]] bool pause_here(std::size_t in_size, std::size_t out_size) const {
    const std::size_t passed = in_size - stream_.avail_in + out_size - stream_.avail_out;
    return stream_.avail_in == 0 || stream_.avail_out == 0 ||
           since_pause_ + passed >= kPauseEveryBytes;
  }
  [[nodiscard]] bool read_block_header(const DeflateState& state);

  z_stream stream_{};
  bool between_blocks_ = true;
  std::uint8_t last_byte_ = 0;
  std::size_t since_pause_ = 0;
};

std::optional<DeflateState> ZlibInflater::save() const {
  if (!between_blocks_) return std::nullopt;
  DeflateState saved;
  const auto unused = static_cast<unsigned>(stream_.data_type & kUnusedBits);
  check(unused < 8, "zlib holds a whole byte between two blocks");
  saved.unread.add(unused == 0 ? 0 : last_byte_ >> (8 - unused), unused);
  saved.window.resize(kDeflateWindowBytes);
  uInt size = 0;
  // zlib only reads the state; its parameter lacks the const.
  const int code = ::inflateGetDictionary(const_cast<z_stream*>(&stream_),
                                          reinterpret_cast<Bytef*>(saved.window.data()), &size);
  check(code == Z_OK, "inflateGetDictionary");
  saved.window.resize(size);
  return saved;
}

bool ZlibInflater::restore(const DeflateState& saved) {
  reset();
  const auto window = std::string_view(saved.window);
  const auto last = window.substr(window.size() - std::min(window.size(), kDeflateWindowBytes));
  const auto* bytes = reinterpret_cast<const Bytef*>(last.data());
  if (::inflateSetDictionary(&stream_, bytes, static_cast<uInt>(last.size())) != Z_OK) return false;
  if (saved.in_block() && !read_block_header(saved)) return false;
  // As zlib itself would leave it there.
  const auto lead_size = static_cast<int>(saved.unread.lead_size());
  between_blocks_ = saved.at == DeflateState::At::kBlockHeader;
  stream_.data_type = lead_size;
  last_byte_ = static_cast<std::uint8_t>(saved.unread.lead() << (8 - lead_size));
  return ::inflatePrime(&stream_, lead_size, saved.unread.lead()) == Z_OK;
}

bool ZlibInflater::read_block_header(const DeflateState& saved) {
  const BitString header = saved.block_header();
  std::string bytes = header.behind_lead();
  Bytef nowhere = 0;
  if (::inflatePrime(&stream_, static_cast<int>(header.lead_size()), header.lead()) != Z_OK) {
    return false;
  }
  stream_.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream_.avail_in = static_cast<uInt>(bytes.size());
  stream_.next_out = &nowhere;
  stream_.avail_out = 0;
  const int code = ::inflate(&stream_, Z_TREES);
  return (code == Z_OK || code == Z_BUF_ERROR) && stream_.avail_in == 0 &&
         (stream_.data_type & kAtHeaderEnd) != 0 && (stream_.data_type & kUnusedBits) == 0;
}

}  // namespace

std::unique_ptr<Inflater> make_zlib_inflater() {
  return std::make_unique<ZlibInflater>();
}

}  // namespace strata::codec
