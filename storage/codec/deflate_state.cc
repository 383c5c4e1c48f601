#include "storage/codec/deflate_state.h"

#include <algorithm>

namespace strata::codec {
namespace {

// HLIT, HDIST and HCLEN of a block that gives every length (RFC 1951 section 3.2.7), and the code
// that it gives them in: four bits for each of 0 to 15; 16, 17 and 18, which repeat, are not used.
constexpr std::uint64_t kAllLiteral = kLiteralCodes - 257;
constexpr std::uint64_t kAllDistance = kDistanceCodes - 1;
constexpr std::uint64_t kAllLengths = 19 - 4;
constexpr unsigned kRepeats = 3;
constexpr unsigned kLengthBits = 4;
constexpr unsigned kLengthMax = 15;

// Huffman codes are the one thing that is packed from its most significant bit (section 3.1.1).
std::uint64_t reversed(unsigned value) {
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < kLengthBits; ++i) bits |= (value >> i & 1U) << (kLengthBits - 1 - i);
  return bits;
}

template <typename Lengths>
void save_lengths(StateWriter& state, const Lengths& lengths) {
  for (std::size_t i = 0; i < lengths.size(); i += 2) {
    state.number(static_cast<unsigned>(lengths[i] << 4 | lengths[i + 1]), 1);
  }
}

template <typename Lengths>
void restore_lengths(StateReader& state, Lengths& lengths) {
  static_assert(std::tuple_size_v<Lengths> % 2 == 0);
  for (std::size_t i = 0; i < lengths.size(); i += 2) {
    const auto pair = state.number<std::uint8_t>();
    lengths[i] = pair >> 4;
    lengths[i + 1] = pair & kLengthMax;
  }
}

std::optional<BitString> restore_bits(StateReader& state) {
  const std::size_t size = state.number(2);
  if (size > kDeflateUnreadBitsMax) return std::nullopt;
  BitString bits;
  const std::string bytes = state.text((size + 7) / 8);
  if (state.cut()) return std::nullopt;
  bits.add(std::string_view(bytes).substr(0, size / 8));
  if (size % 8 == 0) return bits;
  const auto last = static_cast<std::uint8_t>(bytes.back());
  if (last >> (size % 8) != 0) return std::nullopt;  // one form only
  bits.add(last, size % 8);
  return bits;
}

}  // namespace

void BitString::add(std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count;) {
    if (size_ % 8 == 0) bytes_ += '\0';
    const std::size_t take = std::min(count - i, 8 - size_ % 8);
    const std::uint64_t bits = value >> i & ((std::uint64_t{1} << take) - 1);
    bytes_.back() = static_cast<char>(static_cast<std::uint8_t>(bytes_.back()) | bits << size_ % 8);
    size_ += take;
    i += take;
  }
}

void BitString::add(std::string_view whole_bytes) {
  for (const char byte : whole_bytes) add(static_cast<std::uint8_t>(byte), 8);
}

void BitString::align() {
  size_ = 8 * bytes_.size();
}

std::uint8_t BitString::lead() const {
  if (lead_size() == 0) return 0;
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(bytes_[0]) &
                                   ((1U << lead_size()) - 1));
}

std::string BitString::behind_lead() const {
  if (lead_size() == 0) return bytes_;
  std::string whole(size_ / 8, '\0');
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const unsigned pair = static_cast<std::uint8_t>(bytes_[i]) |
                          static_cast<unsigned>(static_cast<std::uint8_t>(bytes_[i + 1])) << 8;
    whole[i] = static_cast<char>(pair >> lead_size() & 0xFF);
  }
  return whole;
}

const CodeLengths& CodeLengths::fixed() {
  static const CodeLengths kFixed = [] {
    CodeLengths lengths;
    for (std::size_t i = 0; i < kLiteralCodes; ++i) {
      lengths.literal[i] = i < 144 || i >= 280 ? 8 : i < 256 ? 9 : 7;
    }
    lengths.distance.fill(5);
    return lengths;
  }();
  return kFixed;
}

BitString DeflateState::block_header() const {
  BitString header;
  header.add(final_block ? 1 : 0, 1);
  switch (at) {
    case At::kStored:
      header.add(0, 2);
      header.align();
      header.add(stored_left, 16);
      header.add(~std::uint64_t{stored_left}, 16);
      break;
    case At::kFixed:
      header.add(1, 2);
      break;
    case At::kDynamic:
      header.add(2, 2);
      header.add(kAllLiteral, 5);
      header.add(kAllDistance, 5);
      header.add(kAllLengths, 4);
      for (unsigned i = 0; i < kAllLengths + 4; ++i) header.add(i < kRepeats ? 0 : kLengthBits, 3);
      for (const std::uint8_t length : lengths.literal) header.add(reversed(length), kLengthBits);
      for (const std::uint8_t length : lengths.distance) header.add(reversed(length), kLengthBits);
      break;
    case At::kBlockHeader:
    case At::kEnded:
      check(false, "block_header: not in a block");
  }
  return header;
}

void DeflateState::save(StateWriter& state) const {
  state.number(static_cast<unsigned>(at), 1);
  if (in_block()) state.number(final_block ? 1 : 0, 1);
  if (at == At::kStored) state.number(stored_left, 2);
  if (at == At::kDynamic) {
    save_lengths(state, lengths.literal);
    save_lengths(state, lengths.distance);
  }
  state.number(unread.size(), 2);
  state.run(unread.bytes());
  state.number(pending, 4);
  state.number(window.size(), 4);
  state.run(window);
}

std::optional<DeflateState> DeflateState::restore(StateReader& state) {
  DeflateState deflate;
  const auto at = state.number<std::uint8_t>();
  if (at > static_cast<unsigned>(At::kEnded)) return std::nullopt;
  deflate.at = static_cast<At>(at);
  if (deflate.in_block()) {
    const auto final_block = state.number<std::uint8_t>();
    if (final_block > 1) return std::nullopt;
    deflate.final_block = final_block == 1;
  }
  if (deflate.at == At::kStored) deflate.stored_left = state.number<std::uint16_t>();
  if (deflate.at == At::kDynamic) {
    restore_lengths(state, deflate.lengths.literal);
    restore_lengths(state, deflate.lengths.distance);
    if (deflate.lengths == CodeLengths::fixed()) return std::nullopt;  // one form only
  }
  auto unread = restore_bits(state);
  if (!unread) return std::nullopt;
  deflate.unread = *std::move(unread);
  deflate.pending = state.number(4);
  const std::size_t window_size = state.number(4);
  if (deflate.pending > kDeflatePendingBytesMax || deflate.pending > window_size ||
      window_size > std::max(deflate.pending, kDeflateWindowBytes)) {
    return std::nullopt;
  }
  deflate.window = state.text(window_size);
  // Stored blocks and what is behind the last block are whole bytes.
  const bool whole = deflate.at == At::kStored || deflate.at == At::kEnded;
  if (whole && deflate.unread.lead_size() != 0) return std::nullopt;
  if (deflate.at == At::kStored && deflate.stored_left == 0) return std::nullopt;
  // An end with nothing pending is seen at once.
  if (deflate.at == At::kEnded &&
      (deflate.pending == 0 || deflate.pending != window_size || deflate.unread.size() > 64)) {
    return std::nullopt;
  }
  return deflate;
}

}  // namespace strata::codec
