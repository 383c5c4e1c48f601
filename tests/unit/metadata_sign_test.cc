// Building, signing and verifying metadata documents with our own keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "strata/metadata/document.h"
#include "tests/support/metadata_samples.h"

namespace strata::metadata {
namespace {

using test::kSampleTime;
using test::replaced;
using test::sample_endorser;
using test::sample_metadata;
using testing::HasSubstr;

Result<VerifiedEntry> verify_strict(std::string_view document) {
  return verify(document, Profile::kStrict, Limits());
}

TEST(MetadataSign, SignedDocumentVerifiesAndSaysWhatWasBuilt) {
  const Endorser endorser = sample_endorser();
  ImageMetadata metadata = sample_metadata();
  const auto document = sign(build(metadata), endorser, kSampleTime + 999);
  ASSERT_TRUE(document) << document.error().message();
  const auto entry = verify_strict(*document);
  ASSERT_TRUE(entry) << entry.error().message();
  metadata.endorsement = Endorsement{
      kSampleTime, "ops@images.example", "CN=Image Ops,O=Strata", {"CN=Image Ops,O=Strata"}};
  EXPECT_EQ(entry->metadata(), metadata);
  EXPECT_EQ(entry->document(), *document);
  EXPECT_EQ(entry->key().path(),
            "/metadata/CvpM8mKprVLwSKeWfOnUvz70obJ/ops@images.example/2024-05-01T12:00:00Z");
  const auto& signature = entry->signature();
  EXPECT_EQ(signature.algorithm, "ecdsa-sha256");
  EXPECT_FALSE(signature.weak);
  EXPECT_TRUE(signature.self_signed);
  EXPECT_TRUE(signature.certificate_valid_at_created);
  EXPECT_EQ(signature.fingerprint, endorser.fingerprint());
  EXPECT_EQ(signature.certificate_email, "ops@images.example");
}

TEST(MetadataSign, SigningAgainReplacesEndorsementAndSignature) {
  const auto first = sign(build(sample_metadata()), sample_endorser("a@b.example"), kSampleTime);
  ASSERT_TRUE(first);
  const auto second = sign(*first, sample_endorser("c@d.example"), kSampleTime + 1000);
  ASSERT_TRUE(second) << second.error().message();
  const auto entry = verify_strict(*second);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->key().endorser, "c@d.example");
  EXPECT_EQ(entry->key().created, kSampleTime + 1000);
  EXPECT_EQ(second->find("a@b.example"), std::string::npos);
}

TEST(MetadataSign, DocumentWithoutAnEndorsementElementIsSignedToo) {
  const std::string bare = replaced(build(sample_metadata()),
                                    "    <slreq:endorsement rdf:parseType=\"Resource\"/>\n", "");
  const auto document = sign(bare, sample_endorser(), kSampleTime);
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_TRUE(verify_strict(*document));
}

TEST(MetadataSign, RefusesADocumentThatBreaksARule) {
  const std::string bad = replaced(build(sample_metadata()), "<slreq:bytes>136", "<slreq:bytes>-1");
  const auto document = sign(bad, sample_endorser(), kSampleTime);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code(), Errc::kMalformed);
  EXPECT_THAT(document.error().detail(), HasSubstr("slreq:bytes"));
}

TEST(MetadataSign, RefusesATimeOutsideOfTheCertificate) {
  const auto document =
      sign(build(sample_metadata()), sample_endorser(), kSampleTime + 4000LL * 86'400'000);
  ASSERT_FALSE(document);
  EXPECT_THAT(document.error().detail(), HasSubstr("the certificate is valid from"));
}

TEST(MetadataSign, OneChangedByteIsFound) {
  const auto document = sign(build(sample_metadata()), sample_endorser(), kSampleTime);
  ASSERT_TRUE(document);
  const auto entry = verify_strict(replaced(*document, "<slreq:bytes>136", "<slreq:bytes>137"));
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code(), Errc::kUntrustedSignature);
}

TEST(MetadataSign, UnsignedDocumentIsUntrusted) {
  const auto entry = verify_strict(build(sample_metadata()));
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code(), Errc::kUntrustedSignature);
}

TEST(MetadataEndorser, LoadRefusesKeyOfAnother) {
  const auto one = Endorser::generate("One", "one@a.example", test::StillClock());
  const auto two = Endorser::generate("Two", "two@a.example", test::StillClock());
  ASSERT_TRUE(one && two);
  EXPECT_FALSE(Endorser::load(one->key, two->certificate));
  EXPECT_FALSE(Endorser::load("", one->certificate));
  EXPECT_FALSE(Endorser::load(one->key, ""));
  EXPECT_TRUE(Endorser::load(one->key, one->certificate));
}

TEST(MetadataEndorser, GenerateRefusesWhatIsNoAddress) {
  for (const char* email : {"", "nobody", "a@b,DNS:evil.example", "copy", "a b@c", "a@b/../c"}) {
    EXPECT_FALSE(Endorser::generate("Name", email, test::StillClock())) << email;
  }
  EXPECT_FALSE(Endorser::generate("", "a@b.example", test::StillClock()));
}

TEST(MetadataSign, ThreadsSignAndVerifyAtTheSameTime) {
  const Endorser endorser = sample_endorser();
  const std::string unsigned_document = build(sample_metadata());
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const auto document = sign(unsigned_document, endorser, kSampleTime + 1000 * i);
        if (document && verify_strict(*document)) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
}

}  // namespace
}  // namespace strata::metadata
