#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/result.h"

// Text forms at the edges: hex, base64 (RFC 4648), percent-encoding (RFC 3986), numbers. All pure.
namespace strata {

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);  // lowercase
// Either case; exactly 2 * out.size() digits, else false and `out` is unspecified.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::uint8_t> out);

[[nodiscard]] std::string to_base64(std::span<const std::uint8_t> bytes);  // padded
// Strict: canonical padding, no white space.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

// Everything but unreserved characters (A-Za-z0-9-._~) and those in `keep` becomes %XX.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view keep = {});
// nullopt on a bad escape. '+' stays '+'.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

// Decimal digits only (no sign, no space), nullopt on anything else and on overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text);

[[nodiscard]] bool is_valid_utf8(std::string_view text);
[[nodiscard]] std::string ascii_lower(std::string_view text);
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);  // ASCII case-insensitive
[[nodiscard]] std::string_view trim(std::string_view text);          // SP and HTAB
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// "1.5 GiB", "512 B".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

// Constant-time equality, for secrets.
[[nodiscard]] bool equal_secrets(std::string_view a, std::string_view b);

// HTML text and attribute escaping (& < > " ').
[[nodiscard]] std::string html_escape(std::string_view text);

}  // namespace strata
