#include "storage/codec/xz_decoder.h"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "storage/codec/bounded_decoder.h"
#include "storage/codec/xz_block.h"

namespace strata::codec {
namespace {

struct FreeIndexHash {
  void operator()(lzma_index_hash* hash) const { ::lzma_index_hash_end(hash, nullptr); }
};

// The walk over the file (xz file format 1.1.0):
//   file   = stream { padding stream } [ padding ]     padding: zeros, a multiple of four
//   stream = header { block } index footer             header and footer: twelve bytes each
//   block  = header data padding check                 an index begins with 0, a block never does
class XzDecoder final : public Decoder {
 public:
  XzDecoder(std::uint64_t memory_bytes_max, std::uint64_t parts_max)
      : memory_max_(memory_bytes_max), parts_max_(parts_max) {}

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override;
  Status finish() override;

 private:
  enum class State { kStreamHeader, kBlockHeader, kBlock, kIndex, kFooter, kPadding };
  struct Place {
    std::uint64_t stored = 0;
    std::uint64_t decoded = 0;
  };

  // Each does what it can in its state and returns whether the next can go on.
  Result<bool> advance(XzBuffers& buffers);
  Result<bool> read_stream_header(XzBuffers& buffers);
  Result<bool> read_block_header(XzBuffers& buffers);
  Result<bool> decode_block(XzBuffers& buffers);
  Result<bool> read_index(XzBuffers& buffers);
  Result<bool> read_footer(XzBuffers& buffers);
  Result<bool> skip_padding(XzBuffers& buffers);

  // Notes that the block which begins here is the next one.
  Status enter_block();
  // Fills held_ to `size` bytes as far as the input goes; returns whether it got there.
  bool hold(XzBuffers& buffers, std::size_t size);
  void pass(XzBuffers& buffers, std::size_t count);
  Result<bool> enter(State state);

  // The error that a code of liblzma means; `what` says what is wrong after LZMA_DATA_ERROR.
  [[nodiscard]] Error judge(lzma_ret code, std::string_view what) const;
  [[nodiscard]] Error corrupt(std::string_view what) const {
    return corrupt_error(Errc::kCorruptXz, what, here_.decoded);
  }
  [[nodiscard]] std::string this_block() const;

  std::uint64_t memory_max_;
  std::uint64_t parts_max_;
  State state_ = State::kStreamHeader;
  Place here_{};
  Place block_begin_{};  // of the block that is or was decoded last
  std::uint64_t streams_ = 0;
  std::uint64_t blocks_ = 0;  // of all streams
  lzma_stream_flags flags_{};
  XzBlock block_{};
  // What the blocks of this stream were, to compare with its index; of constant size.
  std::unique_ptr<lzma_index_hash, FreeIndexHash> blocks_seen_{};
  std::array<std::uint8_t, LZMA_BLOCK_HEADER_SIZE_MAX> held_{};  // a header or footer
  std::size_t held_count_ = 0;
};

Result<Decoder::Step> XzDecoder::step(std::span<const std::byte> in, std::span<std::byte> out) {
  XzBuffers buffers{.in = {reinterpret_cast<const std::uint8_t*>(in.data()), in.size()},
                    .out = {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}};
  for (bool more = true; more;) {
    STRATA_TRY(more, advance(buffers));
  }
  return Step{in.size() - buffers.in.size(), out.size() - buffers.out.size()};
}

Result<bool> XzDecoder::advance(XzBuffers& buffers) {
  switch (state_) {
    case State::kStreamHeader:
      return read_stream_header(buffers);
    case State::kBlockHeader:
      return read_block_header(buffers);
    case State::kBlock:
      return decode_block(buffers);
    case State::kIndex:
      return read_index(buffers);
    case State::kFooter:
      return read_footer(buffers);
    case State::kPadding:
      break;
  }
  return skip_padding(buffers);
}

Result<bool> XzDecoder::read_stream_header(XzBuffers& buffers) {
  if (!hold(buffers, LZMA_STREAM_HEADER_SIZE)) return false;
  const lzma_ret code = ::lzma_stream_header_decode(&flags_, held_.data());
  if (code == LZMA_FORMAT_ERROR) {
    return corrupt(streams_ == 0 ? "the stream does not begin with the xz magic bytes"
                                 : "there are bytes behind the last stream that are not a stream");
  }
  if (code != LZMA_OK) return judge(code, "the header of a stream is damaged");
  if (::lzma_check_is_supported(flags_.check) == 0) {
    return corrupt("a stream has an integrity check of an unknown type");
  }
  if (streams_ == parts_max_) return limit_error("the number of xz streams", parts_max_, "streams");
  ++streams_;
  blocks_seen_.reset(::lzma_index_hash_init(blocks_seen_.release(), nullptr));
  if (blocks_seen_ == nullptr) return judge(LZMA_MEM_ERROR, "");
  return enter(State::kBlockHeader);
}

Result<bool> XzDecoder::read_block_header(XzBuffers& buffers) {
  if (held_count_ == 0) {
    if (buffers.in.empty()) return false;
    if (buffers.in[0] == 0) return enter(State::kIndex);
    if (Status ok = enter_block(); !ok) return ok.error();
    hold(buffers, 1);
  }
  const std::size_t size = lzma_block_header_size_decode(held_[0]);
  if (!hold(buffers, size)) return false;
  const lzma_ret code = block_.begin(std::span(held_).first(size), flags_.check, memory_max_);
  if (code != LZMA_OK) return judge(code, "the header of " + this_block() + " is damaged");
  return enter(State::kBlock);
}

Status XzDecoder::enter_block() {
  if (blocks_ == parts_max_) return limit_error("the number of xz blocks", parts_max_, "blocks");
  ++blocks_;
  block_begin_ = here_;
  return {};
}

Result<bool> XzDecoder::decode_block(XzBuffers& buffers) {
  const XzBuffers before = buffers;
  const lzma_ret code = block_.decode(buffers);
  here_.stored += before.in.size() - buffers.in.size();
  here_.decoded += before.out.size() - buffers.out.size();
  if (code == LZMA_OK) return false;
  if (code != LZMA_STREAM_END) {
    return judge(code, "the data, sizes, padding or check of " + this_block() + " is damaged");
  }
  const lzma_ret noted =
      ::lzma_index_hash_append(blocks_seen_.get(), block_.unpadded_size(), block_.decoded_size());
  if (noted != LZMA_OK) return judge(noted, "a stream is longer than xz allows");
  return enter(State::kBlockHeader);
}

Result<bool> XzDecoder::read_index(XzBuffers& buffers) {
  if (buffers.in.empty()) return false;
  std::size_t taken = 0;
  const lzma_ret code =
      ::lzma_index_hash_decode(blocks_seen_.get(), buffers.in.data(), &taken, buffers.in.size());
  pass(buffers, taken);
  if (code == LZMA_OK) return false;
  if (code == LZMA_STREAM_END) return enter(State::kFooter);
  return judge(code, "the index is damaged or lists other blocks than those of its stream");
}

Result<bool> XzDecoder::read_footer(XzBuffers& buffers) {
  if (!hold(buffers, LZMA_STREAM_HEADER_SIZE)) return false;
  lzma_stream_flags footer{};
  const lzma_ret code = ::lzma_stream_footer_decode(&footer, held_.data());
  if (code != LZMA_OK) return judge(code, "the footer of a stream is damaged");
  if (footer.backward_size != ::lzma_index_hash_size(blocks_seen_.get())) {
    return corrupt("the footer of a stream gives another size of the index");
  }
  if (::lzma_stream_flags_compare(&flags_, &footer) != LZMA_OK) {
    return corrupt("the footer of a stream has other flags than its header");
  }
  return enter(State::kPadding);
}

// held_count_ counts the zeros modulo four here; none of them is kept.
Result<bool> XzDecoder::skip_padding(XzBuffers& buffers) {
  const auto end = std::find_if(buffers.in.begin(), buffers.in.end(),
                                [](std::uint8_t byte) { return byte != 0; });
  const auto zeros = static_cast<std::size_t>(end - buffers.in.begin());
  pass(buffers, zeros);
  held_count_ = (held_count_ + zeros) % 4;
  if (buffers.in.empty()) return false;
  if (held_count_ != 0) return corrupt("the padding behind a stream is not a multiple of four");
  return enter(State::kStreamHeader);
}

Status XzDecoder::finish() {
  if (state_ == State::kPadding && held_count_ == 0) return {};
  if (state_ == State::kPadding) {
    return corrupt("the padding behind a stream is not a multiple of four");
  }
  return corrupt("the stream ends too early");
}

bool XzDecoder::hold(XzBuffers& buffers, std::size_t size) {
  const std::size_t count = std::min(size - held_count_, buffers.in.size());
  std::copy_n(buffers.in.begin(), count, held_.begin() + static_cast<std::ptrdiff_t>(held_count_));
  held_count_ += count;
  pass(buffers, count);
  return held_count_ == size;
}

void XzDecoder::pass(XzBuffers& buffers, std::size_t count) {
  buffers.in = buffers.in.subspan(count);
  here_.stored += count;
}

Result<bool> XzDecoder::enter(State state) {
  state_ = state;
  held_count_ = 0;
  return true;
}

Error XzDecoder::judge(lzma_ret code, std::string_view what) const {
  switch (code) {
    case LZMA_MEMLIMIT_ERROR:
      return limit_error("the memory that the xz dictionary needs, " +
                             std::to_string(block_.memory_bytes()) + " bytes,",
                         memory_max_, "bytes");
    case LZMA_OPTIONS_ERROR:
      return corrupt("a header asks for filters or options that xz does not have");
    case LZMA_MEM_ERROR:
      return Error(Errc::kUnavailable, "no memory for the xz decoder");
    default:
      return corrupt(what);
  }
}

std::string XzDecoder::this_block() const {
  return "block " + std::to_string(blocks_) + ", which begins at stored offset " +
         std::to_string(block_begin_.stored) + " and decoded offset " +
         std::to_string(block_begin_.decoded) + ",";
}

}  // namespace

std::unique_ptr<Decoder> make_xz_decoder(const DecoderLimits& limits) {
  return bound_output(std::make_unique<XzDecoder>(limits.xz_memory_bytes_max, limits.parts_max),
                      limits.output_bytes_max);
}

}  // namespace strata::codec
