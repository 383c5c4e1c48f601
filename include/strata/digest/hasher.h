#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "strata/base/digest.h"

// Computing digests. A Hasher takes one stream of bytes through any subset of SHA-1, SHA-256 and
// SHA-512 (FIPS 180-4) in one pass; which kernel runs is chosen by CPUID at start.
namespace strata::digest {

// A set of algorithms, as bits.
enum class Algorithms : std::uint8_t {
  kSha1 = 1,
  kSha256 = 2,
  kSha512 = 4,
  kSha1Sha256 = 3,
  kAll = 7,
};

// One stream, one thread at a time. Fields of algorithms that were not asked for stay zero.
class Hasher {
 public:
  virtual ~Hasher() = default;
  virtual void update(std::span<const std::byte> data) = 0;
  // The digests of everything so far, with `bytes` set. Ends the stream: update() must not follow.
  [[nodiscard]] virtual DigestSet finish() = 0;
};

// The fastest on this machine.
[[nodiscard]] std::unique_ptr<Hasher> make_hasher(Algorithms algorithms);
// OpenSSL EVP, the algorithms one after another on each piece: the oracle and the rival.
[[nodiscard]] std::unique_ptr<Hasher> make_openssl_hasher(Algorithms algorithms);
// "sha-ni stitched sha-1+sha-256, openssl sha-512": for logs and bench output.
[[nodiscard]] std::string_view hasher_description();

// Whether make_hasher(kAll) has one kernel for all three here. Then one thread nearly keeps up with
// SHA-512 alone, and the split below would buy little time with half as much CPU time again.
[[nodiscard]] bool all_in_one_pass();

// For small values in memory (documents, etags): one call.
[[nodiscard]] DigestSet digest_of(std::span<const std::byte> data);
[[nodiscard]] inline DigestSet digest_of(std::string_view text) {
  return digest_of(std::as_bytes(std::span(text.data(), text.size())));
}

// How a stream's work is split over threads so that no part waits for another: the two parts
// together give the whole set. SHA-512's serial chain is the limit, so it has a thread of its own.
inline constexpr Algorithms kSplit[] = {Algorithms::kSha512, Algorithms::kSha1Sha256};
// Joins what the parts found; each must have seen the same bytes.
[[nodiscard]] DigestSet join(const DigestSet& sha512_part, const DigestSet& sha1_sha256_part);

}  // namespace strata::digest
