#include "storage/codec/disk_headers.h"

#include <bit>

namespace strata::codec {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

std::optional<std::uint64_t> plausible(std::uint64_t virtual_bytes) {
  if (virtual_bytes == 0 || virtual_bytes > kVirtualBytesMax) return std::nullopt;
  return virtual_bytes;
}

std::optional<std::uint64_t> plausible_sectors(std::uint64_t sectors) {
  if (sectors > kVirtualBytesMax / kSectorBytes) return std::nullopt;
  return plausible(sectors * kSectorBytes);
}

// QEMU docs/interop/qcow2.txt: magic, version (2, 3), ..., cluster_bits at 20, size at 24, all
// big-endian. Version 1 is the format "qcow", which nobody has made for years: raw.
std::optional<std::uint64_t> read_qcow2(std::span<const std::byte> head) {
  if (!has_text(head, 0, "QFI\xfb")) return std::nullopt;
  const std::uint64_t version = read_be(head, 4, 4);
  const std::uint64_t cluster_bits = read_be(head, 20, 4);
  if (version < 2 || version > 3 || cluster_bits < 9 || cluster_bits > 21) return std::nullopt;
  return plausible(read_be(head, 24, 8));
}

// VMware Virtual Disk Format 5.0, hosted sparse extent ("KDMV": version at 4, capacity in sectors
// at 12, grain size at 20), and ESX sparse extent ("COWD": capacity at 12, grain size at 16), both
// little-endian. A descriptor file alone holds no disk: raw.
std::optional<std::uint64_t> read_vmdk(std::span<const std::byte> head) {
  const std::uint64_t version = read_le(head, 4, 4);
  if (has_text(head, 0, "KDMV")) {
    const std::uint64_t grain = read_le(head, 20, 8);
    if (version < 1 || version > 3 || !std::has_single_bit(grain)) return std::nullopt;
    return plausible_sectors(read_le(head, 12, 8));
  }
  if (has_text(head, 0, "COWD") && version == 1 && read_le(head, 16, 4) != 0) {
    return plausible_sectors(read_le(head, 12, 4));
  }
  return std::nullopt;
}

// VirtualBox VDICore.h: 64 bytes of text, signature, version 1.1 at 68, disk size at 368, block
// size at 376, little-endian.
std::optional<std::uint64_t> read_vdi(std::span<const std::byte> head) {
  if (read_le(head, 64, 4) != 0xBEDA107F || read_le(head, 68, 4) != 0x00010001) return std::nullopt;
  if (!std::has_single_bit(read_le(head, 376, 4))) return std::nullopt;
  return plausible(read_le(head, 368, 8));
}

}  // namespace

std::uint64_t read_le(std::span<const std::byte> data, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(data[at + i]);
  }
  return value;
}

std::uint64_t read_be(std::span<const std::byte> data, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(data[at + i]);
  }
  return value;
}

bool has_text(std::span<const std::byte> data, std::size_t at, std::string_view text) {
  if (data.size() < at || data.size() - at < text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (data[at + i] != static_cast<std::byte>(text[i])) return false;
  }
  return true;
}

// Microsoft, Virtual Hard Disk Image Format Specification 1.0: "conectix", current size at 48, type
// at 60 (2 fixed, 3 dynamic, 4 differencing), checksum at 64 = ones' complement of the sum of the
// other bytes, all big-endian. A differencing disk is of no use alone: raw.
std::optional<VhdFooter> read_vhd_footer(std::span<const std::byte> sector) {
  if (sector.size() < kVhdFooterBytes || !has_text(sector, 0, "conectix")) return std::nullopt;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < kVhdFooterBytes; ++i) {
    if (i < 64 || i >= 68) sum += std::to_integer<std::uint32_t>(sector[i]);
  }
  const std::uint64_t type = read_be(sector, 60, 4);
  const auto size = plausible(read_be(sector, 48, 8));
  if (read_be(sector, 64, 4) != ~sum || (type != 2 && type != 3) || !size) return std::nullopt;
  return VhdFooter{*size, type == 2};
}

std::optional<DiskInfo> read_disk_head(std::span<const std::byte> head) {
  if (head.size() < kDiskHeadBytes) return std::nullopt;
  if (const auto size = read_qcow2(head)) return DiskInfo{DiskFormat::kQcow2, *size};
  if (const auto size = read_vmdk(head)) return DiskInfo{DiskFormat::kVmdk, *size};
  if (const auto size = read_vdi(head)) return DiskInfo{DiskFormat::kVdi, *size};
  const auto vhd = read_vhd_footer(head);
  if (vhd && !vhd->fixed) return DiskInfo{DiskFormat::kVhd, vhd->virtual_bytes};
  return std::nullopt;
}

}  // namespace strata::codec
