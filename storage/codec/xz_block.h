#pragma once

#include <lzma.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace strata::codec {

// What a call may still take from its input and put into its output; both shrink as that happens.
struct XzBuffers {
  std::span<const std::uint8_t> in;
  std::span<std::uint8_t> out;
};

// What a Block Header says of its block.
struct XzBlockSizes {
  std::uint64_t stored;    // behind the header: data, padding and check
  std::uint64_t unpadded;  // as the Index has it
  std::uint64_t decoded;
  std::uint64_t memory;  // for the filters
};
// Of a whole Block Header; nullopt when it does not say both sizes, or is not right.
[[nodiscard]] std::optional<XzBlockSizes> claimed_sizes(std::span<const std::uint8_t> header,
                                                        lzma_check check_type);

// The Blocks of an xz file, one after the other (xz file format 1.1.0, section 3), on liblzma's
// block decoder. What a block needs is allocated in begin(), and kept for the next one if that
// needs the same.
class XzBlock {
 public:
  XzBlock() = default;
  ~XzBlock() { ::lzma_end(&coder_); }
  XzBlock(const XzBlock&) = delete;
  XzBlock& operator=(const XzBlock&) = delete;

  // `header` is a whole Block Header, of the size that its first byte says. LZMA_OK,
  // LZMA_DATA_ERROR, LZMA_OPTIONS_ERROR, LZMA_MEM_ERROR, or, before anything is allocated for the
  // data, LZMA_MEMLIMIT_ERROR; memory_bytes() is then what the filters need.
  [[nodiscard]] lzma_ret begin(std::span<const std::uint8_t> header, lzma_check check_type,
                               std::uint64_t memory_bytes_max);
  // LZMA_STREAM_END when data, padding and check were read and are right; LZMA_OK when more input
  // or room is needed.
  [[nodiscard]] lzma_ret decode(XzBuffers& buffers);

  [[nodiscard]] std::uint64_t memory_bytes() const { return memory_bytes_; }
  // As the Index must have them; known at the end of the block.
  [[nodiscard]] lzma_vli unpadded_size() const { return ::lzma_block_unpadded_size(&block_); }
  [[nodiscard]] lzma_vli decoded_size() const { return block_.uncompressed_size; }

 private:
  lzma_stream coder_ = LZMA_STREAM_INIT;
  lzma_block block_{};  // the coder writes the sizes here
  std::uint64_t memory_bytes_ = 0;
};

}  // namespace strata::codec
