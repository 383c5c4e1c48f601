#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/blob/blob_store.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"

namespace strata::catalog {

enum class Visibility : unsigned char { kPrivate, kPublic };

// What a user owns: the mutable words about a blob, and which blob. Its JSON form
// (to_json/from_json) is what RocksDB and the blob's annotation hold; FORMAT.md specifies it.
struct Image {
  ImageId id;
  std::string name;
  std::string owner;  // stable id of the owner
  Visibility visibility = Visibility::kPrivate;
  std::vector<std::string> tags;
  std::map<std::string, std::string> metadata;  // kind, title, description, os, ...
  UnixMillis created = 0;
  UnixMillis updated = 0;
  BlobId blob;
  blob::BlobProperties content;  // copied from the blob: immutable

  [[nodiscard]] Identifier identifier() const {
    return Identifier::from_sha1(content.decoded.sha1);
  }
  bool operator==(const Image&) const = default;
};

// With format version; a newer one is refused.
[[nodiscard]] std::string to_json(const Image& image);
[[nodiscard]] Result<Image> image_from_json(std::string_view json);

// A blob's annotation: the images that have this content.
[[nodiscard]] std::string to_annotation(const std::vector<Image>& images);
// `content` and `blob` of each image are filled from the arguments.
[[nodiscard]] Result<std::vector<Image>> images_from_annotation(
    std::string_view annotation, const BlobId& blob, const blob::BlobProperties& content);

}  // namespace strata::catalog
