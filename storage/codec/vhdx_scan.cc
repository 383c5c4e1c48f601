#include "storage/codec/vhdx_scan.h"

#include <algorithm>
#include <array>

#include "storage/codec/disk_headers.h"

namespace strata::codec {
namespace {

constexpr std::uint64_t kRegionTableOffset = 192 * 1024;      // [MS-VHDX] 2.2
constexpr std::uint64_t kRegionTableCopyOffset = 256 * 1024;  // the same, should the first be torn
constexpr std::size_t kTableBytes = 64 * 1024;                // region and metadata tables
constexpr std::uint64_t kRegionAlignment = 1024 * 1024;       // 2.2.3.2: offsets and lengths
constexpr std::uint64_t kEntriesMax = 2047;

using Guid = std::array<unsigned char, 16>;
// 8B7CA206-4790-4B9A-B8FE-575F050F886E and 2FA54224-CD1B-4876-B211-5DBED83BF4B8, as on disk.
constexpr Guid kMetadataRegion{0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B,
                               0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E};
constexpr Guid kVirtualDiskSize{0x24, 0x42, 0xA5, 0x2F, 0x1B, 0xCD, 0x76, 0x48,
                                0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8};

bool has_guid(std::span<const std::byte> data, std::size_t at, const Guid& guid) {
  return std::equal(guid.begin(), guid.end(), data.begin() + static_cast<std::ptrdiff_t>(at),
                    [](unsigned char a, std::byte b) { return std::byte{a} == b; });
}

// CRC-32C of a table whose own checksum field (at 4) counts as zero. Once per VHDX: no table
// needed.
std::uint32_t table_crc32c(std::span<const std::byte> table) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (std::size_t i = 0; i < table.size(); ++i) {
    crc ^= i >= 4 && i < 8 ? 0 : std::to_integer<std::uint32_t>(table[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82F63B78 & (0 - (crc & 1)));
  }
  return ~crc;
}

struct Region {
  std::uint64_t offset;
  std::uint64_t bytes;
};

bool sane(const Region& region) {
  return region.offset >= kRegionAlignment && region.offset <= kVirtualBytesMax &&
         region.offset % kRegionAlignment == 0 && region.bytes >= kTableBytes;
}

// Whether the eight bytes of VirtualDiskSize can be there.
bool sane_item(std::uint64_t offset, std::uint64_t region_bytes) {
  return offset >= kTableBytes && offset + 8 <= region_bytes;
}

// 2.2.3: "regi", CRC-32C, count at 8; entries of 32 bytes from 16: GUID, offset, length, flags.
std::optional<Region> find_metadata_region(std::span<const std::byte> table) {
  if (!has_text(table, 0, "regi") || read_le(table, 4, 4) != table_crc32c(table)) {
    return std::nullopt;
  }
  const std::uint64_t count = read_le(table, 8, 4);
  if (count > kEntriesMax) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = 16 + i * 32;
    if (at + 32 > table.size()) break;
    if (!has_guid(table, at, kMetadataRegion)) continue;
    const Region region{read_le(table, at + 16, 8), read_le(table, at + 24, 4)};
    return sane(region) ? std::optional(region) : std::nullopt;
  }
  return std::nullopt;
}

// 2.6.1: "metadata", count at 10; entries of 32 bytes from 32: GUID, offset in the region (64 KiB
// or more), length, flags. Answers the offset in the region of the eight bytes of VirtualDiskSize.
std::optional<std::uint64_t> find_size_item(std::span<const std::byte> table,
                                            std::uint64_t region_bytes) {
  if (!has_text(table, 0, "metadata")) return std::nullopt;
  const std::uint64_t count = read_le(table, 10, 2);
  if (count > kEntriesMax) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = 32 + i * 32;
    if (at + 32 > table.size()) break;
    if (!has_guid(table, at, kVirtualDiskSize)) continue;
    const std::uint64_t offset = read_le(table, at + 16, 4);
    const bool good = sane_item(offset, region_bytes) && read_le(table, at + 20, 4) == 8;
    return good ? std::optional(offset) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

VhdxScan::VhdxScan() {
  window_of(Stage::kSignature, 0);
}

void VhdxScan::window_of(Stage stage, std::uint64_t size_offset) {
  switch (stage) {
    case Stage::kSignature:
      return want(stage, 0, 8);
    case Stage::kRegionTable:
      return want(stage, kRegionTableOffset, kTableBytes);
    case Stage::kRegionTableCopy:
      return want(stage, kRegionTableCopyOffset, kTableBytes);
    case Stage::kMetadata:
      return want(stage, metadata_offset_, kTableBytes);
    case Stage::kSize:
      return want(stage, size_offset, 8);
    case Stage::kEnd:
      return want(stage, 0, 0);
  }
}

void VhdxScan::want(Stage stage, std::uint64_t offset, std::size_t bytes) {
  stage_ = stage;
  window_offset_ = offset;
  window_bytes_ = bytes;
  window_.clear();
}

void VhdxScan::update(std::uint64_t offset, std::span<const std::byte> data) {
  while (stage_ != Stage::kEnd) {
    const std::uint64_t next = window_offset_ + window_.size();  // the first byte still wanted
    if (next < offset || next - offset >= data.size()) return;
    const auto here = data.subspan(static_cast<std::size_t>(next - offset));
    const auto piece = here.first(std::min(here.size(), window_bytes_ - window_.size()));
    window_.insert(window_.end(), piece.begin(), piece.end());
    if (window_.size() == window_bytes_) window_full();
  }
}

void VhdxScan::window_full() {
  const auto end = [this] {
    window_of(Stage::kEnd, 0);
    window_.shrink_to_fit();
  };
  switch (stage_) {
    case Stage::kSignature:
      if (!has_text(window_, 0, "vhdxfile")) return end();
      return window_of(Stage::kRegionTable, 0);
    case Stage::kRegionTable:
    case Stage::kRegionTableCopy:
      if (const auto region = find_metadata_region(window_)) {
        metadata_offset_ = region->offset;
        metadata_bytes_ = region->bytes;
        return window_of(Stage::kMetadata, 0);
      }
      if (stage_ == Stage::kRegionTableCopy) return end();
      return window_of(Stage::kRegionTableCopy, 0);
    case Stage::kMetadata:
      if (const auto item = find_size_item(window_, metadata_bytes_)) {
        return window_of(Stage::kSize, metadata_offset_ + *item);
      }
      return end();
    case Stage::kSize: {
      const std::uint64_t size = read_le(window_, 0, 8);
      if (size > 0 && size <= kVirtualBytesMax) virtual_bytes_ = size;
      return end();
    }
    case Stage::kEnd:
      return;
  }
}

// The stages before the metadata lie at fixed places; a window says the rest of itself.
void VhdxScan::save(StateWriter& state) const {
  state.number(static_cast<unsigned>(stage_), 1);
  if (stage_ == Stage::kMetadata || stage_ == Stage::kSize) {
    state.number(metadata_offset_, 8);
    state.number(metadata_bytes_, 4);
  }
  if (stage_ == Stage::kSize) state.number(window_offset_, 8);
  if (stage_ == Stage::kEnd) state.number(virtual_bytes_.value_or(0), 8);
  state.run(window_);
}

std::optional<VhdxScan> VhdxScan::restore(StateReader& state, std::uint64_t size) {
  VhdxScan scan;
  const std::uint64_t number = state.number(1);
  if (number > static_cast<unsigned>(Stage::kEnd)) return std::nullopt;
  const auto stage = static_cast<Stage>(number);
  if (stage == Stage::kMetadata || stage == Stage::kSize) {
    scan.metadata_offset_ = state.number(8);
    scan.metadata_bytes_ = state.number(4);
    if (!sane(Region{scan.metadata_offset_, scan.metadata_bytes_})) return std::nullopt;
  }
  scan.window_of(stage, stage == Stage::kSize ? state.number(8) : 0);
  if (stage == Stage::kSize &&
      (scan.window_offset_ < scan.metadata_offset_ ||
       !sane_item(scan.window_offset_ - scan.metadata_offset_, scan.metadata_bytes_))) {
    return std::nullopt;
  }
  if (stage == Stage::kEnd) {
    const std::uint64_t virtual_bytes = state.number(8);
    if (virtual_bytes > kVirtualBytesMax) return std::nullopt;
    if (virtual_bytes > 0) scan.virtual_bytes_ = virtual_bytes;
    return scan;
  }
  // A window that is full is gone, and one is opened no later than when it begins.
  const std::uint64_t filled = size - std::min(size, scan.window_offset_);
  if (filled >= scan.window_bytes_) return std::nullopt;
  const auto seen = state.run(static_cast<std::size_t>(filled));
  scan.window_.assign(seen.begin(), seen.end());
  return scan;
}

}  // namespace strata::codec
