#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "strata/base/clock.h"
#include "strata/base/digest.h"
#include "strata/base/result.h"

// Names of things. Each is a type, parsed strictly, so that a string from outside can never be
// used as one (or as a path) by accident.
namespace strata {

// An image: UUIDv7 (RFC 9562), so that ids sort by creation. Lowercase canonical text.
class ImageId {
 public:
  ImageId() = default;
  [[nodiscard]] static ImageId generate(Clock& clock, Random& random);
  [[nodiscard]] static Result<ImageId> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  auto operator<=>(const ImageId&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// 128 random bits as 32 lowercase hex digits: immutable bytes in a store, and a capability token
// of an upload.
class RandomId {
 public:
  RandomId() = default;
  [[nodiscard]] static RandomId generate(Random& random);
  [[nodiscard]] static Result<RandomId> parse(std::string_view text);
  [[nodiscard]] std::string text() const { return to_hex(bytes_); }
  auto operator<=>(const RandomId&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};
class BlobId : public RandomId {
 public:
  BlobId() = default;
  explicit BlobId(RandomId id) : RandomId(id) {}
  [[nodiscard]] static BlobId generate(Random& random) {
    return BlobId(RandomId::generate(random));
  }
  [[nodiscard]] static Result<BlobId> parse(std::string_view text);
};

// The 27-character StratusLab image id: the SHA-1 of the decoded bytes as a 160-bit integer in 27
// base-64 digits, most significant first, alphabet A-Z a-z 0-9 - _ (not RFC 4648 base64url).
class Identifier {
 public:
  Identifier() : text_(27, 'A') {}  // of the all-zero SHA-1
  [[nodiscard]] static Identifier from_sha1(const Sha1Digest& sha1);
  // 27 characters of the alphabet whose first is A..P (160 bits): 162-bit ids are refused.
  [[nodiscard]] static Result<Identifier> parse(std::string_view text);
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] Sha1Digest sha1() const;
  auto operator<=>(const Identifier&) const = default;

 private:
  explicit Identifier(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace strata
