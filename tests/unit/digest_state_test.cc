// The oracle for streams that nobody can hash in a test: OpenSSL's old contexts are plain values.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <string>
#include <vector>

#include "storage/digest/resumable_hasher.h"
#include "storage/digest/saved_state.h"
#include "tests/support/digest_states.h"

// What restore_hasher refuses, and streams longer than a test can hash.
namespace strata::digest {
namespace {

using testing::HasSubstr;

std::string saved(Algorithms algorithms, std::size_t size) {
  const auto hasher = make_resumable_hasher(algorithms);
  hasher->update(test::bytes_of(test::counting_bytes(size)));
  return hasher->save();
}

// A good state without its checksum.
std::string body(Algorithms algorithms, std::size_t size) {
  const std::string state = saved(algorithms, size);
  return state.substr(0, state.size() - 16);
}

void expect_refused(const std::string& state, const std::string& why) {
  const auto hasher = restore_hasher(test::bytes_of(state));
  ASSERT_FALSE(hasher) << "accepted; should be refused for: " << why;
  EXPECT_EQ(hasher.error().code(), Errc::kCorruptData);
  EXPECT_THAT(hasher.error().detail(), HasSubstr(why));
}

TEST(DigestState, SealedAsBySaveIsAccepted) {
  EXPECT_EQ(test::sealed(body(Algorithms::kAll, 200)), saved(Algorithms::kAll, 200));
}

TEST(DigestState, IsAtMostAsLongAsPromised) {
  EXPECT_EQ(saved(Algorithms::kAll, 127).size(), kSavedStateBytesMax);
  EXPECT_EQ(saved(Algorithms::kSha1, 128).size(), 16U + 20 + 16);
}

TEST(DigestState, EveryFlippedBitIsRefused) {
  for (unsigned bits = 1; bits < 8; ++bits) {
    for (const std::size_t size : {0U, 3U, 127U, 128U, 200U}) {
      const std::string good = saved(static_cast<Algorithms>(bits), size);
      for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        std::string damaged = good;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
        expect_refused(damaged, "a saved digest state ");
      }
    }
  }
}

TEST(DigestState, EveryTruncationAndExtensionIsRefused) {
  for (const std::size_t size : {0U, 3U, 200U}) {
    const std::string good = saved(Algorithms::kAll, size);
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
      expect_refused(good.substr(0, cut), "cut");
      expect_refused(good.substr(good.size() - cut), "a saved digest state ");
    }
    expect_refused(good + '\0', "checksum");
    expect_refused(good + good, "checksum");
  }
}

TEST(DigestState, SaysWhatIsWrong) {
  expect_refused("", "cut: it has only 0 bytes");
  expect_refused("{" + saved(Algorithms::kAll, 3).substr(1), "does not begin as one");
  std::string other = body(Algorithms::kAll, 3);
  other[4] = 2;
  expect_refused(test::sealed(other), "has version 2, this program knows version 1");
  other = saved(Algorithms::kAll, 3);
  other[20] = static_cast<char>(other[20] ^ 1);
  expect_refused(other, "checksum does not match");
}

// What only a wrong program can write: the checksum is right.
TEST(DigestState, InconsistentFieldsAreRefused) {
  const auto changed = [](std::size_t at, int value) {
    std::string state = body(Algorithms::kAll, 200);
    state[at] = static_cast<char>(value);
    return test::sealed(state);
  };
  expect_refused(changed(5, 0), "no algorithms, or unknown ones");
  expect_refused(changed(5, 8), "no algorithms, or unknown ones");
  expect_refused(changed(5, 15), "no algorithms, or unknown ones");
  expect_refused(changed(5, 3), "220 bytes, not 156");
  expect_refused(changed(6, 71), "a tail of 71 bytes, which cannot be after 200 bytes");
  expect_refused(changed(6, 72 + 128), "a tail of 200 bytes");
  expect_refused(changed(7, 1), "a reserved byte that is not zero");
  expect_refused(changed(15, 201), "a tail of 72 bytes, which cannot be after 201 bytes");
  expect_refused(changed(15, 72), "of 72 bytes has been through a block");
  const std::string good = body(Algorithms::kAll, 200);
  expect_refused(test::sealed(good + '\0'), "221 bytes, not 220");
  expect_refused(test::sealed(good.substr(0, good.size() - 1)), "219 bytes, not 220");
  expect_refused(test::sealed(good.substr(0, 16)), "32 bytes, not 220");
}

// A state whose chaining values are those of no message, as far in as we like.
SavedState far_in(Algorithms algorithms, std::uint64_t bytes) {
  SavedState state{algorithms, {}};
  state.stream.bytes = bytes;
  if (has(algorithms, Algorithms::kSha1)) state.stream.sha1.h[0] = 1;
  if (has(algorithms, Algorithms::kSha256)) state.stream.sha256.h[1] = 2;
  if (has(algorithms, Algorithms::kSha512)) state.stream.sha512.h[2] = 3;
  for (std::size_t i = 0; i < bytes % 128; ++i) state.stream.tail[i] = static_cast<std::byte>(i);
  return state;
}

// What OpenSSL makes of that state and `more`.
DigestSet by_openssl(const SavedState& state, std::string_view more) {
  const std::uint64_t bits = state.stream.bytes / 128 * 1024;
  const auto& tail = state.stream.tail;
  const std::size_t tail_bytes = state.stream.bytes % 128;
  SHA_CTX sha1;
  SHA256_CTX sha256;
  SHA512_CTX sha512;
  SHA1_Init(&sha1), SHA256_Init(&sha256), SHA512_Init(&sha512);
  sha1.h0 = state.stream.sha1.h[0];
  sha256.h[1] = state.stream.sha256.h[1];
  sha512.h[2] = state.stream.sha512.h[2];
  sha1.Nl = sha256.Nl = static_cast<SHA_LONG>(bits);
  sha1.Nh = sha256.Nh = static_cast<SHA_LONG>(bits >> 32);
  sha512.Nl = bits;
  SHA1_Update(&sha1, tail.data(), tail_bytes), SHA1_Update(&sha1, more.data(), more.size());
  SHA256_Update(&sha256, tail.data(), tail_bytes), SHA256_Update(&sha256, more.data(), more.size());
  SHA512_Update(&sha512, tail.data(), tail_bytes), SHA512_Update(&sha512, more.data(), more.size());
  DigestSet set;
  set.bytes = state.stream.bytes + more.size();
  SHA1_Final(set.sha1.bytes.data(), &sha1);
  SHA256_Final(set.sha256.bytes.data(), &sha256);
  SHA512_Final(set.sha512.bytes.data(), &sha512);
  return set;
}

TEST(DigestState, StreamsBeyondFourGibibytesEndAsOpensslEndsThem) {
  constexpr std::uint64_t kOne = 1;
  const std::string more = test::counting_bytes(300);
  for (const std::uint64_t bytes :
       {kOne << 29, (kOne << 32) - 1, kOne << 32, (kOne << 32) + 70, (kOne << 40) + 127,
        (kOne << 60) + 5, kHashedBytesMax - more.size()}) {
    const SavedState state = far_in(Algorithms::kAll, bytes);
    for (const auto& way : test::every_way(Algorithms::kAll)) {
      auto hasher = restore_hasher(test::bytes_of(encode_state(state)), way.run);
      ASSERT_TRUE(hasher) << hasher.error().message();
      EXPECT_EQ((*hasher)->save(), encode_state(state));
      (*hasher)->update(test::bytes_of(more));
      EXPECT_EQ((*hasher)->finish(), by_openssl(state, more)) << way.name << ", " << bytes;
    }
  }
}

TEST(DigestState, StreamsBeyondFourGibibytesGoOnInLanes) {
  constexpr std::uint64_t kOne = 1;
  const std::string more = test::counting_bytes(5000);
  std::vector<SavedState> states;
  for (const std::uint64_t bytes :
       {kOne << 29, (kOne << 29) - 1, (kOne << 32) - 1, kOne << 32, (kOne << 32) + 70,
        (kOne << 32) - 2500, (kOne << 40) + 127, (kOne << 60) + 5, kHashedBytesMax - more.size()}) {
    states.push_back(far_in(Algorithms::kAll, bytes));
  }
  std::vector<std::unique_ptr<ResumableHasher>> hashers;
  std::vector<Piece> pieces;
  for (const SavedState& state : states) {
    auto restored = restore_hasher(test::bytes_of(encode_state(state)));
    ASSERT_TRUE(restored) << restored.error().message();
    hashers.push_back(std::move(*restored));
    pieces.push_back({hashers.back().get(), test::bytes_of(more)});
  }
  update_together(pieces);
  for (std::size_t i = 0; i < states.size(); ++i) {
    EXPECT_EQ(hashers[i]->finish(), by_openssl(states[i], more)) << states[i].stream.bytes;
  }
}

TEST(DigestState, CountsBeyondTheLongestMessageAreRefused) {
  for (unsigned bits = 1; bits < 8; ++bits) {
    const auto algorithms = static_cast<Algorithms>(bits);
    EXPECT_TRUE(restore_hasher(test::bytes_of(encode_state(far_in(algorithms, kHashedBytesMax)))));
    for (const std::uint64_t bytes :
         {kHashedBytesMax + 1, kHashedBytesMax + 6, ~std::uint64_t{0}}) {
      expect_refused(encode_state(far_in(algorithms, bytes)),
                     "of " + std::to_string(bytes) + " bytes, more than");
    }
  }
}

TEST(DigestStateDeathTest, AStreamDoesNotGrowBeyondTheLongestMessage) {
  const std::string state = encode_state(far_in(Algorithms::kAll, kHashedBytesMax - 1));
  auto hasher = restore_hasher(test::bytes_of(state));
  ASSERT_TRUE(hasher);
  (*hasher)->update(test::bytes_of("x"));
  EXPECT_DEATH((*hasher)->update(test::bytes_of("y")), "longer than SHA-1 and SHA-256 take");
  const Piece piece = {hasher->get(), test::bytes_of("y")};
  EXPECT_DEATH(update_together({&piece, 1}), "longer than SHA-1 and SHA-256 take");
}

TEST(DigestStateDeathTest, AnEndedStreamIsNotSaved) {
  const auto hasher = make_resumable_hasher(Algorithms::kSha256);
  (void)hasher->finish();
  EXPECT_DEATH((void)hasher->save(), "has finished");
  EXPECT_DEATH(hasher->update({}), "has finished");
  const Piece piece = {hasher.get(), {}};
  EXPECT_DEATH(update_together({&piece, 1}), "has finished");
}

TEST(DigestStateDeathTest, ASetWithoutAlgorithmsIsNoSet) {
  EXPECT_DEATH((void)make_resumable_hasher(Algorithms{}), "without algorithms");
  EXPECT_DEATH((void)make_resumable_hasher(static_cast<Algorithms>(8)), "unknown");
}

}  // namespace
}  // namespace strata::digest
