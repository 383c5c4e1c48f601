// Our signatures under xmlsec1, and those of xmlsec1 and openssl under ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/metadata/document.h"
#include "tests/support/metadata_forge.h"
#include "tests/support/metadata_samples.h"
#include "tests/support/tool.h"

namespace strata::metadata {
namespace {

using test::IdentityOptions;
using test::SignatureTemplate;
using testing::HasSubstr;

const IdentityOptions kRsa2048 = {.key = "rsa:2048"};
constexpr const char* kMore = "http://www.w3.org/2001/04/xmldsig-more#";

Result<VerifiedEntry> verify_as(const std::string& document, Profile profile = Profile::kStrict) {
  return verify(document, profile, Limits());
}

std::string sign_with(const test::Identity& identity) {
  const auto endorser = Endorser::load(identity.key, identity.certificate);
  check(endorser.has_value(), endorser ? "" : endorser.error().detail());
  const auto document = sign(build(test::sample_metadata()), *endorser, SystemClock().now());
  check(document.has_value(), document ? "" : document.error().detail());
  return *document;
}

TEST(MetadataGolden, Xmlsec1VerifiesOurEcdsaSignature) {
  const auto identity = test::make_identity();
  const std::string document = sign_with(identity);
  EXPECT_TRUE(test::xmlsec1_verifies(document, identity.certificate));
  EXPECT_FALSE(
      test::xmlsec1_verifies(test::replaced(document, ">136<", ">137<"), identity.certificate));
}

TEST(MetadataGolden, Xmlsec1VerifiesOurRsaSignature) {
  const auto identity = test::make_identity(kRsa2048);
  const std::string document = sign_with(identity);
  EXPECT_TRUE(test::xmlsec1_verifies(document, identity.certificate));
  const auto entry = verify_as(document);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->signature().algorithm, "rsa-sha256");
}

TEST(MetadataGolden, OurGeneratedCertificateHoldsForOpensslAndXmlsec1) {
  const auto pem = Endorser::generate("Jörg", "jorg@images.example", SystemClock());
  ASSERT_TRUE(pem);
  const std::string text =
      test::run_tool("openssl x509 -noout -text -nameopt RFC2253,-esc_msb,utf8", pem->certificate);
  EXPECT_THAT(text, HasSubstr("Subject: CN=Jörg,O=Strata"));
  EXPECT_THAT(text, HasSubstr("email:jorg@images.example"));
  EXPECT_THAT(text, HasSubstr("NIST CURVE: P-256"));
  EXPECT_TRUE(test::xmlsec1_verifies(sign_with({pem->key, pem->certificate}), pem->certificate));
}

TEST(MetadataGolden, OurDocumentsAreWellFormedForXmllint) {
  ImageMetadata metadata = test::sample_metadata();
  metadata.title = "a <b> & \"c\" ]]> \x01 \xff d";
  EXPECT_THAT(test::run_tool("xmllint --nonet --xpath 'string(//*[local-name()=\"title\"])' -",
                             build(metadata)),
              HasSubstr("a <b> & \"c\" ]]> \xef\xbf\xbd \xef\xbf\xbd d"));
}

struct Algorithms {
  const char* name;
  IdentityOptions identity;
  SignatureTemplate form;
};

class SignedByXmlsec1 : public testing::TestWithParam<Algorithms> {};

TEST_P(SignedByXmlsec1, VerifiesUnderTheStrictProfile) {
  const auto document =
      test::xmlsec1_signed(test::make_identity(GetParam().identity), GetParam().form);
  const auto entry = verify_as(document);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->signature().algorithm, GetParam().name);
  EXPECT_EQ(entry->key().endorser, test::kOpsEmail);
  const auto changed = verify_as(test::replaced(document, ">136<", ">137<"));
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), Errc::kUntrustedSignature);
}

INSTANTIATE_TEST_SUITE_P(
    Algorithms, SignedByXmlsec1,
    testing::Values(Algorithms{"ecdsa-sha256", {}, {}},
                    Algorithms{
                        "rsa-sha256", kRsa2048, {.method = std::string(kMore) + "rsa-sha256"}},
                    Algorithms{"rsa-sha512",
                               kRsa2048,
                               {.c14n = "http://www.w3.org/2006/12/xml-c14n11",
                                .method = std::string(kMore) + "rsa-sha512",
                                .digest = "http://www.w3.org/2001/04/xmlenc#sha512"}},
                    Algorithms{"ecdsa-sha384",
                               {.key = "ec -pkeyopt ec_paramgen_curve:P-384", .digest = "sha384"},
                               {.c14n = "http://www.w3.org/2001/10/xml-exc-c14n#",
                                .method = std::string(kMore) + "ecdsa-sha384",
                                .digest = "http://www.w3.org/2001/04/xmldsig-more#sha384"}}));

TEST(MetadataGolden, StratusLabProfileVerifiesAsLegacyOnlyAndIsWeak) {
  const SignatureTemplate stratuslab = {
      .c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
      .method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
      .digest = "http://www.w3.org/2000/09/xmldsig#sha1"};
  IdentityOptions options = kRsa2048;
  options.digest = "sha1";
  const std::string document = test::xmlsec1_signed(test::make_identity(options), stratuslab);
  const auto entry = verify_as(document, Profile::kLegacy);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->signature().algorithm, "rsa-sha1");
  EXPECT_TRUE(entry->signature().weak);
  EXPECT_EQ(entry->signature().profile, Profile::kLegacy);
  EXPECT_FALSE(verify_as(document));
}

TEST(MetadataGolden, IssuedCertificateIsNotSelfSigned) {
  const auto authority = test::make_identity({.subject = "/O=Example/CN=Authority"});
  const auto identity = test::issue_identity(authority, {});
  const auto entry = verify_as(sign_with(identity));
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_FALSE(entry->signature().self_signed);
  EXPECT_EQ(entry->signature().issuer, "CN=Authority,O=Example");
  EXPECT_EQ(entry->signature().subject, test::kOpsName);
}

TEST(MetadataGolden, FingerprintIsOpensslsFingerprint) {
  const auto identity = test::make_identity();
  std::string expected = test::run_tool(
      "openssl x509 -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f",
      identity.certificate);
  expected.pop_back();
  const auto endorser = Endorser::load(identity.key, identity.certificate);
  ASSERT_TRUE(endorser);
  EXPECT_EQ(endorser->fingerprint(), expected);
}

// Identifiers are the base64url of a zero byte and the SHA-1, without its first character.
TEST(MetadataGolden, IdentifierIsBasencsBase64Url) {
  const std::string expected = test::run_tool(
      "(printf '\\0'; printf abc | openssl dgst -sha1 -binary) | basenc --base64url | cut -c2-");
  const auto sha1 = Sha1Digest::from_hex("a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Identifier::from_sha1(*sha1).text() + "\n", expected);
}

// Printed by X500Principal.getName() of OpenJDK 17 for certificates with these subjects.
struct Name {
  const char *subject, *java;
};
class DistinguishedName : public testing::TestWithParam<Name> {};

TEST_P(DistinguishedName, IsWrittenAsJavaWritesIt) {
  const auto identity = test::make_identity({.subject = GetParam().subject});
  const auto endorser = Endorser::load(identity.key, identity.certificate);
  ASSERT_TRUE(endorser) << endorser.error().message();
  EXPECT_EQ(endorser->subject(), GetParam().java);
  EXPECT_EQ(endorser->issuer(), GetParam().java);
  const auto entry = verify_as(sign_with(identity));
  EXPECT_TRUE(entry) << entry.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Names, DistinguishedName,
    testing::Values(
        Name{"/DC=org/DC=example/C=CH/ST=Vaud/L=Genève/O=A, B;\"x\" <y>\\\\ = z/O= lead /OU=#hash "
             "#in/street=Rue 1/UID=u1/CN=Jörg Müller/emailAddress=a@b.c/serialNumber=12",
             "2.5.4.5=#13023132,1.2.840.113549.1.9.1=#16056140622e63,CN=Jörg Müller,UID=u1,"
             "STREET=Rue 1,OU=\\#hash \\#in,O=\\ lead\\ ,O=A\\, B\\;\\\"x\\\" \\<y\\>\\\\ \\= z,"
             "L=Genève,ST=Vaud,C=CH,DC=example,DC=org"},
        Name{"/O=Ex/CN=multi+OU=z+serialNumber=7", "2.5.4.5=#130137+OU=z+CN=multi,O=Ex"},
        Name{"/O=Ex/CN=x/title=Dr/description=a/GN=g/SN=s",
             "2.5.4.4=#0c0173,2.5.4.42=#0c0167,2.5.4.13=#0c0161,2.5.4.12=#0c024472,CN=x,O=Ex"},
        Name{"/O=_*&!@/CN=日本", "CN=日本,O=_*&!@"}, Name{"/O=  /CN=a  ", "CN=a\\ \\ ,O=\\ \\ "}));

}  // namespace
}  // namespace strata::metadata
