#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "storage/upload/journal_format.h"

// For tests of the upload journal's format: files in memory.
namespace strata::test {

[[nodiscard]] inline upload::ReadAt read_from(std::string_view bytes) {
  return [bytes](std::uint64_t offset, std::span<std::byte> out) -> Result<std::size_t> {
    if (offset >= bytes.size()) return std::size_t{0};
    const auto rest = bytes.substr(static_cast<std::size_t>(offset));
    const std::size_t n = std::min(rest.size(), out.size());
    std::memcpy(out.data(), rest.data(), n);
    return n;
  };
}

// A head and a group of each of `groups`, with checksums that fit.
[[nodiscard]] inline std::string journal_of(const std::vector<std::string>& groups,
                                            std::uint8_t random = 0) {
  upload::Checksum number{};
  number.fill(random);
  const upload::Head head = upload::encode_head(number);
  std::string bytes = head.bytes;
  upload::Checksum last = head.checksum;
  for (const auto& group : groups) last = upload::encode_group(last, group, bytes);
  return bytes;
}

// Of one group that puts one value.
[[nodiscard]] inline std::string put_record(const RandomId& session, upload::Journal::Slot slot,
                                            std::string_view value) {
  std::string records;
  upload::encode_put(session, slot, value, records);
  return records;
}

}  // namespace strata::test
