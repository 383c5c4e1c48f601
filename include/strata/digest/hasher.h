#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/digest.h"
#include "strata/base/result.h"

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

class Stream;

// One stream, one thread at a time. Fields of algorithms that were not asked for stay zero.
class Hasher {
 public:
  virtual ~Hasher() = default;
  virtual void update(std::span<const std::byte> data) = 0;
  // The digests of everything so far, with `bytes` set. Ends the stream: update() must not follow.
  [[nodiscard]] virtual DigestSet finish() = 0;
  // For update_together(): what it works on, or null when only update() is possible.
  [[nodiscard]] virtual Stream* stream() { return nullptr; }
};

// The next bytes of one stream.
struct Piece {
  Hasher* hasher;
  std::span<const std::byte> data;
};

// How well the lanes of vector kernels were used; what was done without them is not counted.
struct LaneUse {
  std::uint64_t filled_bytes = 0;  // of streams, once for each algorithm
  std::uint64_t lane_bytes = 0;    // what the kernels could have taken in that time
};

// As if each hasher's update() were called with its data, but with streams side by side in the
// lanes of vectors where that is faster: 16 streams with all algorithms cost less than a third of
// OpenSSL's one after another. On the caller's thread. Any number of pieces of any sizes; best are
// 3 or more of 4 KiB or more. Hashers of OpenSSL's take no part and are updated one by one. No
// hasher may be named twice.
LaneUse update_together(std::span<const Piece> pieces);

// A Hasher whose state can be saved between any two bytes and continued later: by another process,
// on another machine, by other kernels. The bytes are in storage/FORMAT.md, "Digest state"; equal
// streams give equal bytes, whatever computed them.
class ResumableHasher : public Hasher {
 public:
  [[nodiscard]] virtual Algorithms algorithms() const = 0;
  // Of the stream so far, before and after it was restored. update() beyond kHashedBytesMax is a
  // programmer error.
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
  // At most kSavedStateBytesMax bytes, in about a microsecond; the stream goes on. Not after
  // finish().
  [[nodiscard]] virtual std::string save() const = 0;
};

// The longest message that FIPS 180-4 gives SHA-1 and SHA-256: less than 2^64 bits.
inline constexpr std::uint64_t kHashedBytesMax = (std::uint64_t{1} << 61) - 1;
inline constexpr std::size_t kSavedStateBytesMax = 275;

// The best of our own kernels on this machine: OpenSSL does not give its state away. As fast as
// make_hasher where one kernel does the whole set; elsewhere the missing algorithms run on portable
// code, which is slower than OpenSSL's.
[[nodiscard]] std::unique_ptr<ResumableHasher> make_resumable_hasher(Algorithms algorithms);
// Continues behind the last byte before save(). kCorruptData says what is wrong with a state that
// is damaged, cut, of another version or inconsistent. The caller compares bytes() and algorithms()
// with what it expects: a good state of another stream cannot be told from the right one.
[[nodiscard]] Result<std::unique_ptr<ResumableHasher>> restore_hasher(
    std::span<const std::byte> saved);

// The fastest on this machine.
[[nodiscard]] std::unique_ptr<Hasher> make_hasher(Algorithms algorithms);
// The fastest for streams that update_together() or an engine takes together: our own kernels where
// there are some for lanes, else as make_hasher.
[[nodiscard]] std::unique_ptr<Hasher> make_lane_hasher(Algorithms algorithms);
// OpenSSL EVP, the algorithms one after another on each piece: the oracle and the rival.
[[nodiscard]] std::unique_ptr<Hasher> make_openssl_hasher(Algorithms algorithms);
// "sha-ni stitched sha-1+sha-256, openssl sha-512": for logs and bench output.
[[nodiscard]] std::string_view hasher_description();

// Whether make_hasher(kAll) has one kernel for all three here. Then one thread nearly keeps up with
// SHA-512 alone, and a stream is not split into the parts below.
[[nodiscard]] bool all_in_one_pass();

// For small values in memory (documents, etags): one call.
[[nodiscard]] DigestSet digest_of(std::span<const std::byte> data);
[[nodiscard]] inline DigestSet digest_of(std::string_view text) {
  return digest_of(std::as_bytes(std::span(text.data(), text.size())));
}

// How a stream's work is split over threads so that no part waits for another: the two parts
// together give the whole set. SHA-512's serial chain is the limit, so it has a thread of its own.
inline constexpr Algorithms kSplit[] = {Algorithms::kSha512, Algorithms::kSha1Sha256};
// The parts of a stream for a digest engine: kAll by itself where all_in_one_pass(), else kSplit.
[[nodiscard]] std::span<const Algorithms> engine_parts();
// Joins what the parts found, in the order of engine_parts(); each must have seen the same bytes.
[[nodiscard]] DigestSet join(std::span<const DigestSet> parts);
[[nodiscard]] DigestSet join(const DigestSet& sha512_part, const DigestSet& sha1_sha256_part);

}  // namespace strata::digest
