#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/codec/saved_bytes.h"

namespace strata::codec {

// Finds the virtual size of a VHDX (Microsoft [MS-VHDX]) in one pass: region table (192 KiB, a copy
// at 256 KiB) -> metadata table -> item VirtualDiskSize. Each lies behind the one before, so one
// window into the stream is enough; it holds 64 KiB at most.
class VhdxScan {
 public:
  VhdxScan();
  // Every byte of the stream, in order; `offset` is that of data[0].
  void update(std::uint64_t offset, std::span<const std::byte> data);
  [[nodiscard]] std::optional<std::uint64_t> virtual_bytes() const { return virtual_bytes_; }

  void save(StateWriter& state) const;
  // After `size` bytes of the stream; nullopt for what save() cannot have written then.
  [[nodiscard]] static std::optional<VhdxScan> restore(StateReader& state, std::uint64_t size);

 private:
  enum class Stage { kSignature, kRegionTable, kRegionTableCopy, kMetadata, kSize, kEnd };

  void window_of(Stage stage, std::uint64_t size_offset);
  void want(Stage stage, std::uint64_t offset, std::size_t bytes);
  void window_full();

  Stage stage_ = Stage::kSignature;
  std::uint64_t window_offset_ = 0;
  std::size_t window_bytes_ = 0;
  std::vector<std::byte> window_;
  std::uint64_t metadata_offset_ = 0;
  std::uint64_t metadata_bytes_ = 0;
  std::optional<std::uint64_t> virtual_bytes_;
};

}  // namespace strata::codec
