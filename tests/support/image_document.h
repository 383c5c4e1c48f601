#pragma once

#include <string>
#include <string_view>

#include "strata/base/ids.h"
#include "strata/digest/hasher.h"

namespace strata::test {

// The image JSON that strata-storage would answer for an identity image with these bytes.
[[nodiscard]] inline std::string image_document(
    std::string_view content, std::string_view name = "disk",
    std::string_view id = "0192f0c1-2345-7abc-8def-0123456789ab") {
  const DigestSet set = digest::digest_of(content);
  const std::string view = "{\"bytes\": " + std::to_string(set.bytes) +
                           ", \"digests\": {\"sha-1\": \"" + set.sha1.hex() +
                           "\", \"sha-256\": \"" + set.sha256.hex() + "\", \"sha-512\": \"" +
                           set.sha512.hex() + "\"}}";
  return "{\"id\": \"" + std::string(id) + "\", \"name\": \"" + std::string(name) +
         "\", \"owner\": \"o\", \"owner_name\": \"Olga\", \"visibility\": \"private\", \"tags\": "
         "[],"
         " \"metadata\": {}, \"created\": \"2026-11-23T04:05:06Z\","
         " \"updated\": \"2026-11-23T04:05:06Z\", \"format\": \"raw\", \"virtual_bytes\": 0,"
         " \"encoding\": \"identity\", \"identifier\": \"" +
         Identifier::from_sha1(set.sha1).text() + "\", \"stored\": " + view +
         ", \"decoded\": " + view +
         ", \"registration\": {\"state\": \"pending\", \"entry\": null, \"error\": null}}";
}

}  // namespace strata::test
