#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "strata/codec/disk_format.h"

// Pure readers of the fixed headers of disk image formats. Each answers the virtual size, or
// nullopt when the bytes are not such a header, or one that is damaged or absurd.
namespace strata::codec {

// What any format may claim to be at most; 2^62 leaves room for arithmetic on it.
inline constexpr std::uint64_t kVirtualBytesMax = std::uint64_t{1} << 62;

inline constexpr std::size_t kDiskHeadBytes = 512;  // enough for the headers below
inline constexpr std::size_t kVhdFooterBytes = 512;

// The first kDiskHeadBytes of a stream: qcow2, VMDK (sparse extents), VDI or dynamic VHD.
[[nodiscard]] std::optional<DiskInfo> read_disk_head(std::span<const std::byte> head);

// A VHD footer, which is also the first sector of a dynamic disk. `fixed` tells the two apart.
struct VhdFooter {
  std::uint64_t virtual_bytes;
  bool fixed;
};
[[nodiscard]] std::optional<VhdFooter> read_vhd_footer(std::span<const std::byte> sector);

// Integers at an offset; the caller has checked the size.
[[nodiscard]] std::uint64_t read_le(std::span<const std::byte> data, std::size_t at,
                                    std::size_t bytes);
[[nodiscard]] std::uint64_t read_be(std::span<const std::byte> data, std::size_t at,
                                    std::size_t bytes);
[[nodiscard]] bool has_text(std::span<const std::byte> data, std::size_t at, std::string_view text);

}  // namespace strata::codec
