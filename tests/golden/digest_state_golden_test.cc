#include <gtest/gtest.h>

#include <array>
#include <string>

#include "storage/digest/resumable_hasher.h"
#include "strata/base/text.h"
#include "tests/support/digest_states.h"
#include "tests/support/tool.h"

// The golden bytes of storage/FORMAT.md, "Digest state". They come from an implementation of
// FIPS 180-4 in Python, which was checked against hashlib.
namespace strata::digest {
namespace {

struct Golden {
  std::string name;
  Algorithms algorithms;
  std::string message;
  std::string hex;
};

void PrintTo(const Golden& golden, std::ostream* out) {
  *out << golden.name;
}

const Golden kGolden[] = {
    {"abc", Algorithms::kAll, "abc",
     "5344677301070300000000000000000367452301efcdab8998badcfe10325476"
     "c3d2e1f06a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab"
     "5be0cd196a09e667f3bcc908bb67ae8584caa73b3c6ef372fe94f82ba54ff53a"
     "5f1d36f1510e527fade682d19b05688c2b3e6c1f1f83d9abfb41bd6b5be0cd19"
     "137e2179616263eeb820240f9541dc898adec0981fa35b"},
    {"counting_200", Algorithms::kAll, test::counting_bytes(200),
     "534467730107480000000000000000c8e02bacbe12f1f8e702864ddce8636b74"
     "aa460de0593253adfb4cc018be611395485e47c15a5b271dfb8da14fe8f77fb4"
     "d05eacbc8e03953cd57cd6879321270afa70c5827bb5b69be59a8f0130147e94"
     "f2aedf7bdc01c56c92343ca8bd837bb7f0208f5a23e155694516b6f147099d49"
     "1a30b151808182838485868788898a8b8c8d8e8f909192939495969798999a9b"
     "9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babb"
     "bcbdbebfc0c1c2c3c4c5c6c79cf306a665655bf98aa502e463b62521"},
    {"counting_200_sha1", Algorithms::kSha1, test::counting_bytes(200),
     "534467730101480000000000000000c8e02bacbe12f1f8e702864ddce8636b74"
     "aa460de0808182838485868788898a8b8c8d8e8f909192939495969798999a9b"
     "9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babb"
     "bcbdbebfc0c1c2c3c4c5c6c7a4434c9f49ea0d6af4100a55af36fd6b"},
    {"counting_200_sha256", Algorithms::kSha256, test::counting_bytes(200),
     "534467730102480000000000000000c8593253adfb4cc018be611395485e47c1"
     "5a5b271dfb8da14fe8f77fb4d05eacbc808182838485868788898a8b8c8d8e8f"
     "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c73fbfd1ff807fd9ed"
     "b33d18e5771d04a9"},
    {"counting_200_sha512", Algorithms::kSha512, test::counting_bytes(200),
     "534467730104480000000000000000c88e03953cd57cd6879321270afa70c582"
     "7bb5b69be59a8f0130147e94f2aedf7bdc01c56c92343ca8bd837bb7f0208f5a"
     "23e155694516b6f147099d491a30b151808182838485868788898a8b8c8d8e8f"
     "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c718ffefb589933e00"
     "0437a9c6900e8668"},
};

class DigestStateGolden : public testing::TestWithParam<Golden> {
 protected:
  [[nodiscard]] static std::string golden_bytes() {
    std::string bytes(GetParam().hex.size() / 2, '\0');
    EXPECT_TRUE(
        from_hex(GetParam().hex, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}));
    return bytes;
  }
};

TEST_P(DigestStateGolden, IsProducedByEveryKernel) {
  for (const auto& way : test::every_way(GetParam().algorithms)) {
    const auto hasher = make_resumable_hasher(GetParam().algorithms, way.run);
    hasher->update(test::bytes_of(GetParam().message));
    EXPECT_EQ(hasher->save(), golden_bytes()) << way.name;
  }
}

TEST_P(DigestStateGolden, IsAcceptedAndContinued) {
  auto hasher = restore_hasher(test::bytes_of(golden_bytes()));
  ASSERT_TRUE(hasher) << hasher.error().message();
  EXPECT_EQ((*hasher)->bytes(), GetParam().message.size());
  EXPECT_EQ((*hasher)->algorithms(), GetParam().algorithms);
  const auto oracle = make_openssl_hasher(GetParam().algorithms);
  oracle->update(test::bytes_of(GetParam().message + "and on"));
  (*hasher)->update(test::bytes_of("and on"));
  EXPECT_EQ((*hasher)->finish(), oracle->finish());
}

// As FORMAT.md says that it can be checked by hand.
TEST_P(DigestStateGolden, HasTheChecksumOfSha256sum) {
  const std::string sum = test::run_tool("head -c -16 | sha256sum", golden_bytes());
  EXPECT_EQ(sum.substr(0, 32), GetParam().hex.substr(GetParam().hex.size() - 32));
}

// Document and test cannot drift apart.
TEST_P(DigestStateGolden, IsWhatTheFormatDocumentShows) {
  std::string shown = test::read_file(STRATA_SOURCE "/storage/FORMAT.md");
  std::erase_if(shown, [](char c) { return c == '\n' || c == ' '; });
  EXPECT_NE(shown.find(GetParam().hex), std::string::npos) << GetParam().hex;
}

INSTANTIATE_TEST_SUITE_P(Format, DigestStateGolden, testing::ValuesIn(kGolden));

}  // namespace
}  // namespace strata::digest
