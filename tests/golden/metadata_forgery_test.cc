// Documents that are signed well but say more than the signature proves. Most of these signatures
// are made by xmlsec1 and would hold for a verifier that only asks xmlsec.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/base/text.h"
#include "strata/metadata/document.h"
#include "tests/support/metadata_forge.h"
#include "tests/support/metadata_samples.h"

namespace strata::metadata {
namespace {

using test::Identity;
using test::make_identity;
using test::replaced;
using test::SignatureTemplate;
using test::xmlsec1_signed;
using testing::HasSubstr;

constexpr const char* kRsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
constexpr const char* kRsaSha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
constexpr const char* kSha1 = "http://www.w3.org/2000/09/xmldsig#sha1";

Result<VerifiedEntry> verify_as(const std::string& document, Profile profile = Profile::kStrict) {
  return verify(document, profile, Limits());
}

void expect_error(const Result<VerifiedEntry>& entry, Errc code, const std::string& reason) {
  ASSERT_FALSE(entry) << "accepted; expected: " << reason;
  EXPECT_EQ(entry.error().code(), code) << entry.error().message();
  EXPECT_THAT(entry.error().detail(), HasSubstr(reason));
}

// Refused by both profiles for the same reason.
void expect_untrusted(const std::string& document, const std::string& reason) {
  expect_error(verify_as(document), Errc::kUntrustedSignature, reason);
  expect_error(verify_as(document, Profile::kLegacy), Errc::kUntrustedSignature, reason);
}

void expect_malformed(const std::string& document, const std::string& reason) {
  expect_error(verify_as(document), Errc::kMalformed, reason);
  expect_error(verify_as(document, Profile::kLegacy), Errc::kMalformed, reason);
}

std::string ours() {
  const auto document =
      sign(build(test::sample_metadata()), test::sample_endorser(), test::kSampleTime);
  check(document.has_value(), "cannot sign");
  return *document;
}

TEST(Forgery, ATwoCertificatesVictimFirstAttackerLast) {
  const Identity victim = make_identity(), attacker = make_identity();
  const std::string document = replaced(xmlsec1_signed(attacker), "<X509Certificate>",
                                        "<X509Certificate>" + test::pem_body(victim.certificate) +
                                            "</X509Certificate><X509Certificate>");
  ASSERT_TRUE(test::xmlsec1_verifies(document, attacker.certificate));
  expect_untrusted(document, "X509Data must hold exactly: X509Certificate");
}

TEST(Forgery, BKeyValueOfTheAttackerBeforeTheVictimsCertificate) {
  const test::IdentityOptions rsa = {.key = "rsa:2048"};
  const Identity victim = make_identity(rsa), attacker = make_identity(rsa);
  SignatureTemplate form;
  form.method = kRsaSha256;
  form.key_info = "<KeyValue/><X509Data><X509Certificate/></X509Data>";
  const std::string document = xmlsec1_signed(attacker, form);
  ASSERT_THAT(document, HasSubstr("<RSAKeyValue>"));
  expect_untrusted(document, "KeyInfo must hold exactly: X509Data");
}

TEST(Forgery, BVictimsCertificateWithTheAttackersSignature) {
  const Identity victim = make_identity(), attacker = make_identity();
  const std::string signed_by_attacker = xmlsec1_signed(attacker);
  const std::size_t begin = signed_by_attacker.find("<X509Certificate>") + 17;
  const std::size_t end = signed_by_attacker.find("</X509Certificate>");
  std::string document = signed_by_attacker;
  document.replace(begin, end - begin, test::pem_body(victim.certificate));
  expect_untrusted(document, "does not fit the document");
}

TEST(Forgery, CReferenceToAnObjectInsideTheSignature) {
  const Identity identity = make_identity();
  SignatureTemplate form;
  form.uri = "#o";
  form.transforms = "";
  form.object = "<Object Id=\"o\">anything</Object>";
  const std::string document =
      test::xmlsec1_sign(test::appended(test::endorsed_document(), form.text()), identity,
                         "--id-attr:Id http://www.w3.org/2000/09/xmldsig#:Object");
  expect_untrusted(document, "Signature must hold exactly");
  expect_untrusted(replaced(document, "<Object Id=\"o\">anything</Object>", ""), "URI=\"\"");
}

TEST(Forgery, DDecoyEndorserBeforeTheRealOne) {
  const std::string decoy = "<slreq:email>attacker@evil.example</slreq:email>";
  const std::string document = test::xmlsec1_sign(
      test::appended(replaced(test::endorsed_document(), "<slreq:bytes>", decoy + "<slreq:bytes>"),
                     SignatureTemplate().text()),
      make_identity());
  expect_error(verify_as(document), Errc::kMalformed, "slreq:bytes here, not slreq:email");
  // The order is free there, but the namespace has no element besides those of the format.
  expect_error(verify_as(document, Profile::kLegacy), Errc::kMalformed,
               "slreq:email is not allowed here");
}

TEST(Forgery, ECertificateWithoutAnEmailSpeaksForNobody) {
  const std::string document = xmlsec1_signed(make_identity({.email = ""}));
  expect_error(verify_as(document), Errc::kUntrustedSignature, "no e-mail in its subjectAltName");
  // StratusLab's own entries are of this kind: the legacy profile says that nothing proves the
  // name.
  const auto entry = verify_as(document, Profile::kLegacy);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->signature().certificate_email, "");
}

TEST(Forgery, FIdentifierOf162BitsWithAChecksumOf41Digits) {
  std::string document = test::endorsed_document();
  for (int i = 0; i < 2; ++i) {  // rdf:about and dcterms:identifier
    document = replaced(document, "CvpM8mKprVLwSKeWfOnUvz70obJ", "SvpM8mKprVLwSKeWfOnUvz70obJ");
  }
  document = replaced(document, "<slreq:value>2be", "<slreq:value>12be");
  expect_malformed(
      test::xmlsec1_sign(test::appended(document, SignatureTemplate().text()), make_identity()),
      "an identifier starts with A to P");
}

TEST(Forgery, B36LeadingZeroOfSha1IsLegacyOnly) {
  const std::string document =
      replaced(test::endorsed_document(), "<slreq:value>2be", "<slreq:value>02BE");
  const std::string signed_document =
      test::xmlsec1_sign(test::appended(document, SignatureTemplate().text()), make_identity());
  expect_error(verify_as(signed_document), Errc::kMalformed, "40 hex digits, not 41");
  const auto entry = verify_as(signed_document, Profile::kLegacy);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->metadata().sha1.hex(), "2be933c98aa6b54bc1229e59f3a752fcfbd286c9");
}

TEST(Forgery, ReferenceToAFile) {
  SignatureTemplate form;
  form.uri = "file:///etc/hostname";
  form.transforms = "";
  expect_untrusted(xmlsec1_signed(make_identity(), form), "URI=\"\"");
}

TEST(Forgery, XsltTransformThatMapsEverythingToOneElement) {
  SignatureTemplate form;
  form.transforms +=
      "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">"
      "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\">"
      "<xsl:template match=\"/\"><x/></xsl:template></xsl:stylesheet></Transform>";
  const Identity identity = make_identity();
  const std::string document = replaced(xmlsec1_signed(identity, form), ">136<", ">137<");
  ASSERT_TRUE(test::xmlsec1_verifies(document, identity.certificate)) << "no forgery any more";
  expect_untrusted(document, "xmldsig:Transform must hold exactly: nothing");
}

TEST(Forgery, XpathTransformThatCoversNothing) {
  SignatureTemplate form;
  form.transforms +=
      "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"
      "<XPath>ancestor-or-self::Nothing</XPath></Transform>";
  expect_untrusted(xmlsec1_signed(make_identity(), form), "Transform must hold exactly: nothing");
}

TEST(Forgery, NoEnvelopedTransform) {
  const std::string document = ours();
  expect_untrusted(replaced(document, "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
                            "http://www.w3.org/2001/10/xml-exc-c14n#"),
                   "must be the enveloped-signature transform");
  expect_untrusted(replaced(document,
                            "<Transform Algorithm=\"http://www.w3.org/2001/10/"
                            "xml-exc-c14n#\"/>",
                            "<Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/>"),
                   "does not allow");
}

TEST(Forgery, TwoSignatures) {
  const std::string document = ours();
  const std::size_t begin = document.find("<Signature ");
  const std::string signature = document.substr(begin, document.find("</Signature>") + 12 - begin);
  expect_malformed(test::appended(document, signature), "at most one xmldsig:Signature");
  expect_untrusted(replaced(document, "<SignatureValue>", signature + "<SignatureValue>"),
                   "exactly one xmldsig:Signature, this one has 2");
  expect_malformed(replaced(document, "</rdf:Description>", signature + "</rdf:Description>"),
                   "xmldsig:Signature is not allowed here");
}

TEST(Forgery, SignatureBeforeTheDescription) {
  std::string document = ours();
  const std::size_t begin = document.find("<Signature ");
  const std::size_t end = document.find("</Signature>") + 12;
  const std::string signature = document.substr(begin, end - begin);
  document.erase(begin, end - begin);
  expect_malformed(replaced(document, "<rdf:Description", signature + "<rdf:Description"),
                   "must have one rdf:Description");
}

TEST(Forgery, TwoReferences) {
  const std::string document = ours();
  const std::size_t begin = document.find("<Reference ");
  const std::string reference = document.substr(begin, document.find("</Reference>") + 12 - begin);
  expect_untrusted(replaced(document, reference, reference + reference),
                   "SignedInfo must hold exactly");
}

TEST(Forgery, ParametersAndTypesOfTheSignature) {
  const std::string document = ours();
  expect_untrusted(replaced(document, "<Reference ",
                            "<Reference Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\" "),
                   "may not have the attribute Type");
  expect_untrusted(replaced(document,
                            "<CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/"
                            "10/xml-exc-c14n#\"/>",
                            "<CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/"
                            "xml-exc-c14n#\"><i xmlns=\"urn:x\"/></CanonicalizationMethod>"),
                   "CanonicalizationMethod must hold exactly: nothing");
  expect_untrusted(replaced(document, "<KeyInfo>", "<KeyInfo><RetrievalMethod URI=\"#x\"/>"),
                   "KeyInfo must hold exactly: X509Data");
  expect_untrusted(replaced(document, "<KeyInfo>", "<Object/><KeyInfo>"),
                   "Signature must hold exactly");
}

TEST(Forgery, WrappedDocuments) {
  const std::string document = ours();
  const std::string body = document.substr(document.find("<rdf:RDF"));
  expect_malformed("<metadata>" + body + "</metadata>", "must be rdf:RDF, the root");
  const std::size_t begin = document.find("<rdf:Description");
  const std::size_t end = document.find("</rdf:Description>") + 18;
  const std::string description = document.substr(begin, end - begin);
  const std::string forged = replaced(description, ">136<", ">666<");
  expect_malformed(replaced(document, description, forged + description), "is not allowed here");
  expect_malformed(replaced(document, description, "<rdf:Bag>" + description + "</rdf:Bag>"),
                   "must have one rdf:Description");
  // The signed element moved into the signature, another one in its place.
  expect_untrusted(replaced(replaced(document, description, forged), "</Signature>",
                            "<Object>" + description + "</Object></Signature>"),
                   "Signature must hold exactly");
}

TEST(Forgery, CommentsInsideValuesAreRefusedThoughTheSignatureHolds) {
  const Identity identity = make_identity();
  const std::string document = xmlsec1_signed(identity);
  const std::string in_email =
      replaced(document, "ops@images.example<", "ops@images<!-- -->.example<");
  ASSERT_TRUE(test::xmlsec1_verifies(in_email, identity.certificate));
  expect_malformed(in_email, "slreq:email may not hold comments");
  expect_untrusted(replaced(document, "<X509Certificate>", "<X509Certificate><!-- -->"),
                   "X509Certificate may hold text only");
  const auto between = verify_as(replaced(document, "<slreq:bytes>", "<!-- --><slreq:bytes>"));
  EXPECT_TRUE(between) << between.error().message();
}

TEST(Forgery, PathCharactersInEmailAndCreated) {
  const Identity nameless = make_identity({.email = ""});
  expect_malformed(
      test::xmlsec1_sign(test::appended(test::endorsed_document("../../../up/x@a.example"),
                                        SignatureTemplate().text()),
                         nameless),
      "slreq:email must be an e-mail address");
  std::string document = test::endorsed_document();
  const std::size_t begin = document.find("<dcterms:created>") + 17;
  document.replace(begin, 20, "../../../../up/x.xml");
  expect_malformed(
      test::xmlsec1_sign(test::appended(document, SignatureTemplate().text()), nameless),
      "dcterms:created must be a date");
}

TEST(Forgery, WeakKeys) {
  SignatureTemplate rsa;
  rsa.method = kRsaSha256;
  expect_untrusted(xmlsec1_signed(make_identity({.key = "rsa:1024"}), rsa), "2048 to 8192 bits");
  expect_untrusted(
      xmlsec1_signed(make_identity({.key = "ec -pkeyopt ec_paramgen_curve:secp224r1"})),
      "P-256, P-384 or P-521");
  expect_untrusted(
      xmlsec1_signed(make_identity({.key = "ec -pkeyopt ec_paramgen_curve:secp256k1"})),
      "P-256, P-384 or P-521");
}

TEST(Forgery, WeakAlgorithms) {
  const Identity identity = make_identity({.key = "rsa:2048"});
  SignatureTemplate md5;
  md5.method = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5";
  expect_untrusted(xmlsec1_signed(identity, md5), "rsa-md5, which this profile does not allow");
  SignatureTemplate sha1;
  sha1.method = kRsaSha1;
  expect_error(verify_as(xmlsec1_signed(identity, sha1)), Errc::kUntrustedSignature,
               "rsa-sha1, which this profile does not allow");
  SignatureTemplate sha1_digest;
  sha1_digest.method = kRsaSha256;
  sha1_digest.digest = kSha1;
  const std::string document = xmlsec1_signed(identity, sha1_digest);
  expect_error(verify_as(document), Errc::kUntrustedSignature, "DigestMethod names the algorithm");
  const auto legacy = verify_as(document, Profile::kLegacy);
  ASSERT_TRUE(legacy) << legacy.error().message();
  EXPECT_TRUE(legacy->signature().weak);
}

TEST(Forgery, HmacWithTheCertificateAsItsSecret) {
  expect_untrusted(replaced(ours(), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
                            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
                   "hmac-sha256, which this profile does not allow");
}

TEST(Forgery, AlgorithmOfAnotherKeyType) {
  expect_untrusted(
      replaced(ours(), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", kRsaSha256),
      "does not fit the certificate's key");
}

TEST(Forgery, B56CertificateSignedWithMd5OrSha1) {
  for (const char* digest : {"md5", "sha1"}) {
    SignatureTemplate form;
    form.method = kRsaSha256;
    const std::string document =
        xmlsec1_signed(make_identity({.key = "rsa:2048", .digest = digest}), form);
    expect_error(verify_as(document), Errc::kUntrustedSignature, "weaker than SHA-256");
    const auto legacy = verify_as(document, Profile::kLegacy);
    ASSERT_TRUE(legacy) << legacy.error().message();
    EXPECT_TRUE(legacy->signature().weak);
  }
}

TEST(Forgery, B56ExpiredAndNotYetValidCertificates) {
  constexpr UnixMillis kYear = 365LL * 86'400'000;
  const UnixMillis now = SystemClock().now();
  for (const UnixMillis born : {now - 20 * kYear, now + 2 * kYear}) {
    const auto pem = Endorser::generate("Image Ops", test::kOpsEmail, test::StillClock(born));
    ASSERT_TRUE(pem);
    const std::string document = test::xmlsec1_sign(
        test::appended(test::endorsed_document(test::kOpsEmail, "CN=Image Ops,O=Strata"),
                       SignatureTemplate().text()),
        {pem->key, pem->certificate});
    expect_error(verify_as(document), Errc::kUntrustedSignature, "the certificate is valid from");
    const auto legacy = verify_as(document, Profile::kLegacy);
    ASSERT_TRUE(legacy) << legacy.error().message();
    EXPECT_FALSE(legacy->signature().certificate_valid_at_created);
  }
}

TEST(Forgery, B56EndorserThatIsNotTheCertificates) {
  const Identity identity = make_identity();
  const auto with = [&identity](const std::string& document) {
    return test::xmlsec1_sign(test::appended(document, SignatureTemplate().text()), identity);
  };
  expect_untrusted(with(test::endorsed_document("victim@images.example")),
                   "slreq:email is not the e-mail of the certificate");
  expect_untrusted(with(test::endorsed_document("Ops@images.example")), "slreq:email");
  expect_untrusted(with(test::endorsed_document(test::kOpsEmail, "CN=Victim,O=Example")),
                   "slreq:subject is not the subject");
  const std::string document = test::endorsed_document();
  expect_untrusted(with(replaced(document, "<slreq:issuer>CN=Image Ops", "<slreq:issuer>CN=CA")),
                   "slreq:issuer is not the issuer");
  expect_error(verify_as(with(replaced(document, "</slreq:issuer>",
                                       "</slreq:issuer><slreq:issuer>CN=CA</slreq:issuer>"))),
               Errc::kUntrustedSignature, "slreq:issuer may be there once only");
}

TEST(Forgery, SelfSignedCertificateWithOtherDates) {
  std::string document = ours();
  const std::size_t begin = document.find("<X509Certificate>") + 17;
  const std::size_t end = document.find("</X509Certificate>");
  const auto der = from_base64([&] {
    std::string text = document.substr(begin, end - begin);
    std::erase(text, '\n');
    return text;
  }());
  ASSERT_TRUE(der);
  // notAfter of the generated certificate is 2034-05-01.
  std::string bytes(der->begin(), der->end());
  bytes = replaced(bytes, "340501", "440501");
  document.replace(begin, end - begin,
                   to_base64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}));
  expect_untrusted(document, "its signature does not hold");
}

TEST(Forgery, CertificateTextThatIsNoCertificate) {
  const std::string document = ours();
  expect_untrusted(replaced(document, "<X509Certificate>", "<X509Certificate>!"), "base64");
  expect_untrusted(replaced(document, "<X509Certificate>", "<X509Certificate>AAAA"),
                   "not one X.509 certificate");
  const std::size_t begin = document.find("<X509Certificate>") + 17;
  const std::size_t end = document.find("</X509Certificate>");
  std::string empty = document;
  empty.erase(begin, end - begin);
  expect_untrusted(empty, "base64");
}

TEST(Forgery, EmptySignatureElement) {
  expect_untrusted(test::appended(test::endorsed_document(),
                                  "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>"),
                   "Signature must hold exactly");
}

TEST(Forgery, SignedPlaceholderEndorsement) {
  const std::string document = replaced(test::endorsed_document(), "<slreq:endorsement", "<!--");
  const std::size_t end = document.find("</slreq:endorsement>");
  expect_malformed(
      test::xmlsec1_sign(test::appended(document.substr(0, end) + "-->" + document.substr(end + 20),
                                        SignatureTemplate().text()),
                         make_identity()),
      "slreq:endorsement must name created and endorser");
}

// No change of a byte changes a value. What still verifies is not covered and says nothing: unused
// namespaces, the XML declaration.
TEST(Forgery, NoChangedByteChangesAValue) {
  const std::string document = ours();
  const auto original = verify_as(document);
  ASSERT_TRUE(original);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < document.size(); ++i) {
    for (const char bit : {'\x01', '\x20'}) {
      std::string changed = document;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      const auto entry = verify_as(changed);
      if (!entry) continue;
      ++accepted;
      EXPECT_EQ(entry->metadata(), original->metadata()) << "byte " << i;
      EXPECT_EQ(entry->signature().fingerprint, original->signature().fingerprint);
    }
  }
  EXPECT_LT(accepted, 100u);
}

TEST(Forgery, LineEndsAndCdataChangeNothing) {
  const std::string document = ours();
  std::string crlf;
  for (const char c : document) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  const auto entry = verify_as(crlf);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->document(), crlf);
  // As Java writes base64.
  const auto java =
      verify_as(replaced(replaced(document, "<X509Certificate>", "<X509Certificate>&#13;\n"),
                         "<SignatureValue>", "<SignatureValue>&#13;\n"));
  EXPECT_TRUE(java) << java.error().message();
  const auto cdata = verify_as(replaced(document, ">136<", "><![CDATA[136]]><"));
  ASSERT_TRUE(cdata) << cdata.error().message();
  EXPECT_EQ(cdata->metadata().bytes, 136u);
}

}  // namespace
}  // namespace strata::metadata
