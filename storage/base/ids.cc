#include "strata/base/ids.h"

#include <algorithm>

namespace strata {
namespace {

constexpr std::string_view kIdentifierDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kIdentifierLength = 27;

}  // namespace

ImageId ImageId::generate(Clock& clock, Random& random) {
  ImageId id;
  random.fill(id.bytes_);
  const auto millis = static_cast<std::uint64_t>(clock.now());
  for (std::size_t i = 0; i < 6; ++i) {
    id.bytes_[i] = static_cast<std::uint8_t>(millis >> (8 * (5 - i)));
  }
  id.bytes_[6] = static_cast<std::uint8_t>((id.bytes_[6] & 0x0f) | 0x70);  // version 7
  id.bytes_[8] = static_cast<std::uint8_t>((id.bytes_[8] & 0x3f) | 0x80);  // variant
  return id;
}

Result<ImageId> ImageId::parse(std::string_view text) {
  const Error malformed(Errc::kMalformed, "an image id is a UUID in lowercase");
  if (text.size() != 36) return malformed;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return malformed;
    if (text[i] >= 'A' && text[i] <= 'F') return malformed;
    if (!dash) digits += text[i];
  }
  ImageId id;
  if (!from_hex(digits, id.bytes_)) return malformed;
  return id;
}

std::string ImageId::text() const {
  std::string text = to_hex(bytes_);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

RandomId RandomId::generate(Random& random) {
  RandomId id;
  random.fill(id.bytes_);
  return id;
}

Result<RandomId> RandomId::parse(std::string_view text) {
  RandomId id;
  const bool lower =
      std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (!lower || !from_hex(text, id.bytes_)) {
    return Error(Errc::kMalformed, "an id is 32 lowercase hex digits");
  }
  return id;
}

Result<BlobId> BlobId::parse(std::string_view text) {
  STRATA_TRY(const RandomId id, RandomId::parse(text));
  return BlobId(id);
}

Identifier Identifier::from_sha1(const Sha1Digest& sha1) {
  // 160 bits in 27 digits of 6 bits: the first digit carries the top 4.
  std::string text;
  std::uint32_t bits = 0;
  int count = 2;  // two leading zero bits make 162
  for (const std::uint8_t byte : sha1.bytes) {
    bits = bits << 8 | byte;
    count += 8;
    while (count >= 6) {
      count -= 6;
      text += kIdentifierDigits[bits >> count & 63];
    }
  }
  return Identifier(std::move(text));
}

Result<Identifier> Identifier::parse(std::string_view text) {
  if (text.size() != kIdentifierLength) {
    return Error(Errc::kMalformed,
                 "an identifier has 27 characters, this one has " + std::to_string(text.size()));
  }
  for (const char c : text) {
    if (kIdentifierDigits.find(c) == std::string_view::npos) {
      return Error(Errc::kMalformed, "an identifier has only the characters A-Z a-z 0-9 - _");
    }
  }
  if (kIdentifierDigits.find(text[0]) > 15) {
    return Error(Errc::kMalformed, "an identifier starts with A to P: it holds 160 bits");
  }
  return Identifier(std::string(text));
}

Sha1Digest Identifier::sha1() const {
  Sha1Digest digest;
  std::uint32_t bits = 0;
  int count = -2;
  std::size_t next = 0;
  for (const char c : text_) {
    bits = bits << 6 | static_cast<std::uint32_t>(kIdentifierDigits.find(c));
    count += 6;
    if (count >= 8) {
      count -= 8;
      digest.bytes[next++] = static_cast<std::uint8_t>(bits >> count);
    }
  }
  return digest;
}

}  // namespace strata
