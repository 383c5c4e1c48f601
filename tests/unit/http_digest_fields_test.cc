#include "strata/http/digest_fields.h"

#include <gtest/gtest.h>

namespace strata::http {
namespace {

// RFC 9530 appendix B.1: {"hello": "world"}\n as published there.
constexpr const char* kSha256Base64 = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";
constexpr const char* kSha512Base64 =
    "YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/"
    "WkppmM44T3qg==";
// The same digests in hex, by base64 -d | xxd.
constexpr const char* kSha256Hex =
    "44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38";

std::string field256(std::string_view name = "sha-256") {
  return std::string(name) + "=:" + kSha256Base64 + ":";
}
std::string field512() {
  return std::string("sha-512=:") + kSha512Base64 + ":";
}

TEST(DigestField, ReadsWhatRfc9530Shows) {
  const auto digests = parse_digest_field(field256() + ", " + field512());
  ASSERT_TRUE(digests) << digests.error().message();
  EXPECT_EQ(digests->sha256->hex(), kSha256Hex);
  EXPECT_EQ(digests->sha512->base64(), kSha512Base64);
  EXPECT_FALSE(digests->sha1 || digests->bytes);
}

TEST(DigestField, ShaIsSha1) {
  const auto digests = parse_digest_field("sha=:2jmj7l5rSw0yVb/vlWAYkK/YBwk=:");
  ASSERT_TRUE(digests);
  EXPECT_EQ(digests->sha1->hex(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST(DigestField, UnknownAlgorithmsAndParametersAreIgnored) {
  for (const std::string& extra :
       {std::string("md5=:1B2M2Y8AsgTpgAmy7PhCfg==:"), std::string("unixsum=30637"),
        std::string("x=\"quoted, with \\\" comma\""), std::string("flag"), std::string("y=?1"),
        std::string("z=::")}) {
    const auto digests = parse_digest_field(extra + " ,\t" + field256() + ";p;q=\"a;b\";r=:AA==:");
    ASSERT_TRUE(digests) << extra << ": " << digests.error().message();
    EXPECT_EQ(digests->sha256->hex(), kSha256Hex);
  }
  const auto none = parse_digest_field("");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(DigestField, MalformedIsRefused) {  // B36
  const std::string upper_name = field256("SHA-256");
  for (const std::string& text :
       {upper_name,
        std::string("sha-256=") + kSha256Base64,
        std::string("sha-256=:") + kSha256Hex + ":",
        std::string("sha-256=") + kSha256Hex,
        std::string("sha-256"),
        std::string("sha-256="),
        std::string("sha-256=:"),
        std::string("sha-256=::"),
        std::string("sha-256=:AA==:"),
        std::string("sha-512=:") + kSha256Base64 + ":",
        field256() + ",",
        field256() + " " + field512(),
        field256() + ";",
        field256() + "x",
        std::string(",") + field256(),
        std::string("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP_lF5HF9bvEF8FabDg=:"),
        std::string("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg:"),
        std::string("sha-256=: RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
        std::string("sha-256=(:AA==:)"),
        std::string("x=\"open"),
        std::string("sha256:") + kSha256Hex,
        std::string("../etc"),
        std::string("\0", 1)}) {
    const auto digests = parse_digest_field(text);
    ASSERT_FALSE(digests) << text;
    EXPECT_EQ(digests.error().code(), Errc::kMalformed) << text;
  }
}

TEST(DigestField, OneAlgorithmTwice) {
  EXPECT_TRUE(parse_digest_field(field256() + ", " + field256()));
  const auto conflict =
      parse_digest_field(field256() + ", sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code(), Errc::kMalformed);
}

TEST(DigestField, WritesWhatItReads) {
  DigestSet set;
  set.sha256 = *parse_digest_field(field256())->sha256;
  set.sha512 = *parse_digest_field(field512())->sha512;
  EXPECT_EQ(repr_digest(set), field256() + ", " + field512());
  EXPECT_EQ(legacy_digest(set),
            std::string("SHA-256=") + kSha256Base64 + ",SHA-512=" + kSha512Base64);
}

TEST(WantDigest, BestWeightFirst) {
  using Wanted = std::vector<Algorithm>;
  EXPECT_EQ(parse_want_digest("sha-512=3, sha-256=10, sha=1"),
            (Wanted{Algorithm::kSha256, Algorithm::kSha512, Algorithm::kSha1}));
  EXPECT_EQ(parse_want_digest("sha=5, sha-512=5"), (Wanted{Algorithm::kSha1, Algorithm::kSha512}));
  EXPECT_EQ(parse_want_digest("sha-256=0, sha=10"), Wanted{Algorithm::kSha1});
  EXPECT_EQ(parse_want_digest("sha-256=10;p=1"), Wanted{Algorithm::kSha256});
  EXPECT_EQ(parse_want_digest("sha-256=10, sha-512=5, sha-256=1"),
            (Wanted{Algorithm::kSha512, Algorithm::kSha256}));
  EXPECT_EQ(parse_want_digest("sha-256=10, sha-256=0"), Wanted{});
}

TEST(WantDigest, WhatCannotBeMetIsIgnored) {  // B39
  using Wanted = std::vector<Algorithm>;
  for (const char* bad : {"sha-256=11", "sha-256=-1", "md5=10", "sha-256=1.5", "sha-256=\"1\"",
                          "sha-256", "sha-256=?1", "sha-256=(1)", "sha-1=3"}) {
    EXPECT_EQ(parse_want_digest(bad), Wanted{}) << bad;
    EXPECT_EQ(parse_want_digest(std::string(bad) + ", sha=1"), Wanted{Algorithm::kSha1}) << bad;
  }
  for (const char* malformed : {"", "sha=1,", "sha=1 sha-256=2", "SHA-256=1, sha=2",
                                "sha-256=", ",", "sha-256=99999999999999999999, sha=1", "sha=1;"}) {
    EXPECT_EQ(parse_want_digest(malformed), Wanted{}) << malformed;
  }
}

TEST(WantDigest, IsAnsweredInItsOrder) {
  DigestSet set;
  set.sha1 = *parse_digest_field("sha=:2jmj7l5rSw0yVb/vlWAYkK/YBwk=:")->sha1;
  set.sha256 = *parse_digest_field(field256())->sha256;
  set.sha512 = *parse_digest_field(field512())->sha512;
  EXPECT_EQ(repr_digest(set, parse_want_digest("sha=10, sha-512=1")),
            "sha=:2jmj7l5rSw0yVb/vlWAYkK/YBwk=:, " + field512());
  EXPECT_EQ(repr_digest(set, parse_want_digest("sha-256=1")), field256());
  EXPECT_EQ(repr_digest(set, parse_want_digest("")), "");
}

TEST(MergeExpected, TakesWhatIsMissingAndRefusesConflicts) {  // B38
  ExpectedDigests a = *parse_digest_field(field256());
  ExpectedDigests b = *parse_digest_field(field512());
  b.bytes = 18;
  ASSERT_TRUE(merge_expected(a, b));
  EXPECT_TRUE(a.sha256 && a.sha512);
  EXPECT_EQ(a.bytes, 18U);

  // The right sha-256 beside a wrong sha-512: refused, and nothing of it is taken.
  ExpectedDigests wrong = *parse_digest_field(field256());
  wrong.sha512 = a.sha512;
  wrong.sha512->bytes[63] ^= 1;
  wrong.sha1.emplace();
  const auto status = merge_expected(a, wrong);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), Errc::kDigestMismatch);
  EXPECT_NE(status.error().detail().find("sha-512"), std::string::npos);
  EXPECT_FALSE(a.sha1);

  ExpectedDigests longer;
  longer.bytes = 19;
  EXPECT_EQ(merge_expected(a, longer).error().code(), Errc::kSizeMismatch);
}

}  // namespace
}  // namespace strata::http
