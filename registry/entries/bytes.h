#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Big-endian integers in keys and records: they sort as numbers.
namespace strata::entries {

inline void append_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

inline void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

// Takes four bytes from the front of `in`; nullopt when there are fewer.
inline std::optional<std::uint32_t> take_u32(std::string_view& in) {
  if (in.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(4);
  return value;
}

// Takes eight bytes from the front of `in`; nullopt when there are fewer.
inline std::optional<std::uint64_t> take_u64(std::string_view& in) {
  if (in.size() < 8) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(8);
  return value;
}

}  // namespace strata::entries
