#include "storage/codec/seek_block.h"

#include <memory>
#include <optional>
#include <utility>

#include "storage/codec/zstd_bytes.h"

namespace strata::codec {
namespace {

Error damaged(const SeekBlock& block, const std::string& why) {
  return {Errc::kCorruptData, "the decoded block at offset " +
                                  std::to_string(block.decoded_offset) + " cannot be had: " + why};
}

Result<std::vector<std::byte>> read(const ReadAt& source, std::uint64_t offset, std::size_t bytes) {
  std::vector<std::byte> data(bytes);
  if (const Status status = source(offset, data); !status) return status.error();
  return data;
}

Result<std::vector<std::byte>> decode_from(const SeekBlock& block, const BlockInput& input,
                                           const DecoderLimits& limits) {
  const auto state = decompress(input.state, kSavedDecoderBytesMax);
  if (!state) return damaged(block, "its decoder state is damaged");
  STRATA_TRY(const RestoredDecoder restored, restore_decoder(*state, limits));
  if (restored.produced != block.decoded_offset || restored.consumed != block.stored_offset) {
    return damaged(block, "its decoder state is of another place");
  }
  std::vector<std::byte> out(static_cast<std::size_t>(block.decoded_bytes));
  std::size_t taken = 0;
  std::size_t given = 0;
  while (given < out.size()) {
    STRATA_TRY(const auto step, restored.decoder->step(std::span(input.stored).subspan(taken),
                                                       std::span(out).subspan(given)));
    if (step.consumed == 0 && step.produced == 0) return damaged(block, "its data ends too early");
    taken += step.consumed;
    given += step.produced;
  }
  return out;
}

}  // namespace

Result<BlockInput> fetch_block(const SeekBlock& block, const SeekSources& sources) {
  BlockInput input;
  if (block.kind == SeekBlock::Kind::kFrame) {
    STRATA_TRY(input.stored, read(sources.copy, block.data_offset, block.data_bytes));
    return input;
  }
  STRATA_TRY(input.state, read(sources.index, block.data_offset, block.data_bytes));
  STRATA_TRY(input.stored, read(sources.stored, block.stored_offset, block.stored_bytes));
  return input;
}

Result<std::vector<std::byte>> decode_block(const SeekBlock& block, const BlockInput& input,
                                            const DecoderLimits& limits) {
  std::vector<std::byte> bytes;
  if (block.kind == SeekBlock::Kind::kFrame) {
    auto frame = decompress(input.stored, kSeekBlockBytesMax);
    if (!frame || frame->size() != block.decoded_bytes) {
      return damaged(block, "its frame in the seekable copy is damaged");
    }
    bytes = *std::move(frame);
  } else {
    auto decoded = decode_from(block, input, limits);
    if (!decoded) return damaged(block, decoded.error().message());
    bytes = *std::move(decoded);
  }
  if (checksum64(bytes) != block.checksum) return damaged(block, "its checksum is wrong");
  return bytes;
}

}  // namespace strata::codec
