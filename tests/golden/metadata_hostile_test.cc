// B55: hostile XML inside documents whose signature holds for xmlsec1. What refuses them is not
// that a signature fails, but that nothing of the kind is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "strata/metadata/document.h"
#include "tests/support/metadata_forge.h"
#include "tests/support/metadata_samples.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

namespace strata::metadata {
namespace {

using test::Identity;
using test::replaced;
using test::SignatureTemplate;
using testing::HasSubstr;

const Identity& identity() {
  static const Identity made = test::make_identity();
  return made;
}

std::string sign_by_xmlsec1(const std::string& document, const std::string& options = {}) {
  return test::xmlsec1_sign(test::appended(document, SignatureTemplate().text()), identity(),
                            options);
}

void expect_refused(const std::string& document, Errc code, const std::string& reason) {
  for (const Profile profile : {Profile::kStrict, Profile::kLegacy}) {
    const auto entry = verify(document, profile, Limits());
    ASSERT_FALSE(entry) << "accepted; expected: " << reason;
    EXPECT_EQ(entry.error().code(), code) << entry.error().message();
    EXPECT_THAT(entry.error().detail(), HasSubstr(reason));
  }
}

// Signed, and good for a verifier that only asks xmlsec.
void expect_refused_though_signed(const std::string& document, const std::string& reason) {
  const std::string signed_document = sign_by_xmlsec1(document);
  ASSERT_TRUE(test::xmlsec1_verifies(signed_document, identity().certificate)) << reason;
  expect_refused(signed_document, Errc::kMalformed, reason);
}

std::string with_title(const std::string& title) {
  return replaced(test::endorsed_document(), "</dcterms:type>",
                  "</dcterms:type><dcterms:title>" + title + "</dcterms:title>");
}

std::string with_doctype(const std::string& doctype, const std::string& title) {
  return replaced(with_title(title), "<rdf:RDF", doctype + "<rdf:RDF");
}

class HostileXml : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() + "/" + name) << text;
    return "file://" + folder_.path() + "/" + name;
  }
  test::TemporaryDirectory folder_;
};

// What the entities stand for is signed first: a verifier that reads them finds the signature good.
void expect_entity_refused(const std::string& plain, const std::string& text,
                           const std::string& entity, const std::string& doctype) {
  const std::string document =
      replaced(replaced(sign_by_xmlsec1(plain), ">" + text + "<", ">" + entity + "<"), "<rdf:RDF",
               doctype + "<rdf:RDF");
  const std::string expanded = test::run_tool("xmllint --noent --loaddtd --dropdtd -", document);
  ASSERT_TRUE(test::xmlsec1_verifies(expanded, identity().certificate)) << expanded;
  expect_refused(document, Errc::kMalformed, "DOCTYPE");
}

TEST_F(HostileXml, SignedExternalEntityOfAFile) {
  const std::string secret = file("secret", "hunter2");
  expect_entity_refused(with_title("hunter2"), "hunter2", "&x;",
                        "<!DOCTYPE r [<!ENTITY x SYSTEM \"" + secret + "\">]>");
}

TEST_F(HostileXml, SignedEntityExpansion) {
  std::string doctype = "<!DOCTYPE r [<!ENTITY a0 \"ha\">", text = "ha";
  for (int i = 1; i < 3; ++i) {
    const std::string before = "&a" + std::to_string(i - 1) + ";";
    doctype += "<!ENTITY a" + std::to_string(i) + " \"" + before + before + "\">";
    text += text;
  }
  expect_entity_refused(with_title(text), text, "&a2;", doctype + "]>");
}

// The entity could be declared otherwise afterwards: no signature covers a DTD.
TEST_F(HostileXml, SignedEntityInTheEndorser) {
  expect_entity_refused(test::endorsed_document(), std::string(test::kOpsEmail), "&who;",
                        "<!DOCTYPE r [<!ENTITY who \"ops@images.example\">]>");
}

TEST_F(HostileXml, SignedExternalDtdAndParameterEntity) {
  const std::string dtd = file("x.dtd", "<!ENTITY x \"from outside\">");
  expect_entity_refused(with_title("from outside"), "from outside", "&x;",
                        "<!DOCTYPE r SYSTEM \"" + dtd + "\">");
  expect_entity_refused(with_title("from outside"), "from outside", "&x;",
                        "<!DOCTYPE r [<!ENTITY % p SYSTEM \"" + dtd + "\"> %p;]>");
}

// A DTD can add attributes that stand nowhere in the document.
TEST_F(HostileXml, SignedDefaultAttributes) {
  expect_refused_though_signed(
      with_doctype("<!DOCTYPE r [<!ATTLIST dcterms:title xml:lang CDATA \"en\">]>", "t"),
      "DOCTYPE");
}

TEST_F(HostileXml, SignedXIncludeIsNotFollowed) {
  const std::string secret = file("secret", "hunter2");
  const std::string element = "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"" +
                              secret + "\" parse=\"text\"/>";
  expect_refused_though_signed(with_title(element), "text only");
  // As a foreign term it is an element like others, and means nothing.
  const auto entry = verify(
      sign_by_xmlsec1(replaced(test::endorsed_document(), "</dcterms:type>",
                               "</dcterms:type><xi:include "
                               "xmlns:xi=\"http://www.w3.org/2001/XInclude\" parse=\"text\"/>")),
      Profile::kLegacy, Limits());
  ASSERT_FALSE(entry);
  EXPECT_THAT(entry.error().detail(), HasSubstr("attribute parse"));
}

TEST_F(HostileXml, SignedStyleSheetInstructionIsNotFollowed) {
  const std::string sheet = file("x.xsl", "<x/>");
  const std::string document =
      replaced(test::endorsed_document(), "<rdf:RDF",
               "<?xml-stylesheet type=\"text/xsl\" href=\"" + sheet + "\"?><rdf:RDF");
  const auto entry = verify(sign_by_xmlsec1(document), Profile::kStrict, Limits());
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->metadata().bytes, 136u);
}

// A signature over one element only, by its id, which a copy of that element can take over.
TEST_F(HostileXml, SignedFragmentAndDuplicateIds) {
  SignatureTemplate form;
  form.uri = "#d";
  form.transforms = "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
  const std::string title = "<dcterms:title xml:id=\"d\">t</dcterms:title>";
  const std::string document = test::xmlsec1_sign(
      test::appended(
          replaced(test::endorsed_document(), "</dcterms:type>", "</dcterms:type>" + title),
          form.text()),
      identity());
  ASSERT_TRUE(test::xmlsec1_verifies(replaced(document, ">136<", ">137<"), identity().certificate));
  expect_refused(document, Errc::kMalformed, "attribute id");
  expect_refused(replaced(document, " xml:id=\"d\"", ""), Errc::kUntrustedSignature, "URI=\"\"");
}

struct Case {
  const char *name, *from, *to, *reason;
};
void PrintTo(const Case& value, std::ostream* out) {
  *out << value.name;
}
class SignedButWrong : public testing::TestWithParam<Case> {};

TEST_P(SignedButWrong, IsRefusedUnderBothProfiles) {
  expect_refused_though_signed(replaced(test::endorsed_document(), GetParam().from, GetParam().to),
                               GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Documents, SignedButWrong,
    testing::Values(
        Case{"CommentInCreated", "<dcterms:created>", "<dcterms:created><!-- -->", "comments"},
        Case{"CommentInIdentifier", "<dcterms:identifier>", "<dcterms:identifier><!-- -->",
             "comments"},
        Case{"CommentInSubject", "<slreq:subject>", "<slreq:subject><!-- -->", "comments"},
        Case{"CommentInChecksum", "<slreq:value>", "<slreq:value><!-- -->", "comments"},
        Case{"InstructionInEmail", "<slreq:email>ops", "<slreq:email>ops<?x?>", "instructions"},
        Case{"EmailPath", "<slreq:email>ops@", "<slreq:email>../../ops@", "slreq:email"},
        Case{"EmailEncodedSlash", "<slreq:email>ops@", "<slreq:email>ops%2f..@", "slreq:email"},
        Case{"EmailLine", "<slreq:email>ops@", "<slreq:email>x&#10;Bcc: ops@", "slreq:email"},
        Case{"EmailHostPath", "<slreq:email>ops@images", "<slreq:email>ops@images/..",
             "slreq:email"},
        Case{"AboutUrl", "rdf:about=\"#", "rdf:about=\"http://mp.stratuslab.eu/#", "rdf:about"},
        Case{"TwoChecksumsOfOneKind", "<slreq:endorsement",
             "<slreq:checksum rdf:parseType=\"Resource\"><slreq:algorithm>SHA-1</slreq:algorithm>"
             "<slreq:value>2be933c98aa6b54bc1229e59f3a752fcfbd286c9</slreq:value></slreq:checksum>"
             "<slreq:endorsement",
             "repeats the algorithm SHA-1"},
        Case{"Sha1Of39Digits", "<slreq:value>2be9", "<slreq:value>2be", "40 hex digits"},
        Case{"Sha1Of42Digits", "<slreq:value>2be9", "<slreq:value>002be9", "40 hex digits"},
        Case{"Sha1WithPrefix", "<slreq:value>2be9", "<slreq:value>sha1:2be9", "hex digits"},
        Case{"Sha1WithPath", "<slreq:value>2be9", "<slreq:value>../2be9", "hex digits"}),
    [](const auto& value) { return std::string(value.param.name); });

// B36: case says nothing, and what is read is the number.
TEST(SignedDigests, B36UpperAndMixedHexAreTheSameDigest) {
  const std::string document =
      replaced(test::endorsed_document(), "<slreq:value>2be933c98aa6", "<slreq:value>2BE933c98AA6");
  const auto entry = verify(sign_by_xmlsec1(document), Profile::kStrict, Limits());
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->metadata().sha1.hex(), "2be933c98aa6b54bc1229e59f3a752fcfbd286c9");
}

TEST(SignedTerms, UnknownNamespacesAreKeptAndMeanNothing) {
  const std::string foreign =
      "<x:os xmlns:x=\"urn:x\">evil</x:os><x:deprecated xmlns:x=\"urn:x\">no</x:deprecated>";
  const std::string document =
      replaced(test::endorsed_document(), "</dcterms:type>", "</dcterms:type>" + foreign);
  const auto entry = verify(sign_by_xmlsec1(document), Profile::kStrict, Limits());
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->metadata().os, "");
  EXPECT_FALSE(entry->metadata().deprecated);
  EXPECT_THAT(entry->document(), HasSubstr(foreign));
}

}  // namespace
}  // namespace strata::metadata
