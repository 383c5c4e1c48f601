#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "storage/codec/saved_bytes.h"

namespace strata::codec {

// Reads one gzip member header (RFC 1952 section 2.3) that arrives in pieces of any size. Keeps
// nothing of FEXTRA, FNAME and FCOMMENT, so their length costs no memory; verifies FHCRC.
class GzipHeader {
 public:
  // Takes bytes up to the end of the header; returns how many.
  std::size_t feed(std::span<const std::byte> in);
  [[nodiscard]] bool done() const { return field_ == Field::kDone; }
  // Set once the header cannot be right.
  [[nodiscard]] std::optional<std::string_view> error() const { return error_; }

  void save(StateWriter& state) const;
  // A header that is neither done nor wrong; nullopt for what save() cannot have written.
  [[nodiscard]] static std::optional<GzipHeader> restore(StateReader& state);

 private:
  // The numbers are those of storage/FORMAT.md.
  enum class Field { kFixed, kExtraLength, kExtra, kName, kComment, kCrc, kDone };

  [[nodiscard]] bool consistent() const;
  void take(std::uint8_t byte);
  void take_fixed(std::uint8_t byte);
  void take_crc(std::uint8_t byte);
  void next_after(Field field);

  Field field_ = Field::kFixed;
  std::uint8_t flags_ = 0;
  std::uint32_t index_ = 0;  // within the field
  std::uint32_t extra_left_ = 0;
  std::uint32_t crc_ = 0;         // of the bytes before FHCRC
  std::uint32_t stored_crc_ = 0;  // its low 16 bits, as stored
  std::optional<std::string_view> error_;
};

}  // namespace strata::codec
