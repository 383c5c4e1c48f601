#include "storage/client/sparse_writer.h"

#include <algorithm>
#include <array>

#include "storage/io/zeros.h"

namespace strata::client {
namespace {

// Zeros do not wait for more than this: what waits is neither progress nor digested.
constexpr std::uint64_t kWaitingMax = 1 << 20;

constexpr std::uint64_t align_down(std::uint64_t offset) {
  return offset - offset % kHoleAlignment;
}
constexpr std::uint64_t align_up(std::uint64_t offset) {
  return align_down(offset + kHoleAlignment - 1);
}

struct Stretch {
  std::size_t bytes;
  bool zero;
};

// The blocks (of the file) at the start of `data` that are all zeros, or that are all not.
Stretch first_stretch(std::span<const std::byte> data, std::uint64_t offset) {
  const auto head =
      std::min<std::uint64_t>(data.size(), align_down(offset) + kHoleAlignment - offset);
  Stretch stretch{static_cast<std::size_t>(head), io::all_zero(data.first(head))};
  while (stretch.bytes < data.size()) {
    const auto rest = data.subspan(stretch.bytes);
    const auto block = rest.first(std::min<std::size_t>(rest.size(), kHoleAlignment));
    if (io::all_zero(block) != stretch.zero) break;
    stretch.bytes += block.size();
  }
  return stretch;
}

Status fill(io::File& file, std::uint64_t offset, std::uint64_t end) {
  static constexpr std::array<std::byte, kHoleBytesMin> kZeros{};
  while (offset < end) {
    const auto count = std::min<std::uint64_t>(end - offset, kZeros.size());
    if (auto status = file.write_at(offset, std::span(kZeros).first(count)); !status) return status;
    offset += count;
  }
  return {};
}

}  // namespace

Status make_hole(io::File& file, std::uint64_t offset, std::uint64_t bytes) {
  STRATA_TRY(const bool punched, file.punch_hole(offset, bytes));
  if (!punched) return fill(file, offset, offset + bytes);
  STRATA_TRY(const std::uint64_t size, file.size());
  return size < offset + bytes ? file.truncate(offset + bytes) : Status();
}

Status SparseWriter::append(std::span<const std::byte> data) {
  while (!data.empty()) {
    const Stretch stretch = first_stretch(data, end());
    if (stretch.zero) {
      waiting_ += stretch.bytes;
    } else {
      if (auto status = flush(); !status) return status;
      if (auto status = write(data.first(stretch.bytes)); !status) return status;
    }
    data = data.subspan(stretch.bytes);
  }
  return waiting_ < kWaitingMax ? Status() : settle(align_down(end()));
}

Status SparseWriter::flush() {
  return settle(end());
}

// Writes the waiting zeros up to `end`.
Status SparseWriter::settle(std::uint64_t end) {
  const std::uint64_t hole = align_up(written_);
  const std::uint64_t hole_end = align_down(end);
  const std::uint64_t bytes_min = behind_hole_ ? kHoleAlignment : kHoleBytesMin;
  if (hole_end >= hole + bytes_min) {
    if (auto status = write_zeros(hole); !status) return status;
    if (auto status = make_hole(file_, hole, hole_end - hole); !status) return status;
    waiting_ -= hole_end - hole;
    written_ = hole_end;
    behind_hole_ = true;
  }
  return write_zeros(end);
}

Status SparseWriter::write_zeros(std::uint64_t end) {
  if (end == written_) return {};
  if (auto status = fill(file_, written_, end); !status) return status;
  waiting_ -= end - written_;
  written_ = end;
  behind_hole_ = false;
  return {};
}

Status SparseWriter::write(std::span<const std::byte> data) {
  if (auto status = file_.write_at(written_, data); !status) return status;
  written_ += data.size();
  behind_hole_ = false;
  return {};
}

}  // namespace strata::client
