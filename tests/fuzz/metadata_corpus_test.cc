#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "strata/metadata/document.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/metadata_samples.h"

// The fuzz target on documents made here, as they are and damaged: an ordinary test for any
// compiler.
namespace strata::metadata {
namespace {

void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

std::vector<std::string> corpus() {
  ImageMetadata full = test::sample_metadata();
  full.title = "a & <b>\r\n";
  full.tags = {"x", "y"};
  full.valid = test::kSampleTime;
  full.serial_number = 7;
  full.deprecated = "old";
  full.locations = {"https://images.example/x?a=1&b=2"};
  full.stored = {{"gzip", DigestSet()}};
  full.sha256 = Sha256Digest();
  std::vector<std::string> seeds = {build(test::sample_metadata()), build(full)};
  const auto signed_document = sign(seeds[1], test::sample_endorser(), test::kSampleTime);
  check(signed_document.has_value(), "cannot sign the seed");
  seeds.push_back(*signed_document);
  return seeds;
}

// Pieces that matter to a parser, put anywhere.
const std::vector<std::string> kPieces = {
    "<!-- -->",
    "<!DOCTYPE r>",
    "<![CDATA[x]]>",
    "<?p?>",
    "&amp;",
    "&#0;",
    "&x;",
    "<",
    ">",
    "\"",
    "'",
    "/",
    "\xef\xbb\xbf",
    std::string(1, '\0'),
    "\xff",
    "<e:a xmlns:e=\"urn:e\"/>",
    "<e:a xmlns:e=\"urn:e\" rdf:parseType=\"Resource\"><e:b>1</e:b></e:a>",
    "xmlns=\"r\"",
    "<dcterms:title>t</dcterms:title>",
    "<dcterms:valid>2030-01-01T00:00:00Z</dcterms:valid>",
    "<slreq:email>a@b</slreq:email>",
    "<slterms:os>o</slterms:os>",
    " ",
    "\r\n",
    "]]>",
    "--"};

std::string damaged(std::string text, std::mt19937& random) {
  const int changes = 1 + static_cast<int>(random() % 3);
  for (int i = 0; i < changes; ++i) {
    const std::size_t at = random() % (text.size() + 1);
    switch (random() % 5) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, random() % 40);
        break;
      case 2:
        text.insert(at, text.substr(random() % (text.size() + 1), random() % 200));
        break;
      default: {
        // At the start of an element, where a piece has a chance to be understood.
        const std::size_t tag = text.find('<', at);
        text.insert(tag == std::string::npos ? at : tag, kPieces[random() % kPieces.size()]);
      }
    }
  }
  return text;
}

TEST(MetadataCorpus, Seeds) {
  for (const std::string& seed : corpus()) {
    ASSERT_TRUE(parse(seed)) << parse(seed).error().message();
    run(seed);
  }
}

TEST(MetadataCorpus, Truncated) {
  for (const std::string& seed : corpus()) {
    for (std::size_t size = 0; size < seed.size(); size += 7) run(seed.substr(0, size));
  }
}

TEST(MetadataCorpus, Damaged) {
  std::mt19937 random(20260101);  // NOLINT: the same run every time
  const auto seeds = corpus();
  int understood = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = damaged(seeds[random() % seeds.size()], random);
    if (parse(text)) ++understood;
    run(text);
  }
  EXPECT_GT(understood, 100) << "the damage is too heavy to reach what is behind the parser";
}

}  // namespace
}  // namespace strata::metadata
