#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "strata/base/result.h"
#include "strata/base/text.h"

// Digests as values. Computing them is strata/digest's work.
namespace strata {

enum class Algorithm : std::uint8_t { kSha1, kSha256, kSha512 };

// "sha-1", "sha-256", "sha-512": the keys of a digest set in JSON.
[[nodiscard]] std::string_view algorithm_name(Algorithm algorithm);
[[nodiscard]] std::optional<Algorithm> algorithm_from_name(std::string_view name);
[[nodiscard]] constexpr std::size_t digest_size(Algorithm algorithm) {
  return algorithm == Algorithm::kSha1 ? 20 : algorithm == Algorithm::kSha256 ? 32 : 64;
}

// A digest of one algorithm. Parsed from outside by from_hex only: exact length, either case, no
// prefix; printed in lowercase. Safe as path material because nothing but hex gets in or out.
template <Algorithm A>
struct Digest {
  static constexpr Algorithm kAlgorithm = A;
  std::array<std::uint8_t, digest_size(A)> bytes{};

  [[nodiscard]] static Result<Digest> from_hex(std::string_view text) {
    Digest digest;
    if (!strata::from_hex(text, digest.bytes)) {
      return Error(Errc::kMalformed, std::string(algorithm_name(A)) + " must be " +
                                         std::to_string(2 * digest_size(A)) + " hex digits");
    }
    return digest;
  }
  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  [[nodiscard]] std::string base64() const { return to_base64(bytes); }
  auto operator<=>(const Digest&) const = default;
};

using Sha1Digest = Digest<Algorithm::kSha1>;
using Sha256Digest = Digest<Algorithm::kSha256>;
using Sha512Digest = Digest<Algorithm::kSha512>;

// All three digests of one byte sequence, and its length.
struct DigestSet {
  std::uint64_t bytes = 0;
  Sha1Digest sha1;
  Sha256Digest sha256;
  Sha512Digest sha512;
  auto operator<=>(const DigestSet&) const = default;
};

// What a client says the bytes are; every field that is set must be met, else `mismatch` answers
// kSizeMismatch or kDigestMismatch naming the field, what was found and what was expected.
struct ExpectedDigests {
  std::optional<std::uint64_t> bytes;
  std::optional<Sha1Digest> sha1;
  std::optional<Sha256Digest> sha256;
  std::optional<Sha512Digest> sha512;

  [[nodiscard]] bool empty() const { return !bytes && !sha1 && !sha256 && !sha512; }
  // `view` names the bytes in the message: "stored" or "decoded".
  [[nodiscard]] Status compare(const DigestSet& found, std::string_view view) const;
};

}  // namespace strata
