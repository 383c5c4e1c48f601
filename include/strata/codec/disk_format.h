#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/result.h"

// What kind of disk image the decoded bytes are, found by content while they stream past; nothing
// is ever opened, followed or executed (CVE-2024-32498 and its family).
namespace strata::codec {

enum class DiskFormat : unsigned char { kRaw, kQcow2, kVmdk, kVdi, kVhd, kVhdx, kIso };

[[nodiscard]] std::string_view disk_format_name(DiskFormat format);  // raw, qcow2, ...
[[nodiscard]] std::optional<DiskFormat> disk_format_from_name(std::string_view name);

struct DiskInfo {
  DiskFormat format = DiskFormat::kRaw;
  // What a guest would see; the byte count itself for raw and iso.
  std::uint64_t virtual_bytes = 0;
  bool operator==(const DiskInfo&) const = default;
};

// Sees every decoded byte in order; keeps at most a few hundred KiB. One thread at a time.
class DiskProbe {
 public:
  DiskProbe();
  ~DiskProbe();
  void update(std::span<const std::byte> data);
  // Unsure or damaged headers mean raw, with virtual_bytes = the byte count.
  [[nodiscard]] DiskInfo finish();
  // The state between two bytes (storage/FORMAT.md, "Disk probe state"), at most 80 KiB; the probe
  // goes on. restore(): kCorruptData for one that is damaged, cut or of another version.
  [[nodiscard]] std::string save() const;
  [[nodiscard]] static Result<DiskProbe> restore(std::span<const std::byte> saved);
  DiskProbe(DiskProbe&&) noexcept;
  DiskProbe& operator=(DiskProbe&&) noexcept;
  [[nodiscard]] std::uint64_t bytes() const;  // seen so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::codec
