#include "strata/codec/encoding.h"

#include <array>
#include <cstdint>

namespace strata::codec {
namespace {

struct Name {
  Encoding encoding;
  std::string_view name;
  std::string_view suffix;
};

constexpr std::array<Name, 4> kNames{{{Encoding::kIdentity, "identity", ""},
                                      {Encoding::kGzip, "gzip", ".gz"},
                                      {Encoding::kXz, "xz", ".xz"},
                                      {Encoding::kZstd, "zstd", ".zst"}}};

bool starts_with(std::span<const std::byte> head, std::initializer_list<unsigned> magic) {
  if (head.size() < magic.size()) return false;
  std::size_t i = 0;
  for (const unsigned byte : magic) {
    if (std::to_integer<unsigned>(head[i++]) != byte) return false;
  }
  return true;
}

bool is_zstd_skippable(std::span<const std::byte> head) {
  return head.size() >= 4 && (head[0] & std::byte{0xF0}) == std::byte{0x50} &&
         starts_with(head.subspan(1), {0x2A, 0x4D, 0x18});
}

}  // namespace

Encoding detect_encoding(std::span<const std::byte> head) {
  // RFC 1952: ID1, ID2 and CM = 8, the only compression method there ever was.
  if (starts_with(head, {0x1F, 0x8B, 0x08})) return Encoding::kGzip;
  if (starts_with(head, {0xFD, '7', 'z', 'X', 'Z', 0x00})) return Encoding::kXz;
  if (starts_with(head, {0x28, 0xB5, 0x2F, 0xFD})) return Encoding::kZstd;
  if (is_zstd_skippable(head)) return Encoding::kZstd;
  return Encoding::kIdentity;
}

std::string_view encoding_name(Encoding encoding) {
  return kNames[static_cast<std::size_t>(encoding)].name;
}

std::optional<Encoding> encoding_from_name(std::string_view name) {
  for (const Name& entry : kNames) {
    if (entry.name == name) return entry.encoding;
  }
  return std::nullopt;
}

std::string_view encoding_suffix(Encoding encoding) {
  return kNames[static_cast<std::size_t>(encoding)].suffix;
}

}  // namespace strata::codec
