#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strata/base/digest.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"

namespace strata::client {

// What the client acts on of an image; all the rest is in the server's JSON.
struct ImageInfo {
  ImageId id;
  std::string name;
  std::string owner_name;
  std::string visibility;  // private, public
  std::string created;     // RFC 3339
  std::string format;
  std::string encoding;    // identity, gzip, xz, zstd
  std::string identifier;  // 27 characters
  DigestSet stored;
  DigestSet decoded;
  std::string registration_state;  // none, pending, registered, failed
  std::string entry_url;           // empty: none yet
  std::string json;                // as the server wrote it
};

// kMalformed when what a client relies on (id, sizes, digests) is missing or wrong; members that it
// only shows may be absent, unknown ones are ignored.
[[nodiscard]] Result<ImageInfo> parse_image(std::string_view json);
// Of the answer to GET /v1/images. Each image's `json` is its element, re-serialized.
[[nodiscard]] Result<std::vector<ImageInfo>> parse_image_list(std::string_view json);

}  // namespace strata::client
