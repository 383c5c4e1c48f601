#include <algorithm>
#include <string_view>

#include "strata/metadata/document.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/metadata_samples.h"

// Any bytes through parse, build, sign and verify: what one of them accepts, the others understand
// in the same way.
namespace strata::metadata {
namespace {

// What the values say comes back from a document that is built of them.
void same_when_built(ImageMetadata metadata) {
  const std::string document = build(metadata);
  if (document.size() > Limits().metadata_document_bytes_max) return;
  if (metadata.type.empty()) metadata.type = metadata.kind.empty() ? "machine" : metadata.kind;
  const auto again = parse(document);
  check(again.has_value(), "a built document is refused");
  check(*again == metadata, "a built document says something else");
}

// A signature adds some elements and bytes, so that a document near a limit goes beyond.
bool is_near_limit(std::string_view text) {
  const Limits limits;
  const auto parts = static_cast<std::size_t>(std::count(text.begin(), text.end(), '<'));
  return text.size() + 8 * kKiB > limits.metadata_document_bytes_max ||
         parts + 100 > limits.metadata_elements_max;
}

void same_when_signed(std::string_view text, ImageMetadata metadata) {
  static const Endorser endorser = test::sample_endorser();
  const auto document = sign(text, endorser, test::kSampleTime);
  if (!document) {
    check(document.error().code() == Errc::kMalformed, "what is valid cannot be signed");
    check(is_near_limit(text), "what parse accepts cannot be signed");
    return;
  }
  const auto entry = verify(*document, Profile::kStrict, Limits());
  if (!entry) {
    check(is_near_limit(*document), "our own signature is refused");
    return;
  }
  metadata.endorsement = entry->metadata().endorsement;
  check(metadata.endorsement->email == endorser.email(), "another endorser");
  check(entry->metadata() == metadata, "a signed document says something else");
}

void profiles_agree(std::string_view text) {
  const auto strict = verify(text, Profile::kStrict, Limits());
  const auto legacy = verify(text, Profile::kLegacy, Limits());
  if (!strict) return;
  check(legacy.has_value(), "the strict profile accepts more than the legacy one");
  check(strict->metadata() == legacy->metadata(), "the profiles read other values");
  check(strict->document() == text, "not the exact bytes");
  check(is_valid_email(strict->key().endorser), "an endorser that is no address");
}

}  // namespace
}  // namespace strata::metadata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::metadata;  // NOLINT: the entry point must be global
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  profiles_agree(text);
  if (const auto metadata = parse(text)) {
    same_when_built(*metadata);
    same_when_signed(text, *metadata);
  }
  return 0;
}
