// What the XML parser is given, and what it must not do with it (B55): entities, DTDs, files, and
// documents that are small to send and large to read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "strata/metadata/document.h"
#include "tests/support/metadata_samples.h"

namespace strata::metadata {
namespace {

using test::replaced;
using testing::HasSubstr;

const std::string kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

std::string sample() {
  return build(test::sample_metadata());
}

void expect_refused(std::string_view document, const std::string& reason,
                    Errc code = Errc::kMalformed) {
  for (const Profile profile : {Profile::kStrict, Profile::kLegacy}) {
    const auto entry = verify(document, profile, Limits());
    ASSERT_FALSE(entry);
    EXPECT_EQ(entry.error().code(), code);
    EXPECT_THAT(entry.error().detail(), HasSubstr(reason));
  }
  const auto metadata = parse(document);
  ASSERT_FALSE(metadata);
  EXPECT_THAT(metadata.error().detail(), HasSubstr(reason));
}

std::string with_doctype(std::string_view doctype, std::string_view title = "") {
  const std::string document =
      replaced(sample(), kDeclaration, kDeclaration + std::string(doctype));
  return replaced(document, "</dcterms:type>",
                  "</dcterms:type><dcterms:title>" + std::string(title) + "</dcterms:title>");
}

TEST(MetadataXml, ExternalEntityOfAFile) {
  expect_refused(with_doctype("<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", "&x;"),
                 "DOCTYPE");
}

TEST(MetadataXml, EntityExpansion) {
  std::string doctype = "<!DOCTYPE r [<!ENTITY a0 \"ha\">";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "&a" + std::to_string(i - 1) + ";";
    doctype += "<!ENTITY a" + std::to_string(i) + " \"" + before + before + "\">";
  }
  expect_refused(with_doctype(doctype + "]>", "&a29;"), "DOCTYPE");
}

TEST(MetadataXml, ExternalDtdAndParameterEntities) {
  expect_refused(with_doctype("<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/x.dtd\">"), "DOCTYPE");
  expect_refused(with_doctype("<!DOCTYPE r [<!ENTITY % p SYSTEM \"file:///etc/hostname\"> %p;]>"),
                 "DOCTYPE");
  expect_refused(with_doctype("<!DOCTYPE r>"), "DOCTYPE");
  expect_refused(with_doctype("<!--><!DOCTYPE r>-->"), "DOCTYPE");
  expect_refused(with_doctype("<!ENTITY x \"y\">", "&x;"), "DOCTYPE");
}

TEST(MetadataXml, EntityThatNobodyDeclared) {
  expect_refused(with_doctype("", "&x;"), "not well-formed");
  const auto metadata = parse(with_doctype("", "&lt;&amp;&#x41;"));
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->title, "<&A");
}

TEST(MetadataXml, XIncludeIsOnlyAnElement) {
  expect_refused(with_doctype("",
                              "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" "
                              "href=\"/etc/hostname\" parse=\"text\"/>"),
                 "text only");
}

TEST(MetadataXml, OtherEncodings) {
  expect_refused(replaced(sample(), "UTF-8", "ISO-8859-1"), "must be UTF-8");
  expect_refused(replaced(sample(), "\"UTF-8\"", "'UTF-16'"), "must be UTF-8");
  expect_refused(replaced(sample(), "UTF-8", "UTF-7"), "must be UTF-8");
  std::string wide = "\xff\xfe";
  for (const char c : sample()) (wide += c) += '\0';
  expect_refused(wide, "not UTF-8 text");
  expect_refused(wide.substr(2), "not UTF-8 text");
  expect_refused(replaced(sample(), "machine", "caf\xe9"), "not UTF-8 text");
  expect_refused(replaced(sample(), "machine", std::string_view("a\0b", 3)), "not UTF-8 text");
  EXPECT_TRUE(parse("\xef\xbb\xbf" + sample()));
  EXPECT_TRUE(parse(replaced(sample(), "UTF-8", "utf-8")));
  EXPECT_TRUE(parse(sample().substr(kDeclaration.size() + 1)));
}

TEST(MetadataXml, NotXml) {
  for (const std::string_view text :
       {"", " ", "{}", "<", "<a", "<a>", "<a></b>", "<a/><b/>", "<a b='1' b='2'/>", "<x:a/>",
        "<!--", "<![CDATA[", "<?xml", "<?xml?>", "\xef\xbb\xbf"}) {
    expect_refused(text, "");
  }
}

TEST(MetadataXml, LargerThanTheLimit) {
  Limits limits;
  limits.metadata_document_bytes_max = sample().size();
  EXPECT_TRUE(parse(sample(), limits));
  const auto metadata = parse(sample() + " ", limits);
  ASSERT_FALSE(metadata);
  EXPECT_EQ(metadata.error().code(), Errc::kTooLarge);
}

// Each of these is below the size limit and would cost seconds or gigabytes without its bound.
TEST(MetadataXml, BombsWithoutEntities) {
  const Limits limits;
  const auto start = std::chrono::steady_clock::now();
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  expect_refused(deep, "at most 32 deep");
  std::string many = "<a>";
  for (int i = 0; i < 200'000; ++i) many += "<b/>";
  expect_refused(many + "</a>", "elements and attributes");
  std::string attributes = "<a";
  for (int i = 0; i < 80'000; ++i) attributes += " b" + std::to_string(i) + "=\"\"";
  expect_refused(attributes + "/>", "at most 64 attributes");
  std::string namespaces = "<a xmlns:n=\"urn:" + std::string(500'000, 'x') + "\">";
  for (int i = 0; i < 9'000; ++i) namespaces += "<n:b/>";
  expect_refused(namespaces + "</a>", "namespace of more than");
  // For inclusive canonical XML, which needs a signature of the right form to be reached.
  std::string scopes, ends;
  for (int depth = 0; depth < 28; ++depth) {
    scopes += "<a";
    for (int i = 0; i < 60; ++i)
      scopes += " xmlns:n" + std::to_string(depth * 60 + i) + "=\"urn:n\"";
    scopes += ">";
    ends += "</a>";
  }
  for (int i = 0; i < 8'000; ++i) scopes += "<b/>";
  expect_refused(scopes + ends, "at most 64 namespace declarations");
  const auto elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_LT(elapsed, std::chrono::seconds(5));
}

TEST(MetadataXml, DepthAndCountAreExact) {
  Limits limits;
  limits.metadata_depth_max = 5;  // rdf:RDF, Description, endorsement, endorser, email
  ImageMetadata metadata = test::sample_metadata();
  metadata.endorsement = Endorsement{0, "a@b.example", "CN=a", {"CN=a"}};
  EXPECT_TRUE(parse(build(metadata), limits));
  limits.metadata_depth_max = 4;
  EXPECT_FALSE(parse(build(metadata), limits));
  limits.metadata_depth_max = 32;
  limits.metadata_attributes_max = 5;  // four namespaces and xml:base
  EXPECT_TRUE(parse(build(metadata), limits));
  limits.metadata_attributes_max = 4;
  EXPECT_FALSE(parse(build(metadata), limits));
  limits.metadata_attributes_max = 64;
  // Siblings do not add up: only what surrounds an element counts.
  const std::string own = "<x:a xmlns:x=\"urn:x\"/>";
  const std::string document =
      replaced(build(metadata), "</rdf:Description>", own + own + own + "</rdf:Description>");
  limits.metadata_namespaces_max = 5;  // the root's and its own
  EXPECT_TRUE(parse(document, limits));
  limits.metadata_namespaces_max = 4;
  EXPECT_FALSE(parse(document, limits));
}

}  // namespace
}  // namespace strata::metadata
