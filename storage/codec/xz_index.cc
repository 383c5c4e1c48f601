#include "storage/codec/xz_index.h"

#include <lzma.h>

#include <algorithm>
#include <array>

namespace strata::codec {
namespace {

// Section 1.2: seven bits a byte, the lowest first.
struct Number {
  std::array<std::uint8_t, LZMA_VLI_BYTES_MAX> bytes{};
  std::size_t size = 0;
};

Number encode(std::uint64_t value) {
  Number number;
  const lzma_ret code =
      ::lzma_vli_encode(value, nullptr, number.bytes.data(), &number.size, number.bytes.size());
  check(code == LZMA_OK, "a number is too large for an xz index");
  return number;
}

constexpr std::uint64_t kCrcBytes = 4;

std::uint64_t padded(std::uint64_t size) {
  return (size + 3) & ~std::uint64_t{3};
}

}  // namespace

bool XzIndex::append(std::uint64_t unpadded_size, std::uint64_t decoded_size) {
  for (const std::uint64_t value : {unpadded_size, decoded_size}) {
    const Number number = encode(value);
    list_crc_ = ::lzma_crc64(number.bytes.data(), number.size, list_crc_);
    list_size_ += number.size;
  }
  ++records_;
  return size() <= LZMA_BACKWARD_SIZE_MAX;
}

std::uint64_t XzIndex::head_size() const {
  return 1 + encode(records_).size;
}

std::uint64_t XzIndex::size() const {
  return padded(head_size() + list_size_) + kCrcBytes;
}

XzIndex::Verdict XzIndex::read(std::span<const std::uint8_t> in, std::size_t& taken) {
  const std::uint64_t head = head_size();
  for (taken = 0; taken < in.size() && read_ < size();) {
    const std::uint64_t list_end = head + list_size_;
    if (read_ < head || read_ >= list_end) {
      if (!take(in[taken++])) return Verdict::kDamaged;
      continue;
    }
    const auto rest = in.subspan(taken);
    const auto run = rest.first(std::min<std::uint64_t>(rest.size(), list_end - read_));
    read_crc_ = ::lzma_crc64(run.data(), run.size(), read_crc_);
    crc32_ = ::lzma_crc32(run.data(), run.size(), crc32_);
    read_ += run.size();
    taken += run.size();
    if (read_ == list_end && read_crc_ != list_crc_) return Verdict::kDamaged;
  }
  return read_ == size() ? Verdict::kEnd : Verdict::kMore;
}

bool XzIndex::take(std::uint8_t byte) {
  const std::uint64_t crc_at = size() - kCrcBytes;
  const std::uint64_t at = read_++;
  if (at >= crc_at) return byte == (crc32_ >> (8 * (at - crc_at)) & 0xFF);
  crc32_ = ::lzma_crc32(&byte, 1, crc32_);
  const bool in_number = at > 0 && at < head_size();
  return byte == (in_number ? encode(records_).bytes[at - 1] : 0);
}

void XzIndex::save(StateWriter& state) const {
  state.number(records_, 8);
  state.number(list_size_, 8);
  state.number(list_crc_, 8);
  state.number(read_, 8);
  state.number(read_crc_, 8);
  state.number(crc32_, 4);
}

bool XzIndex::restore(StateReader& state, bool reading) {
  XzIndex index;
  index.records_ = state.number(8);
  index.list_size_ = state.number(8);
  index.list_crc_ = state.number(8);
  index.read_ = state.number(8);
  index.read_crc_ = state.number(8);
  index.crc32_ = state.number<std::uint32_t>();
  // A record has two to eighteen bytes; this also keeps the sums below from wrapping.
  if (state.cut() || index.records_ > LZMA_BACKWARD_SIZE_MAX / 2 ||
      index.list_size_ > LZMA_BACKWARD_SIZE_MAX || index.list_size_ < 2 * index.records_ ||
      index.list_size_ > 2 * LZMA_VLI_BYTES_MAX * index.records_ ||
      index.size() > LZMA_BACKWARD_SIZE_MAX) {
    return false;
  }
  if (index.records_ == 0 && index.list_crc_ != 0) return false;
  if (index.read_ > (reading ? index.size() : 0)) return false;
  if (index.read_ == 0 && (index.read_crc_ != 0 || index.crc32_ != 0)) return false;
  if (index.read_ <= index.head_size() && index.read_crc_ != 0) return false;
  *this = index;
  return true;
}

}  // namespace strata::codec
