#pragma once

#include <string>
#include <string_view>

#include "metadata_samples.h"
#include "strata/digest/hasher.h"

// Entries for tests of the registry.
namespace strata::test {

// An image whose content is `content`, with what a search can find it by.
inline metadata::ImageMetadata image_of(std::string_view content, std::string_view title = {}) {
  const DigestSet digests = digest::digest_of(content);
  metadata::ImageMetadata image;
  image.sha1 = digests.sha1;
  image.sha256 = digests.sha256;
  image.sha512 = digests.sha512;
  image.identifier = Identifier::from_sha1(image.sha1);
  image.bytes = content.size();
  image.type = "machine";
  image.kind = "machine";
  image.title = title;
  return image;
}

// The document of `image`, signed at `created`.
inline std::string signed_document(const metadata::ImageMetadata& image,
                                   const metadata::Endorser& endorser,
                                   UnixMillis created = kSampleTime) {
  auto document = metadata::sign(metadata::build(image), endorser, created);
  if (!document) check(false, "a test document cannot be signed: " + document.error().message());
  return std::move(*document);
}

inline metadata::VerifiedEntry verified(const std::string& document) {
  auto entry = metadata::verify(document, metadata::Profile::kStrict, Limits());
  if (!entry) check(false, "a test document does not verify: " + entry.error().message());
  return std::move(*entry);
}

}  // namespace strata::test
