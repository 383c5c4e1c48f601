#include "storage/codec/xz_block.h"

#include <array>

namespace strata::codec {
namespace {

// A filter chain whose options liblzma allocates. The decoder copies what it needs of them.
struct Filters {
  Filters() { chain[0] = {.id = LZMA_VLI_UNKNOWN, .options = nullptr}; }
  ~Filters() { ::lzma_filters_free(chain.data(), nullptr); }
  Filters(const Filters&) = delete;
  Filters& operator=(const Filters&) = delete;

  std::array<lzma_filter, LZMA_FILTERS_MAX + 1> chain{};
};

lzma_block block_with(Filters& filters, std::span<const std::uint8_t> header,
                      lzma_check check_type) {
  lzma_block block{};
  block.check = check_type;
  block.header_size = static_cast<std::uint32_t>(header.size());
  block.filters = filters.chain.data();
  return block;
}

}  // namespace

std::optional<XzBlockSizes> claimed_sizes(std::span<const std::uint8_t> header,
                                          lzma_check check_type) {
  Filters filters;
  lzma_block block = block_with(filters, header, check_type);
  if (::lzma_block_header_decode(&block, nullptr, header.data()) != LZMA_OK ||
      block.compressed_size == LZMA_VLI_UNKNOWN || block.uncompressed_size == LZMA_VLI_UNKNOWN) {
    return std::nullopt;
  }
  const std::uint64_t memory = ::lzma_raw_decoder_memusage(block.filters);
  if (memory == UINT64_MAX) return std::nullopt;
  return XzBlockSizes{.stored = ::lzma_block_total_size(&block) - header.size(),
                      .unpadded = ::lzma_block_unpadded_size(&block),
                      .decoded = block.uncompressed_size,
                      .memory = memory};
}

lzma_ret XzBlock::begin(std::span<const std::uint8_t> header, lzma_check check_type,
                        std::uint64_t memory_bytes_max) {
  Filters filters;
  block_ = block_with(filters, header, check_type);
  lzma_ret code = ::lzma_block_header_decode(&block_, nullptr, header.data());
  if (code == LZMA_OK) {
    memory_bytes_ = ::lzma_raw_decoder_memusage(block_.filters);
    if (memory_bytes_ == UINT64_MAX) {
      code = LZMA_OPTIONS_ERROR;  // each filter is known, but not in this order
    } else if (memory_bytes_ > memory_bytes_max) {
      code = LZMA_MEMLIMIT_ERROR;
    } else {
      code = ::lzma_block_decoder(&coder_, &block_);
    }
  }
  block_.filters = nullptr;
  return code;
}

lzma_ret XzBlock::decode(XzBuffers& buffers) {
  coder_.next_in = buffers.in.data();
  coder_.avail_in = buffers.in.size();
  coder_.next_out = buffers.out.data();
  coder_.avail_out = buffers.out.size();
  const lzma_ret code = ::lzma_code(&coder_, LZMA_RUN);
  buffers.in = buffers.in.last(coder_.avail_in);
  buffers.out = buffers.out.last(coder_.avail_out);
  // LZMA_BUF_ERROR only says that a call could do nothing with what it was given.
  return code == LZMA_BUF_ERROR ? LZMA_OK : code;
}

}  // namespace strata::codec
