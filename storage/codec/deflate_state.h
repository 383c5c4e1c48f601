#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "storage/codec/saved_bytes.h"

// Where a deflate stream (RFC 1951) is between two calls of an engine, in the words of the RFC and
// of no engine: so it can be saved, and continued by any engine and any version of one. What an
// engine builds for itself, its tables, it builds again, from a block header made for it; hostile
// states reach an engine only as hostile deflate data would, which is what it is made for.
namespace strata::codec {

// Bits in the order of RFC 1951 section 3.1.1: the lowest of a byte first.
class BitString {
 public:
  void add(std::uint64_t value, std::size_t count);  // up to 64, the lowest of `value`
  void add(std::string_view whole_bytes);
  void align();  // zeros up to a whole byte
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // An engine is given the first size() % 8 bits by themselves, then whole bytes.
  [[nodiscard]] std::size_t lead_size() const { return size_ % 8; }
  [[nodiscard]] std::uint8_t lead() const;
  [[nodiscard]] std::string behind_lead() const;

 private:
  std::string bytes_;
  std::size_t size_ = 0;
};

// Of the literal/length and of the distance code, 0 for symbols without a code.
inline constexpr std::size_t kLiteralCodes = 286;
inline constexpr std::size_t kDistanceCodes = 30;
struct CodeLengths {
  std::array<std::uint8_t, kLiteralCodes> literal{};
  std::array<std::uint8_t, kDistanceCodes> distance{};
  bool operator==(const CodeLengths&) const = default;
  [[nodiscard]] static const CodeLengths& fixed();  // RFC 1951 section 3.2.6
};

inline constexpr std::size_t kDeflateWindowBytes = 32 * 1024;
// ISA-L decodes ahead into a buffer of 64 KiB and finishes the match that does not fit.
inline constexpr std::size_t kDeflatePendingBytesMax = 2 * kDeflateWindowBytes + 288;
// ISA-L keeps up to 64 bits and a block header (328 bytes) that is not complete.
inline constexpr std::size_t kDeflateUnreadBitsMax = 64 + 8 * 328;

struct DeflateState {
  // The numbers are those of storage/FORMAT.md.
  enum class At : unsigned char { kBlockHeader, kStored, kFixed, kDynamic, kEnded };

  At at = At::kBlockHeader;
  bool final_block = false;       // in a block: that it is the last one
  std::uint16_t stored_left = 0;  // kStored: bytes of it that were not read
  CodeLengths lengths{};          // kDynamic
  BitString unread{};             // taken from the stream, not decoded; kEnded: of the trailer
  // The last bytes that were decoded: 32 KiB, or all when there are fewer, or those that are
  // pending when these are more. After the end only those.
  std::string window{};
  std::size_t pending = 0;  // the last of them that were not given out

  [[nodiscard]] bool in_block() const { return at != At::kBlockHeader && at != At::kEnded; }
  // What puts an engine into the same place of such a block: a block header of the same meaning.
  [[nodiscard]] BitString block_header() const;

  void save(StateWriter& state) const;
  // nullopt for what save() cannot have written.
  [[nodiscard]] static std::optional<DeflateState> restore(StateReader& state);
};

}  // namespace strata::codec
