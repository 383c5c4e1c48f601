#include <algorithm>
#include <array>

#include "storage/codec/disk_headers.h"
#include "storage/codec/vhdx_scan.h"
#include "strata/codec/disk_format.h"

namespace strata::codec {
namespace {

struct Name {
  DiskFormat format;
  std::string_view name;
};

constexpr std::array<Name, 7> kNames{{{DiskFormat::kRaw, "raw"},
                                      {DiskFormat::kQcow2, "qcow2"},
                                      {DiskFormat::kVmdk, "vmdk"},
                                      {DiskFormat::kVdi, "vdi"},
                                      {DiskFormat::kVhd, "vhd"},
                                      {DiskFormat::kVhdx, "vhdx"},
                                      {DiskFormat::kIso, "iso"}}};

// ECMA-119: the volume descriptors begin at sector 16; type 1 is the primary one, then the
// identifier and version 1.
constexpr std::uint64_t kIsoOffset = 32768;
constexpr std::string_view kIsoDescriptor(
    "\x01"
    "CD001"
    "\x01",
    7);

// The `Bytes` bytes of the stream from `Offset` on.
template <std::uint64_t Offset, std::size_t Bytes>
class Window {
 public:
  void update(std::uint64_t offset, std::span<const std::byte> data) {
    const std::uint64_t next = Offset + filled_;
    if (filled_ == Bytes || next < offset || next - offset >= data.size()) return;
    const auto here = data.subspan(static_cast<std::size_t>(next - offset));
    const std::size_t count = std::min(here.size(), Bytes - filled_);
    std::copy_n(here.begin(), count, bytes_.begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += count;
  }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::span(bytes_).first(filled_);
  }
  // As it is after `size` bytes of the stream.
  void restore(StateReader& state, std::uint64_t size) {
    filled_ =
        static_cast<std::size_t>(std::min<std::uint64_t>(size - std::min(size, Offset), Bytes));
    std::ranges::copy(state.run(filled_), bytes_.begin());
  }

 private:
  std::array<std::byte, Bytes> bytes_{};
  std::size_t filled_ = 0;
};

constexpr std::string_view kMagic = "SDpr";
constexpr std::uint8_t kVersion = 1;

// The last bytes of the stream so far; all zero before there were as many.
class Tail {
 public:
  void update(std::span<const std::byte> data) {
    if (data.size() > bytes_.size()) data = data.last(bytes_.size());
    std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(data.size()), bytes_.end(),
              bytes_.begin());
    std::copy(data.begin(), data.end(), bytes_.end() - static_cast<std::ptrdiff_t>(data.size()));
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::array<std::byte, kVhdFooterBytes> bytes_{};
};

}  // namespace

std::string_view disk_format_name(DiskFormat format) {
  return kNames[static_cast<std::size_t>(format)].name;
}

std::optional<DiskFormat> disk_format_from_name(std::string_view name) {
  for (const Name& entry : kNames) {
    if (entry.name == name) return entry.format;
  }
  return std::nullopt;
}

struct DiskProbe::State {
  std::uint64_t size = 0;
  Window<0, kDiskHeadBytes> head;
  Window<kIsoOffset, kIsoDescriptor.size()> iso;
  VhdxScan vhdx;
  Tail tail;
};

DiskProbe::DiskProbe() : state_(std::make_unique<State>()) {}
DiskProbe::~DiskProbe() = default;
DiskProbe::DiskProbe(DiskProbe&&) noexcept = default;
DiskProbe& DiskProbe::operator=(DiskProbe&&) noexcept = default;

std::uint64_t DiskProbe::bytes() const {
  return state_->size;
}

void DiskProbe::update(std::span<const std::byte> data) {
  state_->head.update(state_->size, data);
  state_->iso.update(state_->size, data);
  state_->vhdx.update(state_->size, data);
  state_->tail.update(data);
  state_->size += data.size();
}

// What a hypervisor would recognise first wins: an ISO's first 32 KiB are free for anybody, so a
// disk header there makes it that disk; a fixed VHD is only its footer behind a raw disk.
DiskInfo DiskProbe::finish() {
  const State& seen = *state_;
  if (const auto info = read_disk_head(seen.head.bytes())) return *info;
  if (const auto size = seen.vhdx.virtual_bytes()) return {DiskFormat::kVhdx, *size};
  const auto footer = read_vhd_footer(seen.tail.bytes());
  if (footer && footer->fixed && footer->virtual_bytes == seen.size - kVhdFooterBytes) {
    return {DiskFormat::kVhd, footer->virtual_bytes};
  }
  if (has_text(seen.iso.bytes(), 0, kIsoDescriptor)) return {DiskFormat::kIso, seen.size};
  return {DiskFormat::kRaw, seen.size};
}

std::string DiskProbe::save() const {
  const State& seen = *state_;
  StateWriter state;
  state.run(kMagic);
  state.number(kVersion, 1);
  state.number(seen.size, 8);
  state.run(seen.head.bytes());
  state.run(seen.iso.bytes());
  // Before there are more, the last bytes are the first ones.
  if (seen.size > kDiskHeadBytes) state.run(seen.tail.bytes());
  seen.vhdx.save(state);
  state.seal();
  return state.take();
}

Result<DiskProbe> DiskProbe::restore(std::span<const std::byte> saved) {
  STRATA_TRY(const auto fields, open_state(saved, "disk probe", kMagic, kVersion));
  StateReader state(fields);
  DiskProbe probe;
  State& seen = *probe.state_;
  seen.size = state.number(8);
  seen.head.restore(state, seen.size);
  seen.iso.restore(state, seen.size);
  const bool has_tail = seen.size > kDiskHeadBytes;
  seen.tail.update(has_tail ? state.run(kVhdFooterBytes) : seen.head.bytes());
  auto vhdx = VhdxScan::restore(state, seen.size);
  if (!vhdx) return corrupt_state("disk probe", "has a VHDX scan that cannot be");
  seen.vhdx = *std::move(vhdx);
  if (!state.ended()) return corrupt_state("disk probe", "has another length");
  return probe;
}

}  // namespace strata::codec
