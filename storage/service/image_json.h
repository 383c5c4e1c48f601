#pragma once

#include <optional>
#include <string>

#include "storage/catalog/catalog.h"
#include "storage/service/services.h"

namespace strata::storage {

// The image as clients see it (API.md: Image JSON). `registration` of its content, if there is one.
[[nodiscard]] std::string image_json(const catalog::Image& image,
                                     const std::optional<catalog::Registration>& registration);
// {"images":[...],"next":"/v1/images?..." or null}
struct ImageListing {
  std::string body;
  std::string next;  // target of the next page; empty on the last
};
[[nodiscard]] Result<ImageListing> image_list_json(const Services& services,
                                                   const catalog::ImagePage& page,
                                                   std::string next_target);

// The image's JSON with its registration looked up. Blocks: disk pool.
[[nodiscard]] Result<std::string> describe_image(const Services& services,
                                                 const catalog::Image& image);

}  // namespace strata::storage
