#pragma once

#include <lzma.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/result.h"

// The bytes of saved states (storage/FORMAT.md, "Decoder state" and "Disk probe state"): unsigned
// numbers, the most significant byte first, and runs of bytes, with a CRC-64 behind all of it.
namespace strata::codec {

[[nodiscard]] inline std::uint64_t crc64(std::span<const std::byte> data, std::uint64_t crc = 0) {
  return ::lzma_crc64(reinterpret_cast<const std::uint8_t*>(data.data()), data.size(), crc);
}

// "a saved <what> state <why>"
[[nodiscard]] inline Error corrupt_state(std::string_view what, std::string_view why) {
  return Error(Errc::kCorruptData, "a saved " + std::string(what) + " state " + std::string(why));
}

class StateWriter {
 public:
  // The lowest `size` bytes of `value`.
  void number(std::uint64_t value, std::size_t size) {
    for (std::size_t i = size; i-- > 0;) bytes_ += static_cast<char>(value >> (8 * i) & 0xFF);
  }
  void run(std::span<const std::byte> data) {
    bytes_.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  void run(std::string_view data) { bytes_ += data; }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  void seal() { number(crc64(std::as_bytes(std::span(bytes_))), 8); }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Never reads beyond the end: what is missing reads as nothing, and ended() is then false for good.
class StateReader {
 public:
  explicit StateReader(std::span<const std::byte> bytes) : left_(bytes) {}

  [[nodiscard]] std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::byte byte : run(size)) value = value << 8 | std::to_integer<unsigned>(byte);
    return value;
  }
  template <typename T>
  [[nodiscard]] T number() {
    return static_cast<T>(number(sizeof(T)));
  }
  [[nodiscard]] std::span<const std::byte> run(std::size_t size) {
    if (size > left_.size()) {
      cut_ = true;
      left_ = {};
    }
    const auto taken = left_.first(cut_ ? 0 : size);
    left_ = left_.subspan(taken.size());
    return taken;
  }
  [[nodiscard]] std::string text(std::size_t size) {
    const auto taken = run(size);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  [[nodiscard]] bool cut() const { return cut_; }
  // Everything was read, and nothing was missing.
  [[nodiscard]] bool ended() const { return !cut_ && left_.empty(); }

 private:
  std::span<const std::byte> left_;
  bool cut_ = false;
};

// Four bytes of magic and one of version before the fields, the CRC-64 behind them. Answers the
// fields; the version is looked at before the checksum.
inline constexpr std::size_t kStateHeadBytes = 5;
[[nodiscard]] Result<std::span<const std::byte>> open_state(std::span<const std::byte> bytes,
                                                            std::string_view what,
                                                            std::string_view magic,
                                                            std::uint8_t version);

}  // namespace strata::codec
