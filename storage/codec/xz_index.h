#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "storage/codec/saved_bytes.h"

namespace strata::codec {

// What the Index of an xz stream (xz file format 1.1.0, section 4) must be, known from its blocks:
//   Index = 00, number of records, { unpadded size, decoded size }, zeros up to four, CRC-32
// A number has one encoding only, so the blocks determine every byte. Of the records their length
// and CRC-64 are kept: constant size, and it can be saved, which liblzma's lzma_index_hash cannot.
// The CRC-64 is against damage, as the CRC-32 behind it is; the data has checks of its own.
class XzIndex {
 public:
  enum class Verdict { kMore, kEnd, kDamaged };

  // A block has ended. false when the index is longer than xz allows.
  [[nodiscard]] bool append(std::uint64_t unpadded_size, std::uint64_t decoded_size);
  [[nodiscard]] std::uint64_t records() const { return records_; }
  // Of the whole Index, as Backward Size of the footer must say.
  [[nodiscard]] std::uint64_t size() const;

  // After the last append: compares the Index with what it must be; `taken` counts what was read.
  [[nodiscard]] Verdict read(std::span<const std::uint8_t> in, std::size_t& taken);

  void save(StateWriter& state) const;
  // false for what save() cannot have written. `reading`: read() may have been called.
  [[nodiscard]] bool restore(StateReader& state, bool reading);

 private:
  [[nodiscard]] std::uint64_t head_size() const;  // with the indicator and the number of records
  [[nodiscard]] bool take(std::uint8_t byte);

  std::uint64_t records_ = 0;
  std::uint64_t list_size_ = 0;  // of all records
  std::uint64_t list_crc_ = 0;
  std::uint64_t read_ = 0;      // bytes of the Index
  std::uint64_t read_crc_ = 0;  // CRC-64 of the records among them
  std::uint32_t crc32_ = 0;     // of all of them before the CRC-32
};

}  // namespace strata::codec
