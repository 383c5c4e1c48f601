#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/catalog/image.h"
#include "strata/metadata/image_metadata.h"

namespace strata::storage {

// What the registry is told of one content: identifier, size and digests of the decoded bytes, and
// from the public images the words, the locations and the stored forms. Private images contribute
// nothing but that the content exists. Pure.
//
// `images` all have this content and are not empty; `now` dates the expiry when no image says one.
[[nodiscard]] metadata::ImageMetadata describe_content(const std::vector<catalog::Image>& images,
                                                       const std::string& public_url,
                                                       UnixMillis now);

// Only what a private image tells: that this content exists, until when the entry holds.
[[nodiscard]] metadata::ImageMetadata without_words(const metadata::ImageMetadata& document);

// The same content when it is no longer offered: what `previous` said, deprecated, without places.
[[nodiscard]] metadata::ImageMetadata withdraw_content(metadata::ImageMetadata previous,
                                                       std::string reason = "no longer stored");

}  // namespace strata::storage
