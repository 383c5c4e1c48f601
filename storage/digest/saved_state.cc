#include "storage/digest/saved_state.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "storage/digest/algorithms.h"
#include "storage/digest/big_endian.h"

namespace strata::digest {
namespace {

// Offset 0: magic, version, algorithms, length of the tail, zero, bytes; then what the algorithms
// carry, the tail and the checksum.
constexpr std::string_view kMagic = "SDgs";
constexpr std::byte kVersion{1};
constexpr std::size_t kVersionAt = 4, kAlgorithmsAt = 5, kTailBytesAt = 6, kZeroAt = 7,
                      kBytesAt = 8;
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kChecksumBytes = 16;
static_assert(kHeaderBytes + 20 + 32 + 64 + (kStreamBlockBytes - 1) + kChecksumBytes ==
              kSavedStateBytesMax);

Error corrupt(const std::string& why) {
  return Error(Errc::kCorruptData, "a saved digest state " + why);
}

// The first 16 bytes of the SHA-256.
std::array<std::byte, kChecksumBytes> checksum(std::span<const std::byte> bytes) {
  static const BlockFunctions kSha256 = own_functions(Algorithms::kSha256);
  Stream stream(kSha256);
  stream.update(bytes);
  const DigestSet set = stream.finish();
  std::array<std::byte, kChecksumBytes> sum{};
  std::ranges::copy_n(std::as_bytes(std::span(set.sha256.bytes)).begin(), kChecksumBytes,
                      sum.begin());
  return sum;
}

// Calls f with the chaining value of each algorithm of the set, in the order of the format.
template <typename State, typename F>
void for_each_value(Algorithms algorithms, State& stream, F f) {
  if (has(algorithms, Algorithms::kSha1)) f(stream.sha1.h);
  if (has(algorithms, Algorithms::kSha256)) f(stream.sha256.h);
  if (has(algorithms, Algorithms::kSha512)) f(stream.sha512.h);
}

std::size_t values_size(Algorithms algorithms) {
  std::size_t size = 0;
  const StreamState none;
  for_each_value(algorithms, none, [&](const auto& words) { size += sizeof words; });
  return size;
}

// What must hold before a byte of the rest is looked at.
Status check_envelope(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) {
    return corrupt("is cut: it has only " + std::to_string(bytes.size()) + " bytes");
  }
  if (!std::ranges::equal(bytes.first(kMagic.size()), std::as_bytes(std::span(kMagic)))) {
    return corrupt("does not begin as one");
  }
  if (bytes[kVersionAt] != kVersion) {
    return corrupt("has version " + std::to_string(static_cast<int>(bytes[kVersionAt])) +
                   ", this program knows version " + std::to_string(static_cast<int>(kVersion)));
  }
  const std::size_t summed = bytes.size() - kChecksumBytes;
  if (!std::ranges::equal(checksum(bytes.first(summed)), bytes.subspan(summed))) {
    return corrupt("is damaged or cut: its checksum does not match");
  }
  return {};
}

Status check_fields(std::span<const std::byte> bytes, Algorithms algorithms, std::uint64_t length) {
  if (!is_valid(algorithms)) return corrupt("has no algorithms, or unknown ones");
  if (bytes[kZeroAt] != std::byte{0}) return corrupt("has a reserved byte that is not zero");
  if (length > kHashedBytesMax) {
    return corrupt("is of " + std::to_string(length) + " bytes, more than SHA-1 and SHA-256 take");
  }
  const auto tail = static_cast<std::size_t>(bytes[kTailBytesAt]);
  if (tail != length % kStreamBlockBytes) {
    return corrupt("has a tail of " + std::to_string(tail) + " bytes, which cannot be after " +
                   std::to_string(length) + " bytes");
  }
  const std::size_t wanted = kHeaderBytes + values_size(algorithms) + tail + kChecksumBytes;
  if (bytes.size() != wanted) {
    return corrupt("has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(wanted));
  }
  return {};
}

// Before the first whole block there is one value only that an algorithm can have.
Status check_values(const SavedState& state) {
  const StreamState initial;
  if (state.stream.bytes >= kStreamBlockBytes) return {};
  if (state.stream.sha1.h == initial.sha1.h && state.stream.sha256.h == initial.sha256.h &&
      state.stream.sha512.h == initial.sha512.h) {
    return {};
  }
  return corrupt("of " + std::to_string(state.stream.bytes) + " bytes has been through a block");
}

}  // namespace

std::string encode_state(const SavedState& state) {
  const StreamState& stream = state.stream;
  const std::size_t tail = stream.bytes % kStreamBlockBytes;
  std::string bytes(kMagic);
  bytes += {static_cast<char>(kVersion), static_cast<char>(state.algorithms),
            static_cast<char>(tail), '\0'};
  const auto append = [&bytes](auto word) {
    bytes.resize(bytes.size() + sizeof word);
    store_big_endian(bytes.data() + bytes.size() - sizeof word, word);
  };
  append(stream.bytes);
  for_each_value(state.algorithms, stream, [&](const auto& words) {
    for (const auto word : words) append(word);
  });
  const auto raw = [](std::span<const std::byte> from) {
    return std::string_view(reinterpret_cast<const char*>(from.data()), from.size());
  };
  bytes += raw(std::span(stream.tail).first(tail));
  bytes += raw(checksum(std::as_bytes(std::span(bytes))));
  return bytes;
}

Result<SavedState> decode_state(std::span<const std::byte> bytes) {
  if (const Status valid = check_envelope(bytes); !valid) return valid.error();
  SavedState state;
  state.algorithms = static_cast<Algorithms>(bytes[kAlgorithmsAt]);
  state.stream.bytes = load_big_endian<std::uint64_t>(&bytes[kBytesAt]);
  if (const Status valid = check_fields(bytes, state.algorithms, state.stream.bytes); !valid)
    return valid.error();
  const std::byte* at = &bytes[kHeaderBytes];
  for_each_value(state.algorithms, state.stream, [&](auto& words) {
    for (auto& word : words) {
      word = load_big_endian<std::remove_reference_t<decltype(word)>>(at);
      at += sizeof word;
    }
  });
  std::copy_n(at, state.stream.bytes % kStreamBlockBytes, state.stream.tail.begin());
  if (const Status valid = check_values(state); !valid) return valid.error();
  return state;
}

}  // namespace strata::digest
