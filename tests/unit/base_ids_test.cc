#include "strata/base/ids.h"

#include <gtest/gtest.h>

#include "strata/base/digest.h"

namespace strata {
namespace {

class StillClock final : public Clock {
 public:
  [[nodiscard]] UnixMillis now() const override { return now_; }
  UnixMillis now_ = 0x0123456789ab;
};

TEST(Identifier, VectorsOfStratusLab) {
  const std::pair<const char*, const char*> vectors[] = {
      {"c319bbd5afc0a22ba3eaed0507c39383ec28eeff", "MMZu9WvwKIro-rtBQfDk4PsKO7_"},
      {"dcaec27afc48e5d68a500e5a159310ba72b50292", "Nyuwnr8SOXWilAOWhWTELpytQKS"},
      {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "No5o-5ea0sNMlW_75VgGJCv2AcJ"},
      {"a9993e364706816aba3e25717850c26c9cd0d89d", "KmZPjZHBoFquj4lcXhQwmyc0Nid"},
      {"024a8581d43fbf76d96ae3ec53b260bcddddad46", "AJKhYHUP7922Wrj7FOyYLzd3a1G"},
      {"0000000000000000000000000000000000000000", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"},
      {"ffffffffffffffffffffffffffffffffffffffff", "P__________________________"}};
  for (const auto& [hex, text] : vectors) {
    const auto sha1 = Sha1Digest::from_hex(hex);
    ASSERT_TRUE(sha1);
    EXPECT_EQ(Identifier::from_sha1(*sha1).text(), text);
    const auto parsed = Identifier::parse(text);
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(parsed->sha1().hex(), hex);
  }
  EXPECT_EQ(Identifier(), Identifier::from_sha1(Sha1Digest{}));
}

TEST(Identifier, RefusesWhatIsNone) {
  // Forgery F: 162 bits, so that two texts would name one image.
  for (const char* text :
       {"", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "QAAAAAAAAAAAAAAAAAAAAAAAAAA", "_AAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAA/AAAAAAAAAAAAA",
        "AAAAAAAAAAAAA+AAAAAAAAAAAAA", "AAAAAAAAAAAAA.AAAAAAAAAAAAA"}) {
    EXPECT_FALSE(Identifier::parse(text)) << text;
  }
}

TEST(ImageId, IsUuidV7AndSortsByTime) {
  StillClock clock;
  SystemRandom random;
  const std::string text = ImageId::generate(clock, random).text();
  ASSERT_EQ(text.size(), 36u);
  EXPECT_EQ(text.substr(0, 13), "01234567-89ab");
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
  const auto parsed = ImageId::parse(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text(), text);
  clock.now_ += 1;
  EXPECT_LT(*parsed, ImageId::generate(clock, random));
}

TEST(ImageId, ParsesOnlyTheCanonicalForm) {
  EXPECT_TRUE(ImageId::parse("01234567-89ab-7cde-8f01-23456789abcd"));
  for (const char* text :
       {"", "0123456789ab7cde8f0123456789abcd", "01234567-89AB-7cde-8f01-23456789abcd",
        "{01234567-89ab-7cde-8f01-23456789abcd}", "01234567-89ab-7cde-8f01-23456789abc",
        "01234567-89ab-7cde-8f01-23456789abcg", "../../../../etc/passwd-------------"}) {
    EXPECT_FALSE(ImageId::parse(text)) << text;
  }
}

TEST(RandomId, RoundTripsInLowercase) {
  SystemRandom random;
  const BlobId id = BlobId::generate(random);
  EXPECT_EQ(*BlobId::parse(id.text()), id);
  EXPECT_NE(id, BlobId::generate(random));
  EXPECT_FALSE(BlobId::parse("0123456789ABCDEF0123456789ABCDEF"));
  EXPECT_FALSE(BlobId::parse("0123456789abcdef0123456789abcde"));
  EXPECT_FALSE(BlobId::parse("../../../../../../../etc/passwd."));
}

TEST(ExpectedDigests, NamesWhatIsNotMet) {
  DigestSet found;
  found.bytes = 3;
  found.sha1 = *Sha1Digest::from_hex("a9993e364706816aba3e25717850c26c9cd0d89d");
  ExpectedDigests expected;
  EXPECT_TRUE(expected.empty());
  EXPECT_TRUE(expected.compare(found, "stored"));
  expected.sha1 = found.sha1;
  expected.bytes = 3;
  EXPECT_TRUE(expected.compare(found, "stored"));
  expected.sha256 = Sha256Digest::from_hex(std::string(64, '1')).value();
  const Status wrong = expected.compare(found, "decoded");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), Errc::kDigestMismatch);
  EXPECT_NE(wrong.error().detail().find("sha-256 of the decoded bytes"), std::string::npos);
  expected.bytes = 4;
  EXPECT_EQ(expected.compare(found, "stored").error().code(), Errc::kSizeMismatch);
}

}  // namespace
}  // namespace strata
