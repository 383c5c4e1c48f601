#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "strata/base/digest.h"
#include "strata/base/result.h"
#include "strata/codec/encoding.h"

// Where the decoded view of an image can be entered: storage/FORMAT.md, "Seek index", specifies the
// bytes. The index of an image is made in the pass that uploads it (seek_indexer.h), or again from
// its stored bytes; it is never taken from elsewhere, and nothing in it is believed before the
// bytes of a block have its checksum.
namespace strata::codec {

// The CRC-64 of the xz file format (ECMA-182, reflected), on ISA-L where it is there: 10 GB/s.
[[nodiscard]] std::uint64_t checksum64(std::span<const std::byte> data, std::uint64_t crc = 0);

// The smallest run of zeros that is recorded, and its alignment at both ends (the end of the view
// counts as aligned). File systems have blocks of this size or less; a hole below it saves nothing.
inline constexpr std::uint64_t kZeroRunBytesMin = 64 * 1024;
inline constexpr std::uint64_t kZeroRunAlignment = 4096;

struct ZeroRun {
  std::uint64_t start;
  std::uint64_t bytes;
  bool operator==(const ZeroRun&) const = default;
};

// A piece of the decoded view that is decoded, checked and cached as a whole.
struct SeekBlock {
  // The numbers are those of storage/FORMAT.md.
  enum class Kind : unsigned char {
    kZero = 0,     // zeros of any length, stored nowhere
    kEncoded = 1,  // from the stored bytes, by a decoder that is restored from its state
    kFrame = 2,    // a zstd frame of the seekable copy
  };
  std::uint64_t decoded_offset = 0;
  std::uint64_t decoded_bytes = 0;  // kSeekBlockBytesMax at most, but for kZero
  Kind kind = Kind::kZero;
  std::uint64_t checksum = 0;       // checksum64 of the decoded bytes; kZero: 0
  std::uint64_t stored_offset = 0;  // kEncoded: where the restored decoder reads on
  std::uint32_t stored_bytes = 0;   // kEncoded: how many it needs, kSeekStoredBytesMax at most
  std::uint64_t data_offset = 0;    // kEncoded: of its state in the index file; kFrame: in the copy
  std::uint32_t data_bytes = 0;
  bool operator==(const SeekBlock&) const = default;
};
inline constexpr std::uint64_t kSeekBlockBytesMax = 5 << 20;
inline constexpr std::uint64_t kSeekStoredBytesMax = 8 << 20;
// A view of 1.5 TiB in frames; 400 MiB in memory. A view that needs more has no ranges.
inline constexpr std::size_t kSeekBlocksMax = 6 << 20;
inline constexpr std::uint32_t kSeekDataBytesMax =
    6 << 20;  // a frame of kSeekBlockBytesMax, or a state

struct SeekIndex {
  Encoding encoding = Encoding::kIdentity;
  std::uint64_t stored_bytes = 0;
  std::uint64_t decoded_bytes = 0;
  Sha256Digest stored_sha256;    // which bytes it is the index of
  std::uint64_t copy_bytes = 0;  // of the seekable copy's file; 0: there is none
  // Without holes from 0 to decoded_bytes. Empty for identity images, which need none, and where
  // ranges are not possible (seekable() is false).
  std::vector<SeekBlock> blocks;
  std::vector<ZeroRun> zero_runs;  // ascending, apart
  bool operator==(const SeekIndex&) const = default;

  [[nodiscard]] bool seekable() const;
  // The number of the block with this offset; `offset` < decoded_bytes, seekable().
  [[nodiscard]] std::size_t block_at(std::uint64_t offset) const;
  // Of the tables in memory, for caches.
  [[nodiscard]] std::size_t memory_bytes() const;
};

// Fills `out` from `offset` on.
using ReadAt = std::function<Status(std::uint64_t offset, std::span<std::byte> out)>;

// The tables that stand at the end of an index file, behind the states: `states_bytes` long.
[[nodiscard]] std::string to_bytes(const SeekIndex& index, std::uint64_t states_bytes);
// From a whole file. kCorruptData: damaged, hostile, or of another version; make it again.
[[nodiscard]] Result<SeekIndex> read_seek_index(const ReadAt& file, std::uint64_t file_bytes);

}  // namespace strata::codec
