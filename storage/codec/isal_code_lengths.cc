#include "storage/codec/isal_code_lengths.h"

#include <array>
#include <cstdint>
#include <iterator>

// igzip/igzip_inflate.c of ISA-L 2.30. A table is looked up with the next bits of the stream. An
// entry of the short one has a symbol and the length of its code, or where in the long one to look
// with more bits. Length 0: no such code. In the table of literals
//   - a length symbol and its extra bits are one code, as if each length had a symbol of its own:
//     256 is the end of the block, 254 + n the length n;
//   - an entry may have two or three symbols, literals but for the last one, with their total.
namespace strata::codec {
namespace {

constexpr std::uint32_t kEndOfBlock = 256;
constexpr std::uint32_t kLengthBase = 254;
constexpr std::uint32_t kLongest = kLengthBase + 258;
// That length has a symbol of its own, and is also what 284 with all extra bits set means.
constexpr std::size_t kSymbol284 = 284;
constexpr std::size_t kSymbol285 = 285;
constexpr unsigned kExtraBits284 = 5;

// Codes have up to 15 bits, and 5 extra ones.
constexpr unsigned kSpaceBits = 21;
constexpr std::uint32_t space_of(unsigned length) {
  return std::uint32_t{1} << (kSpaceBits - length);
}

// Where a code and its extra bits were found: the bits, the first one lowest, and how many.
struct Found {
  std::uint32_t bits = 0;
  unsigned length = 0;
  [[nodiscard]] Found first(unsigned count) const {
    return {bits & ((std::uint32_t{1} << count) - 1), count};
  }
  bool operator==(const Found&) const = default;
};

// RFC 1951 section 3.2.5: the symbol of each symbol of the table from 257 on, and its extra bits.
struct Meaning {
  std::uint16_t symbol;
  std::uint8_t extra_bits;
};
constexpr auto kMeanings = [] {
  std::array<Meaning, kLongest - kEndOfBlock - 1> meanings{};
  std::size_t at = 0;
  for (std::uint16_t symbol = 257; symbol <= kSymbol284; ++symbol) {
    const auto extra = static_cast<std::uint8_t>(symbol < 265 ? 0 : (symbol - 261) / 4);
    for (unsigned i = 0; i < 1U << extra && at < meanings.size(); ++i) {
      meanings[at++] = {symbol, extra};
    }
  }
  return meanings;
}();
static_assert(kMeanings.back().symbol == kSymbol284 &&
              kMeanings.back().extra_bits == kExtraBits284);

class LiteralReader {
 public:
  explicit LiteralReader(const inflate_huff_code_large& table) : table_(table) {}

  [[nodiscard]] bool read(std::array<std::uint8_t, kLiteralCodes>& lengths) {
    for (std::uint32_t bits = 0; bits < std::size(table_.short_code_lookup); ++bits) {
      if (!read_short(bits)) return false;
    }
    std::uint32_t filled = gaps_;
    for (std::size_t symbol = 0; symbol < kLiteralCodes; ++symbol) {
      const unsigned length = symbol == kSymbol285 ? length_285() : lengths_[symbol];
      if (length > ISAL_DEF_MAX_CODE_LEN) return false;
      if (length > 0) filled += space_of(length);
      lengths[symbol] = static_cast<std::uint8_t>(length);
    }
    return filled == space_of(0);
  }

 private:
  // Bits 28 to 31 length, 26 and 27 number of symbols, 0 to 24 symbols of eight bits, the last one
  // of more; or 26 to 31 length of the longest code, bit 25 set, 0 to 24 index into the long table.
  bool read_short(std::uint32_t bits) {
    const std::uint32_t entry = table_.short_code_lookup[bits];
    const std::uint32_t symbols = entry & 0x1FFFFFF;
    if ((entry >> 25 & 1) != 0) return read_long(bits, symbols, entry >> 26);
    const unsigned length = entry >> 28;
    if (length == 0) {
      gaps_ += space_of(ISAL_DECODE_LONG_BITS);
      return true;
    }
    // A literal whose code is short is found alone, or where its code repeats.
    const std::uint32_t first = symbols & 0xFF;
    switch (entry >> 26 & 3) {
      case 1:
        return note(symbols, {bits, length});
      case 2:
        return symbols >> 8 != first || note(first, {bits, length / 2});
      case 3:
        return symbols >> 8 != (first << 8 | first) || note(first, {bits, length / 3});
      default:
        return false;
    }
  }

  // Bits 10 to 15 length, 0 to 9 symbol.
  bool read_long(std::uint32_t bits, std::size_t from, unsigned longest) {
    if (longest <= ISAL_DECODE_LONG_BITS || longest > kSpaceBits) return false;
    const std::uint32_t count = std::uint32_t{1} << (longest - ISAL_DECODE_LONG_BITS);
    if (from + count > std::size(table_.long_code_lookup)) return false;
    for (std::uint32_t more = 0; more < count; ++more) {
      const unsigned entry = table_.long_code_lookup[from + more];
      const unsigned length = entry >> 10;
      if (length == 0) {
        gaps_ += space_of(longest);
      } else if (!note(entry & 0x3FF, {bits | more << ISAL_DECODE_LONG_BITS, length})) {
        return false;
      }
    }
    return true;
  }

  bool note(std::uint32_t symbol, const Found& found) {
    if (symbol <= kEndOfBlock) {
      lengths_[symbol] = static_cast<std::uint8_t>(found.length);
      return true;
    }
    if (symbol > kLongest) return false;
    if (symbol == kLongest) return note_longest(found.first(found.length));
    const Meaning meaning = kMeanings[symbol - kEndOfBlock - 1];
    if (found.length <= meaning.extra_bits) return false;
    const unsigned length = found.length - meaning.extra_bits;
    lengths_[meaning.symbol] = static_cast<std::uint8_t>(length);
    if (meaning.symbol == kSymbol284) code_284_ = found.first(length);
    return true;
  }

  bool note_longest(const Found& code) {
    for (Found& known : longest_) {
      if (known.length == 0) known = code;
      if (known == code) return true;
    }
    return false;
  }

  [[nodiscard]] unsigned length_285() const {
    for (const Found& code : longest_) {
      const bool is_284 = code_284_.length > 0 && code.length == code_284_.length + kExtraBits284 &&
                          code.first(code_284_.length) == code_284_;
      if (code.length > 0 && !is_284) return code.length;
    }
    return 0;
  }

  const inflate_huff_code_large& table_;
  std::array<std::uint8_t, kLiteralCodes> lengths_{};
  std::array<Found, 2> longest_{};
  Found code_284_{};
  std::uint32_t gaps_ = 0;
};

// Short: bits 11 to 15 length, 0 to 4 symbol; or 11 to 15 length of the longest code, bit 10 set,
// 0 to 8 index into the long table. Long: bits 10 to 15 length, 0 to 4 symbol.
bool read_distances(const inflate_huff_code_small& table,
                    std::array<std::uint8_t, kDistanceCodes>& lengths) {
  std::uint32_t gaps = 0;
  const auto note = [&](std::size_t symbol, unsigned length, unsigned looked_at) {
    if (length == 0 || symbol >= kDistanceCodes) {
      gaps += space_of(looked_at);
    } else {
      lengths[symbol] = static_cast<std::uint8_t>(length);
    }
  };
  for (const unsigned entry : table.short_code_lookup) {
    const unsigned length = entry >> 11;
    if ((entry >> 10 & 1) == 0) {
      note(entry & 0x1F, length, ISAL_DECODE_SHORT_BITS);
      continue;
    }
    if (length <= ISAL_DECODE_SHORT_BITS || length > ISAL_DEF_MAX_CODE_LEN) return false;
    const std::size_t from = entry & 0x1FF;
    const std::size_t count = std::size_t{1} << (length - ISAL_DECODE_SHORT_BITS);
    if (from + count > std::size(table.long_code_lookup)) return false;
    for (std::size_t i = from; i < from + count; ++i) {
      const unsigned found = table.long_code_lookup[i];
      note(found & 0x1F, found >> 10, length);
    }
  }
  std::uint32_t filled = gaps;
  for (const unsigned length : lengths) {
    if (length > ISAL_DEF_MAX_CODE_LEN) return false;
    if (length > 0) filled += space_of(length);
  }
  return filled == space_of(0);
}

}  // namespace

std::optional<CodeLengths> code_lengths_of(const inflate_state& state) {
  CodeLengths lengths;
  if (!LiteralReader(state.lit_huff_code).read(lengths.literal) ||
      !read_distances(state.dist_huff_code, lengths.distance)) {
    return std::nullopt;
  }
  return lengths;
}

}  // namespace strata::codec
