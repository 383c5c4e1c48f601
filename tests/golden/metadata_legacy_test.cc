// StratusLab's documents: one like each fixture of its test suite, with the defect that its name
// says, signed by xmlsec1 as StratusLab signs; and what `strata metadata verify --legacy` prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "strata/metadata/document.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/daemon_process.h"
#include "tests/support/metadata_forge.h"
#include "tests/support/metadata_samples.h"

namespace strata::metadata {
namespace {

using test::Identity;
using test::replaced;
using test::SignatureTemplate;
using testing::HasSubstr;
using testing::Not;

SignatureTemplate stratuslab_form() {
  SignatureTemplate form;
  form.c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
  form.method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
  form.digest = "http://www.w3.org/2000/09/xmldsig#sha1";
  return form;
}

SignatureTemplate strict_form() {
  SignatureTemplate form;
  form.method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
  return form;
}

const Identity& rsa_identity() {
  static const Identity identity = test::make_identity({.key = "rsa:2048"});
  return identity;
}

std::string signed_as(const SignatureTemplate& form, const std::string& document,
                      const Identity& identity = rsa_identity()) {
  return test::xmlsec1_sign(test::appended(document, form.text()), identity);
}

// Text of an endorsed document and what takes its place.
using Edit = std::pair<std::string, std::string>;

struct Fixture {
  const char* name;
  std::vector<Edit> edits;
  // The reason of the refusal, or null where the document is good.
  const char* legacy = nullptr;
  const char* strict = nullptr;
};
void PrintTo(const Fixture& fixture, std::ostream* out) {
  *out << fixture.name;
}

Fixture bad(const char* name, std::vector<Edit> edits, const char* reason) {
  return {name, std::move(edits), reason, reason};
}

void expect_verdict(const std::string& document, Profile profile, const char* reason) {
  const auto entry = verify(document, profile, Limits());
  if (reason == nullptr) {
    ASSERT_TRUE(entry) << entry.error().message();
    EXPECT_EQ(entry->key().endorser, test::kOpsEmail);
  } else {
    ASSERT_FALSE(entry) << "accepted; expected: " << reason;
    EXPECT_THAT(entry.error().detail(), HasSubstr(reason));
  }
}

class StratusLabFixture : public testing::TestWithParam<Fixture> {};

TEST_P(StratusLabFixture, HasTheVerdictOfItsProfile) {
  const Fixture& fixture = GetParam();
  std::string document = test::endorsed_document();
  for (const auto& [from, to] : fixture.edits) document = replaced(document, from, to);
  const std::string legacy = signed_as(stratuslab_form(), document);
  expect_verdict(legacy, Profile::kLegacy, fixture.legacy);
  const auto strict_on_legacy = verify(legacy, Profile::kStrict, Limits());
  EXPECT_FALSE(strict_on_legacy);  // already for its algorithms
  expect_verdict(signed_as(strict_form(), document), Profile::kStrict, fixture.strict);
}

std::string fixture_name(const testing::TestParamInfo<Fixture>& info) {
  return info.param.name;
}

const std::string kType = "<dcterms:type>machine</dcterms:type>";
const std::string kIdentifier =
    "<dcterms:identifier>CvpM8mKprVLwSKeWfOnUvz70obJ</dcterms:identifier>";
const std::string kParse = " rdf:parseType=\"Resource\"";

std::string twice(const std::string& name) {
  const std::string element = "<slterms:" + name + ">1</slterms:" + name + ">";
  return kType + element + element;
}
std::string term(const std::string& name, const std::string& value) {
  return kType + "<slterms:" + name + ">" + value + "</slterms:" + name + ">";
}

INSTANTIATE_TEST_SUITE_P(
    Valid, StratusLabFixture,
    testing::Values(
        Fixture{"minimal", {}},
        Fixture{"full",
                {{kType, kType +
                             "<dcterms:valid>2035-01-01T00:00:00Z</dcterms:valid>"
                             "<dcterms:title>t</dcterms:title><slterms:os>o</slterms:os>"
                             "<slterms:inbound-port>0</slterms:inbound-port>"
                             "<slterms:icmp>8</slterms:icmp><ex:other xmlns:ex='urn:ex'>"
                             "x</ex:other><ex:relatedImages xmlns:ex='urn:ex'" +
                             kParse +
                             "><dcterms:identifier>AAAAAAAAAAAAAAAAAAAAAAAAAAA"
                             "</dcterms:identifier></ex:relatedImages>"}}},
        Fixture{"full_alt_cimi",
                {{kType, kType +
                             "<dcterms:alternative>tag</dcterms:alternative>"
                             "<MachineConfiguration xmlns='http://schemas.dmtf.org/cimi/1'" +
                             kParse + "><cpu>1</cpu><disk" + kParse +
                             "><capacity>1</capacity></disk></MachineConfiguration>"}}},
        Fixture{"ca_signed_with_empty_terms",
                {{kType, kType + "<dcterms:compression></dcterms:compression>"
                                 "<dcterms:description/>"}}},
        Fixture{"leading_zero_sha1",
                {{"<slreq:value>2be", "<slreq:value>02be"}},
                nullptr,
                "40 hex digits, not 41"},
        Fixture{"two_locations",
                {{kType, kType + "<slterms:location>http://a/</slterms:location>"
                                 "<slterms:location>pdisk:b</slterms:location>"}}},
        Fixture{"special_characters",
                {{kType, kType + "<dcterms:title>\"\xc3\xa9' &lt;&amp;&gt;</dcterms:title>"}}},
        // The server's valid-alternative*.xml
        Fixture{"alternative_after_identifier",
                {{kIdentifier, kIdentifier + "<dcterms:alternative>tag</dcterms:alternative>"}},
                nullptr,
                "must have slreq:bytes here, not dcterms:alternative"},
        Fixture{"empty_value_of_a_digest_left_out",
                {{"<slreq:endorsement", "<slreq:checksum" + kParse +
                                            "><slreq:algorithm>MD5</slreq:algorithm><slreq:value>"
                                            "</slreq:value></slreq:checksum><slreq:endorsement"}},
                nullptr,
                "slreq:value must be hex digits"}),
    fixture_name);

INSTANTIATE_TEST_SUITE_P(
    Schema, StratusLabFixture,
    testing::Values(
        bad("no_xml_base", {{" xml:base=\"http://mp.stratuslab.eu/\"", ""}}, "xml:base"),
        bad("bad_xml_base",
            {{"xml:base=\"http://mp.stratuslab.eu/", "xml:base=\"http://mp.stratuslab.eu/BAD"}},
            "xml:base"),
        bad("bad_about_id", {{"#CvpM8mKprVLwSKeWfOnUvz70obJ", "#CvpM8mKprVLwSKeWf"}}, "rdf:about"),
        bad("bad_element_for_signature",
            {{"</rdf:Description>", "</rdf:Description><rdf:Description rdf:about='#x'/>"}},
            "is not allowed here"),
        bad("bad_checksum_parsetype",
            {{"<slreq:checksum rdf:parseType=\"Resource\"",
              "<slreq:checksum rdf:parseType=\"BAD\""}},
            "rdf:parseType"),
        bad("bad_endorsement_parsetype",
            {{"<slreq:endorsement rdf:parseType=\"Resource\"",
              "<slreq:endorsement rdf:parseType=\"BAD\""}},
            "rdf:parseType"),
        bad("bad_endorsement_bare_parsetype",
            {{"<slreq:endorsement rdf:parseType=\"Resource\"",
              "<slreq:endorsement parseType=\"BAD\""}},
            "rdf:parseType"),
        bad("bad_endorser_parsetype",
            {{"<slreq:endorser rdf:parseType=\"Resource\"",
              "<slreq:endorser rdf:parseType=\"BAD\""}},
            "rdf:parseType"),
        bad("checksum_value",
            {{"<slreq:value>2be933c98aa6b54bc1229e59f3a752fcfbd286c9", "<slreq:value>XYZ"}},
            "hex digits"),
        bad("sha1_left_out",
            {{"<slreq:value>2be933c98aa6b54bc1229e59f3a752fcfbd286c9", "<slreq:value>"}},
            "hex digits"),
        bad("email", {{"<slreq:email>ops@", "<slreq:email>ops."}}, "slreq:email"),
        bad("no_endorsement", {{"<slreq:endorsement", "<!--"}, {"</slreq:endorsement>", "-->"}},
            "slreq:endorsement must name created and endorser"),
        bad("no_endorser", {{"<slreq:endorser ", "<!--"}, {"</slreq:endorser>", "-->"}},
            "slreq:endorser"),
        bad("bad_serial_number", {{kType, term("serial-number", "X")}}, "must be an integer"),
        bad("bad_inbound_port", {{kType, term("inbound-port", "65536")}}, "0 to 65535"),
        bad("bad_outbound_port", {{kType, term("outbound-port", "65536")}}, "0 to 65535"),
        bad("bad_icmp_value", {{kType, term("icmp", "65536")}}, "0 to 255")),
    fixture_name);

INSTANTIATE_TEST_SUITE_P(
    Constraints, StratusLabFixture,
    testing::Values(
        bad("dcterms_type", {{">machine<", "><x xmlns='urn:x'/><"}}, "dcterms:type"),
        bad("no_dcterms_type", {{kType, ""}}, "exactly one dcterms:type"),
        bad("inconsistent_identifiers",
            {{"z70obJ</dcterms:identifier>", "z70obK</dcterms:identifier>"}}, "rdf:about"),
        bad("inconsistent_checksum", {{"fbd286c9<", "fbd286c8<"}}, "do not agree"),
        bad("multiple_deprecated", {{kType, twice("deprecated")}}, "once only"),
        bad("multiple_os", {{kType, twice("os")}}, "once only"),
        bad("multiple_os_arch", {{kType, twice("os-arch")}}, "once only"),
        bad("multiple_os_version", {{kType, twice("os-version")}}, "once only"),
        bad("multiple_serial_numbers", {{kType, twice("serial-number")}}, "once only"),
        bad("multiple_versions", {{kType, twice("version")}}, "once only"),
        bad("valid_date_1",
            {{kType, kType + "<dcterms:valid>2035-01-01X00:00:00Z</dcterms:valid>"}}, "a date"),
        bad("valid_date_2",
            {{kType, kType + "<dcterms:valid>2035-01-01T99:00:00Z</dcterms:valid>"}}, "a date"),
        bad("rdf_attribute", {{kType, kType + "<e:a xmlns:e='urn:e' e:b='c'>text</e:a>"}},
            "attribute b"),
        bad("rdf_resource", {{kType, kType + "<e:a xmlns:e='urn:e'><e:b/><e:c/></e:a>"}},
            "parseType"),
        bad("multiple_endorsements",
            {{"</slreq:endorsement>", "</slreq:endorsement><slreq:endorsement" + kParse + "/>"}},
            "slreq:endorsement is not allowed here"),
        // What order is free may not be there twice (forgery D, and readers that search).
        bad("second_identifier", {{kType, kType + kIdentifier}}, "dcterms:identifier"),
        bad("second_bytes", {{kType, kType + "<slreq:bytes>1</slreq:bytes>"}}, "slreq:bytes"),
        bad("decoy_email", {{kType, kType + "<slreq:email>v@x.example</slreq:email>"}},
            "slreq:email is not allowed here")),
    fixture_name);

std::string with_created(const std::string& created) {
  std::string document = test::endorsed_document();
  const std::size_t begin = document.find("<dcterms:created>") + 17;
  return document.replace(begin, 20, created);
}

TEST(StratusLabDocuments, CreatedDate1And2) {
  for (const char* created : {"2024-05-01X12:00:00Z", "2024-05-01T99:00:00Z", ""}) {
    const std::string document = signed_as(stratuslab_form(), with_created(created));
    expect_verdict(document, Profile::kLegacy, "dcterms:created must be a date");
  }
}

TEST(StratusLabDocuments, NoContent) {
  expect_verdict(
      "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" "
      "xml:base=\"http://mp.stratuslab.eu/\"/>",
      Profile::kLegacy, "must have one rdf:Description");
}

TEST(StratusLabDocuments, WithoutASignatureOrWithAnEmptyOne) {
  expect_verdict(test::endorsed_document(), Profile::kLegacy, "exactly one xmldsig:Signature");
  expect_verdict(test::appended(test::endorsed_document(),
                                "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>"),
                 Profile::kLegacy, "Signature must hold exactly");
}

TEST(StratusLabDocuments, MultipleSignatures) {
  const std::string document = signed_as(stratuslab_form(), test::endorsed_document());
  const std::size_t begin = document.find("<Signature ");
  const std::string signature = document.substr(begin, document.find("</Signature>") + 12 - begin);
  expect_verdict(test::appended(document, signature + signature + signature), Profile::kLegacy,
                 "at most one xmldsig:Signature");
}

// What stratus-deprecate-metadata makes: an endorsement at the end, whose parseType has no
// namespace, and the reason behind it.
std::string deprecated_document() {
  std::string document = test::endorsed_document();
  const std::size_t begin = document.find("<slreq:endorsement");
  const std::size_t end = document.find("</slreq:endorsement>") + 20;
  const std::string endorsement = document.substr(begin, end - begin);
  document.erase(begin, end - begin);
  return replaced(document, "</rdf:Description>",
                  replaced(endorsement, "rdf:parseType", "parseType") +
                      "<slterms:deprecated>broken</slterms:deprecated></rdf:Description>");
}

TEST(StratusLabDocuments, DeprecatedByStratusDeprecateMetadata) {
  const std::string document = deprecated_document();
  const auto entry = verify(signed_as(stratuslab_form(), document), Profile::kLegacy, Limits());
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->metadata().deprecated, "broken");
  EXPECT_EQ(entry->key().endorser, test::kOpsEmail);
  expect_verdict(signed_as(strict_form(), document), Profile::kStrict,
                 "slreq:endorsement is not allowed here");
}

// Java writes standalone="no" and carriage returns into base64.
TEST(StratusLabDocuments, AsJavaWritesThem) {
  std::string document = signed_as(stratuslab_form(), test::endorsed_document());
  document = replaced(document, "encoding=\"UTF-8\"?>", "encoding=\"UTF-8\" standalone=\"no\"?>");
  document = replaced(document, "<SignatureValue>", "<SignatureValue>&#13;\n");
  document = replaced(document, "<X509Certificate>", "<X509Certificate>&#13;\n");
  expect_verdict(document, Profile::kLegacy, nullptr);
}

// SignedInfo keeps its comments under C14N with comments, the content loses them.
TEST(StratusLabDocuments, CommentsAreCoveredInSignedInfoOnly) {
  const std::string document = signed_as(stratuslab_form(), test::endorsed_document());
  expect_verdict(replaced(document, "<slreq:bytes>", "<!-- c --><slreq:bytes>"), Profile::kLegacy,
                 nullptr);
  expect_verdict(replaced(document, "<SignedInfo>", "<SignedInfo><!-- c -->"), Profile::kLegacy,
                 "does not fit the document");
}

class VerifyCommand : public testing::Test {
 protected:
  test::Finished run(const std::string& document, bool legacy = true) {
    const std::string path = folder_.path() + "/document.xml";
    std::ofstream(path, std::ios::binary) << document;
    std::vector<std::string> command = {STRATA, "metadata", "verify", path};
    if (legacy) command.push_back("--legacy");
    return test::run_program(command);
  }
  test::TemporaryDirectory folder_;
};

TEST_F(VerifyCommand, SaysThatItIsNoTrustDecision) {
  const std::string document = signed_as(stratuslab_form(), test::endorsed_document());
  const auto good = run(document);
  EXPECT_EQ(good.code, 0) << good.output;
  EXPECT_THAT(good.output, HasSubstr("rsa-sha1 (weak)"));
  EXPECT_THAT(good.output, HasSubstr("trust: none\n"));
  EXPECT_THAT(good.output, Not(HasSubstr("email: not in certificate")));
  EXPECT_THAT(good.output, Not(HasSubstr("not valid at created")));
  EXPECT_NE(run(document, false).code, 0);
  const auto changed = run(replaced(document, ">136<", ">137<"));
  EXPECT_NE(changed.code, 0);
  EXPECT_THAT(changed.output, HasSubstr("signature"));
  EXPECT_NE(run(test::endorsed_document()).code, 0);
}

// valid-ca-signed.xml and valid-full-signature.xml of StratusLab at once.
TEST_F(VerifyCommand, WarnsOfWhatItDoesNotJudge) {
  test::CertificateAuthority authority;
  const Identity identity = authority.issue({.key = "rsa:2048", .email = "", .digest = "sha1"},
                                            {.from = "20110101000000Z", .to = "20120101000000Z"});
  const auto warned =
      run(signed_as(stratuslab_form(),
                    replaced(test::endorsed_document(), "<slreq:issuer>CN=Image Ops",
                             "<slreq:issuer>CN=Authority"),
                    identity));
  EXPECT_EQ(warned.code, 0) << warned.output;
  EXPECT_THAT(warned.output, HasSubstr("trust: none\n"));
  EXPECT_THAT(warned.output, HasSubstr("email: not in certificate\n"));
  EXPECT_THAT(warned.output, HasSubstr("certificate not valid at created\n"));
  // Names are compared all the same.
  EXPECT_NE(run(signed_as(stratuslab_form(), test::endorsed_document(), identity)).code, 0);
}

}  // namespace
}  // namespace strata::metadata
