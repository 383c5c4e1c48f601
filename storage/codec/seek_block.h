#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "storage/codec/seek_index.h"
#include "strata/codec/decoder.h"

// One block of the decoded view, from what the index says of it. In two steps, for two pools.
namespace strata::codec {

struct SeekSources {
  ReadAt stored;  // the bytes as sent
  ReadAt index;   // the index file
  ReadAt copy;    // the seekable copy; may be empty where there is none
};
struct BlockInput {
  std::vector<std::byte> state;   // kEncoded: compressed
  std::vector<std::byte> stored;  // kEncoded: stored bytes; kFrame: the frame
};
// Reads what decode_block needs. Blocks on the disk. Not for kZero.
[[nodiscard]] Result<BlockInput> fetch_block(const SeekBlock& block, const SeekSources& sources);
// The decoded bytes, whose checksum is that of the index: kCorruptData if they have another, or
// if anything on the way is damaged. Computes: about a millisecond for each MiB.
[[nodiscard]] Result<std::vector<std::byte>> decode_block(const SeekBlock& block,
                                                          const BlockInput& input,
                                                          const DecoderLimits& limits);

}  // namespace strata::codec
