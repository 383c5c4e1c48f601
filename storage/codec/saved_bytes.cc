#include "storage/codec/saved_bytes.h"

#include <algorithm>

namespace strata::codec {

Result<std::span<const std::byte>> open_state(std::span<const std::byte> bytes,
                                              std::string_view what, std::string_view magic,
                                              std::uint8_t version) {
  constexpr std::size_t kChecksumBytes = 8;
  if (bytes.size() < kStateHeadBytes + kChecksumBytes) {
    return corrupt_state(what, "is cut: it has only " + std::to_string(bytes.size()) + " bytes");
  }
  if (!std::ranges::equal(bytes.first(magic.size()), std::as_bytes(std::span(magic)))) {
    return corrupt_state(what, "does not begin as one");
  }
  const auto found = std::to_integer<unsigned>(bytes[magic.size()]);
  if (found != version) {
    return corrupt_state(what, "has version " + std::to_string(found) +
                                   ", this program knows version " + std::to_string(version));
  }
  const auto summed = bytes.first(bytes.size() - kChecksumBytes);
  StateReader checksum(bytes.last(kChecksumBytes));
  if (checksum.number(kChecksumBytes) != crc64(summed)) {
    return corrupt_state(what, "is damaged or cut: its checksum does not match");
  }
  return summed.subspan(kStateHeadBytes);
}

}  // namespace strata::codec
