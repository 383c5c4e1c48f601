// build() and parse(): the form of a metadata document, and what makes one invalid
// (registry/FORMAT.md). Each refusal names the element and the rule.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/base/text.h"
#include "strata/metadata/document.h"
#include "tests/support/metadata_samples.h"

namespace strata::metadata {
namespace {

using test::replaced;
using test::sample_metadata;
using testing::HasSubstr;

std::string sample() {
  return build(sample_metadata());
}

// The sample with one more element at the end of its rdf:Description.
std::string with(std::string_view element) {
  return replaced(sample(), "  </rdf:Description>", std::string(element) + "</rdf:Description>");
}

void expect_refused(std::string_view document, std::string_view reason) {
  const auto metadata = parse(document);
  ASSERT_FALSE(metadata) << "accepted; expected: " << reason;
  EXPECT_EQ(metadata.error().code(), Errc::kMalformed);
  EXPECT_THAT(metadata.error().detail(), HasSubstr(std::string(reason)));
}

ImageMetadata full_metadata() {
  ImageMetadata full = sample_metadata();
  full.sha256 = *Sha256Digest::from_hex(std::string(64, 'a'));
  full.sha512 = *Sha512Digest::from_hex(std::string(128, 'b'));
  full.endorsement =
      Endorsement{1'714'564'800'000, "a.b+c@d.example", "CN=A\\, B", {"CN=I", "O=J"}};
  full.kind = "disk";
  full.valid = 1'730'000'000'000;
  full.created = 1'710'000'000'000;
  full.title = "Title <with> & \"everything\" ]]> é 日本";
  full.description = "two\nlines\tand a \r return";
  full.creator = "creator";
  full.publisher = "publisher";
  full.format = "qcow2";
  full.compression = "xz";
  full.tags = {"stable", "latest"};
  full.version = "1.0";
  full.os = "debian";
  full.os_version = "12";
  full.os_arch = "x86_64";
  full.deprecated = "";
  full.serial_number = 18'446'744'073'709'551'615u;
  full.hypervisors = {"kvm", "xen"};
  full.locations = {"https://images.example/a?b=1&c=2", "pdisk:x:y"};
  DigestSet stored;
  stored.bytes = 77;
  stored.sha1.bytes.fill(1);
  stored.sha256.bytes.fill(2);
  stored.sha512.bytes.fill(3);
  full.stored = {{"identity", stored}, {"zstd", stored}};
  return full;
}

TEST(MetadataBuild, ParseSaysWhatWasBuilt) {
  const ImageMetadata full = full_metadata();
  const auto parsed = parse(build(full));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, full);
  EXPECT_EQ(build(*parsed), build(full));
}

TEST(MetadataBuild, WritesTheSmallestDocumentInTheFormatsOrder) {
  EXPECT_EQ(sample(), R"(<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
         xmlns:dcterms="http://purl.org/dc/terms/"
         xmlns:slreq="http://mp.stratuslab.eu/slreq#"
         xmlns:slterms="http://mp.stratuslab.eu/slterms#"
         xml:base="http://mp.stratuslab.eu/">
  <rdf:Description rdf:about="#CvpM8mKprVLwSKeWfOnUvz70obJ">
    <dcterms:identifier>CvpM8mKprVLwSKeWfOnUvz70obJ</dcterms:identifier>
    <slreq:bytes>136</slreq:bytes>
    <slreq:checksum rdf:parseType="Resource">
      <slreq:algorithm>SHA-1</slreq:algorithm>
      <slreq:value>2be933c98aa6b54bc1229e59f3a752fcfbd286c9</slreq:value>
    </slreq:checksum>
    <slreq:endorsement rdf:parseType="Resource"/>
    <dcterms:type>machine</dcterms:type>
  </rdf:Description>
</rdf:RDF>
)");
}

TEST(MetadataBuild, TypeIsTheKindOrMachine) {
  ImageMetadata metadata = sample_metadata();
  metadata.type.clear();
  EXPECT_THAT(build(metadata), HasSubstr("<dcterms:type>machine<"));
  metadata.kind = "disk";
  EXPECT_THAT(build(metadata), HasSubstr("<dcterms:type>disk<"));
}

TEST(MetadataBuild, WhatXmlCannotCarryIsReplaced) {
  ImageMetadata metadata = sample_metadata();
  metadata.title = std::string("a\0b", 3) + "\x1b\xc3(\xed\xa0\x80\xef\xbf\xbf" + "z";
  const auto parsed = parse(build(metadata));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_THAT(parsed->title, testing::StartsWith("a\xef\xbf\xbd"
                                                 "b\xef\xbf\xbd\xef\xbf\xbd("));
  EXPECT_THAT(parsed->title, testing::EndsWith("\xef\xbf\xbdz"));
}

TEST(MetadataParse, ReadsStratusLabsSmallestDocument) {
  const auto parsed = parse(sample());
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->identifier.text(), "CvpM8mKprVLwSKeWfOnUvz70obJ");
  EXPECT_EQ(parsed->bytes, 136u);
  EXPECT_FALSE(parsed->endorsement);
  EXPECT_TRUE(parse(replaced(sample(), "<slreq:endorsement rdf:parseType=\"Resource\"/>", "")));
}

TEST(MetadataParse, PrefixesAreFreeAndForeignTermsStay) {
  const auto parsed = parse(R"(<R:RDF xmlns:R="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns="http://purl.org/dc/terms/" xmlns:q="http://mp.stratuslab.eu/slreq#"
      xml:base="http://mp.stratuslab.eu/"><R:Description R:about="#CvpM8mKprVLwSKeWfOnUvz70obJ">
      <R:type R:resource="urn:x"/><identifier>CvpM8mKprVLwSKeWfOnUvz70obJ</identifier>
      <q:bytes> 136 </q:bytes><q:checksum R:parseType="Resource"><q:algorithm>SHA-1</q:algorithm>
      <q:value>2BE933c98aa6b54bc1229e59f3a752fcfbd286c9</q:value></q:checksum>
      <!-- a comment between elements is no harm --><type>base</type>
      <m:Machine xmlns:m="urn:cimi" R:parseType="Resource"><m:cpu>2</m:cpu>
        <m:disk R:parseType="Resource"><m:capacity>3</m:capacity></m:disk></m:Machine>
      </R:Description></R:RDF>)");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->type, "base");
}

TEST(MetadataParse, OfSeveralExpiriesTheEarliestCounts) {
  const auto parsed =
      parse(with("<dcterms:valid>2030-01-01T00:00:00Z</dcterms:valid>"
                 "<dcterms:valid>2029-01-01T00:00:00Z</dcterms:valid>"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(format_rfc3339(*parsed->valid), "2029-01-01T00:00:00Z");
}

struct Refusal {
  const char *name, *from, *to, *reason;
};
void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}
class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesTheRule) {
  expect_refused(replaced(build(full_metadata()), GetParam().from, GetParam().to),
                 GetParam().reason);
}

std::string refusal_name(const testing::TestParamInfo<Refusal>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Frame, Refused,
    testing::Values(
        Refusal{"NoBase", "xml:base=\"http://mp.stratuslab.eu/\"", "", "xml:base"},
        Refusal{"OtherBase", "xml:base=\"http://mp.stratuslab.eu/", "xml:base=\"http://evil/",
                "xml:base"},
        Refusal{"OtherRoot", "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "urn:x", "rdf:RDF"},
        Refusal{"OtherAbout", "rdf:about=\"#Cv", "rdf:about=\"#Dv", "rdf:about"},
        Refusal{"AboutUrl", "rdf:about=\"#", "rdf:about=\"http://evil/#", "rdf:about"},
        Refusal{"MoreOnDescription", "rdf:about=", "dcterms:title=\"x\" rdf:about=", "rdf:about"},
        Refusal{"SecondDescription", "</rdf:Description>",
                "</rdf:Description><rdf:Description rdf:about=\"#x\"/>", "is not allowed here"},
        Refusal{"Wrapped", "<rdf:Description",
                "<rdf:Bag><rdf:Description/></rdf:Bag><rdf:Description",
                "must have one rdf:Description"},
        Refusal{"TextBetween", "<slreq:bytes>", "text<slreq:bytes>", "elements only"}),
    refusal_name);

INSTANTIATE_TEST_SUITE_P(
    Required, Refused,
    testing::Values(
        Refusal{"IdentifierMissing",
                "<dcterms:identifier>CvpM8mKprVLwSKeWfOnUvz70obJ</dcterms:identifier>", "",
                "dcterms:identifier"},
        Refusal{"IdentifierOf162Bits", "<dcterms:identifier>C", "<dcterms:identifier>Q", "A to P"},
        Refusal{"IdentifierOfOther", "<dcterms:identifier>C", "<dcterms:identifier>D", "rdf:about"},
        Refusal{"BytesNegative", "<slreq:bytes>136", "<slreq:bytes>-136", "slreq:bytes"},
        Refusal{"BytesEmpty", "<slreq:bytes>136", "<slreq:bytes>", "slreq:bytes"},
        Refusal{"BytesTooLarge", "<slreq:bytes>136", "<slreq:bytes>18446744073709551616",
                "slreq:bytes"},
        Refusal{"CommentInBytes", "<slreq:bytes>136", "<slreq:bytes>1<!-- -->36", "comments"},
        Refusal{"CommentInIdentifier", "<dcterms:identifier>C", "<dcterms:identifier><!-- -->C",
                "comments"},
        Refusal{"InstructionInBytes", "<slreq:bytes>136", "<slreq:bytes>1<?x?>36", "instructions"},
        Refusal{"ElementInBytes", "<slreq:bytes>136", "<slreq:bytes><x/>136", "text only"},
        Refusal{"AttributeOnBytes", "<slreq:bytes", "<slreq:bytes rdf:datatype=\"x\"",
                "attributes"},
        Refusal{"TypeMissing", "<dcterms:type>machine</dcterms:type>", "",
                "exactly one dcterms:type"},
        Refusal{"TypeTwice", "<dcterms:type>", "<dcterms:type>x</dcterms:type><dcterms:type>",
                "exactly one dcterms:type"},
        Refusal{"AlternativeBeforeBytes", "<slreq:bytes>",
                "<dcterms:alternative>t</dcterms:alternative><slreq:bytes>", "slreq:bytes"}),
    refusal_name);

// B36: upper and lower hex digits are the same, but the number of digits is exact.
INSTANTIATE_TEST_SUITE_P(
    Checksums, Refused,
    testing::Values(
        Refusal{"Sha1Of39Digits", "<slreq:value>2be933c9", "<slreq:value>2be933c", "40 hex digits"},
        Refusal{"Sha1Of41Digits", "<slreq:value>2be9", "<slreq:value>02be9", "40 hex digits"},
        Refusal{"Sha1NotHex", "<slreq:value>2", "<slreq:value>g", "hex digits"},
        Refusal{"Sha1Base64", "<slreq:value>2be933c98aa6b54bc1229e59f3a752fcfbd286c9",
                "<slreq:value>K+kzyYqmtUvBIp5Z86dS/PvShsk=", "hex digits"},
        Refusal{"Sha1Prefixed", "<slreq:value>2", "<slreq:value>sha1:2", "hex digits"},
        Refusal{"Sha1Path", "<slreq:value>2", "<slreq:value>../2", "hex digits"},
        Refusal{"Sha1Spaced", "<slreq:value>2", "<slreq:value> 2", "hex digits"},
        Refusal{"Sha1OfAnother", "<slreq:value>2", "<slreq:value>3", "do not agree"},
        Refusal{"Sha1Missing", "<slreq:algorithm>SHA-1<", "<slreq:algorithm>X<", "exactly one"},
        Refusal{"Sha1Twice", "<slreq:algorithm>SHA-256<", "<slreq:algorithm>SHA-1<", "repeats"},
        Refusal{"Sha256Twice", "<slreq:algorithm>SHA-512<", "<slreq:algorithm>SHA-256<", "repeats"},
        Refusal{"Sha256Lower", "<slreq:algorithm>SHA-256<", "<slreq:algorithm>sha-256<", "spelled"},
        Refusal{"Sha256Length", "<slreq:value>aaaa", "<slreq:value>aaa", "64 hex digits"},
        Refusal{"Sha512Length", "<slreq:value>bbbb", "<slreq:value>bbb", "128 hex digits"},
        Refusal{"NoParseType", "<slreq:checksum rdf:parseType=\"Resource\">", "<slreq:checksum>",
                "parseType"},
        Refusal{"OtherParseType", "<slreq:checksum rdf:parseType=\"Resource\">",
                "<slreq:checksum rdf:parseType=\"Literal\">", "parseType"},
        Refusal{"ValueFirst", "<slreq:algorithm>SHA-1</slreq:algorithm>", "", "slreq:algorithm"}),
    refusal_name);

INSTANTIATE_TEST_SUITE_P(
    Endorsements, Refused,
    testing::Values(
        Refusal{"CreatedEmpty", "<dcterms:created>2024-05-01T12:00:00Z", "<dcterms:created>",
                "dcterms:created"},
        Refusal{"CreatedFebruary30", "<dcterms:created>2024-05-01", "<dcterms:created>2024-02-30",
                "dcterms:created"},
        Refusal{"CreatedBefore1970", "<dcterms:created>2024-05-01", "<dcterms:created>1969-12-31",
                "before 1970"},
        Refusal{"CreatedHour99", "2024-05-01T12:", "2024-05-01T99:", "dcterms:created"},
        Refusal{"CreatedPath", "<dcterms:created>2024-05-01T12:00:00Z",
                "<dcterms:created>../../../../etc/x", "dcterms:created"},
        Refusal{"CreatedSpaced", "2024-05-01T12:00:00Z<", "2024-05-01T12:00:00Z <",
                "dcterms:created"},
        Refusal{"EmailPath", "<slreq:email>a.b+c@", "<slreq:email>../../x@", "slreq:email"},
        Refusal{"EmailDots", "<slreq:email>a.b+c@", "<slreq:email>a..b@", "slreq:email"},
        Refusal{"EmailWithoutAt", "<slreq:email>a.b+c@", "<slreq:email>a", "slreq:email"},
        Refusal{"EmailComment", "<slreq:email>a.b+c@", "<slreq:email>a<!-- -->@", "comments"},
        Refusal{"TwoEndorsements", "<slreq:endorsement",
                "<slreq:endorsement rdf:parseType=\"Resource\"/><slreq:endorsement",
                "slreq:endorsement is not allowed here"},
        Refusal{"NoSubject", "<slreq:subject>CN=A\\, B</slreq:subject>", "", "slreq:subject"},
        Refusal{"NoIssuer",
                "<slreq:issuer>CN=I</slreq:issuer>\n        <slreq:issuer>O=J</slreq:issuer>", "",
                "slreq:issuer"},
        Refusal{"DecoyEmailInDescription", "<dcterms:type>",
                "<slreq:email>victim@x.example</slreq:email><dcterms:type>",
                "slreq:email is not allowed here"},
        Refusal{"DecoyEmailFirst", "<dcterms:identifier>",
                "<slreq:email>victim@x.example</slreq:email><dcterms:identifier>",
                "dcterms:identifier"}),
    refusal_name);

INSTANTIATE_TEST_SUITE_P(
    Terms, Refused,
    testing::Values(
        Refusal{"OsTwice", "<slterms:os>", "<slterms:os>x</slterms:os><slterms:os>", "once"},
        Refusal{"VersionTwice", "<slterms:version>", "<slterms:version/><slterms:version>", "once"},
        Refusal{"DeprecatedTwice", "<slterms:deprecated>",
                "<slterms:deprecated/><slterms:deprecated>", "once"},
        Refusal{"SerialNotANumber", "<slterms:serial-number>1", "<slterms:serial-number>x",
                "integer"},
        Refusal{"ValidImpossible", "<dcterms:valid>2024-10-27", "<dcterms:valid>2023-02-29",
                "date"},
        Refusal{"ValidEmpty", "<dcterms:valid>2024-10-27T03:33:20Z", "<dcterms:valid>", "empty"},
        Refusal{"ElementInTitle", "<dcterms:title>", "<dcterms:title><x/>", "text only"},
        Refusal{"CommentInTitle", "<dcterms:title>", "<dcterms:title><!-- -->", "comments"},
        Refusal{"LocationComment", "<slterms:location>", "<slterms:location><!-- -->", "comments"},
        Refusal{"StoredEncoding", "<strata:encoding>zstd", "<strata:encoding>brotli", "encoding"},
        Refusal{"StoredDigest", "<strata:sha-256>02", "<strata:sha-256>", "sha-256"},
        Refusal{"StoredTwoBytes", "<strata:bytes>77",
                "<strata:bytes>1</strata:bytes><strata:bytes>77", "strata:sha-1"}),
    refusal_name);

TEST(MetadataParse, ExtensionsFollowRdf) {
  const auto refused = [](std::string_view element, std::string_view reason) {
    expect_refused(with(element), reason);
  };
  refused("<x>no namespace</x>", "must have a namespace");
  refused("<e:a xmlns:e='urn:e'><e:b/><e:c/></e:a>", "rdf:parseType=\"Resource\"");
  refused("<e:a xmlns:e='urn:e' e:b='c'>text</e:a>", "attribute b");
  refused("<e:a xmlns:e='urn:e' b='c'/>", "attribute b");
  refused("<e:a xmlns:e='urn:e' rdf:resource='urn:x'>text</e:a>", "attribute resource");
  refused("<e:a xmlns:e='urn:e' rdf:parseType='Literal'><e:b/></e:a>", "parseType");
  refused("<e:a xmlns:e='urn:e' rdf:parseType='Resource'>text</e:a>", "elements only");
  refused("<e:a xmlns:e='urn:e' xml:id='i'/>", "attribute id");
  refused("<e:a xmlns:e='relative'/>", "no absolute URI");
  refused("<slterms:inbound-port>65536</slterms:inbound-port>", "0 to 65535");
  refused("<slterms:icmp>256</slterms:icmp>", "0 to 255");
  refused(
      "<e:a xmlns:e='urn:e' rdf:parseType='Resource'>"
      "<slreq:email>decoy@x.example</slreq:email></e:a>",
      "slreq:email is not allowed here");
  refused(
      "<e:a xmlns:e='urn:e' rdf:parseType='Resource'>"
      "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/></e:a>",
      "xmldsig:Signature is not allowed here");
  EXPECT_TRUE(parse(with("<e:a xmlns:e='urn:e' rdf:resource='urn:x'/>")));
  EXPECT_TRUE(parse(with("<slterms:icmp>255</slterms:icmp>")));
}

TEST(MetadataParse, ValuesHaveABound) {
  const Limits limits;
  EXPECT_TRUE(parse(with("<dcterms:title>" + std::string(limits.metadata_value_bytes_max, 'x') +
                         "</dcterms:title>")));
  expect_refused(with("<dcterms:title>" + std::string(limits.metadata_value_bytes_max + 1, 'x') +
                      "</dcterms:title>"),
                 "dcterms:title may have at most 4096 bytes");
  expect_refused(with("<dcterms:alternative>" + std::string(limits.tag_bytes_max + 1, 'x') +
                      "</dcterms:alternative>"),
                 "dcterms:alternative");
}

TEST(MetadataEmail, OnlyPlainAddresses) {
  for (const char* good : {"a@b", "first.last%x+tag-1_@Host-1.example.org", ".@."}) {
    EXPECT_TRUE(is_valid_email(good)) << good;
  }
  for (const char* bad : {"", "@", "a@", "@b", "a@b@c", "a b@c", "a/b@c", "a@b/c", "a..b@c", "a@..",
                          "a@b_c", "a\n@b", "\"a\"@b", "é@b", "a@b,c@d", "a\\@b", "<a@b>"}) {
    EXPECT_FALSE(is_valid_email(bad)) << bad;
  }
  EXPECT_TRUE(is_valid_email(std::string(252, 'a') + "@b"));
  EXPECT_FALSE(is_valid_email(std::string(253, 'a') + "@b"));
}

TEST(MetadataEntryKey, PartsAreParsedStrictlyAndPrintAsAPath) {
  const auto key =
      EntryKey::parse("MMZu9WvwKIro-rtBQfDk4PsKO7_", "a%2F+b@c.example", "2024-02-29T23:59:59Z");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->path(),
            "/metadata/MMZu9WvwKIro-rtBQfDk4PsKO7_/a%252F%2Bb@c.example/2024-02-29T23:59:59Z");
  EXPECT_FALSE(EntryKey::parse("MMZu9WvwKIro-rtBQfDk4PsKO7", "a@b", "2024-02-29T23:59:59Z"));
  EXPECT_FALSE(EntryKey::parse("MMZu9WvwKIro-rtBQfDk4PsKO7_", "../b@c", "2024-02-29T23:59:59Z"));
  EXPECT_FALSE(EntryKey::parse("MMZu9WvwKIro-rtBQfDk4PsKO7_", "a@b", "2023-02-29T23:59:59Z"));
  EXPECT_FALSE(EntryKey::parse("MMZu9WvwKIro-rtBQfDk4PsKO7_", "a@b", "1969-12-31T23:59:59Z"));
}

// Section 1.3 of the format: SHA-1 and the identifier that StratusLab's tools print for it.
TEST(MetadataIdentifier, VectorsOfTheFormat) {
  const std::pair<std::string, const char*> vectors[] = {
      {"c319bbd5afc0a22ba3eaed0507c39383ec28eeff", "MMZu9WvwKIro-rtBQfDk4PsKO7_"},
      {"dcaec27afc48e5d68a500e5a159310ba72b50292", "Nyuwnr8SOXWilAOWhWTELpytQKS"},
      {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "No5o-5ea0sNMlW_75VgGJCv2AcJ"},
      {"a9993e364706816aba3e25717850c26c9cd0d89d", "KmZPjZHBoFquj4lcXhQwmyc0Nid"},
      {"024a8581d43fbf76d96ae3ec53b260bcddddad46", "AJKhYHUP7922Wrj7FOyYLzd3a1G"},
      {std::string(40, '0'), "AAAAAAAAAAAAAAAAAAAAAAAAAAA"},
      {std::string(40, 'f'), "P__________________________"}};
  for (const auto& [hex, text] : vectors) {
    EXPECT_EQ(Identifier::from_sha1(*Sha1Digest::from_hex(hex)).text(), text);
    ASSERT_TRUE(Identifier::parse(text)) << text;
    EXPECT_EQ(Identifier::parse(text)->sha1().hex(), hex);
  }
  EXPECT_FALSE(Identifier::parse("Q__________________________"));
}

}  // namespace
}  // namespace strata::metadata
