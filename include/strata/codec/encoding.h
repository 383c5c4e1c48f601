#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

// How stored bytes are encoded, found by magic bytes and never by name.
namespace strata::codec {

enum class Encoding : unsigned char { kIdentity, kGzip, kXz, kZstd };

inline constexpr std::size_t kMagicBytes = 6;  // enough to tell any of them

// From the first kMagicBytes of a stream, or all of it when it is shorter. A zstd skippable frame
// (0x184D2A50-5F) counts as zstd.
[[nodiscard]] Encoding detect_encoding(std::span<const std::byte> head);

[[nodiscard]] std::string_view encoding_name(Encoding encoding);  // identity, gzip, xz, zstd
[[nodiscard]] std::optional<Encoding> encoding_from_name(std::string_view name);
// ".gz", ".xz", ".zst"; empty for identity.
[[nodiscard]] std::string_view encoding_suffix(Encoding encoding);

}  // namespace strata::codec
