#include "storage/service/image_document.h"

#include <algorithm>

namespace strata::storage {
namespace {

// Entries need an expiry to be listed. Ours is far away: a deletion is announced by a deprecation.
constexpr UnixMillis kValidMillis = UnixMillis{5} * 365 * 24 * 3600 * 1000;

std::string word(const catalog::Image& image, const char* key) {
  const auto found = image.metadata.find(key);
  return found == image.metadata.end() ? std::string() : found->second;
}

// The first public image names the content; later ones add places and stored forms.
void add_words(metadata::ImageMetadata& document, const catalog::Image& image, UnixMillis now) {
  const std::string title = word(image, "title");
  document.title = title.empty() ? image.name : title;
  document.description = word(image, "description");
  document.kind = word(image, "kind").empty() ? "machine" : word(image, "kind");
  document.type = document.kind;
  document.os = word(image, "os");
  document.os_version = word(image, "os-version");
  document.os_arch = word(image, "os-arch");
  document.version = word(image, "version");
  document.format = codec::disk_format_name(image.content.disk.format);
  document.tags = image.tags;
  document.created = image.created - image.created % 1000;
  const auto valid = parse_rfc3339(word(image, "valid"));
  document.valid = valid ? *valid : now - now % 1000 + kValidMillis;
}

}  // namespace

metadata::ImageMetadata describe_content(const std::vector<catalog::Image>& images,
                                         const std::string& public_url, UnixMillis now) {
  const DigestSet& decoded = images.front().content.decoded;
  metadata::ImageMetadata document;
  document.identifier = Identifier::from_sha1(decoded.sha1);
  document.bytes = decoded.bytes;
  document.sha1 = decoded.sha1;
  document.sha256 = decoded.sha256;
  document.sha512 = decoded.sha512;
  document.type = "machine";
  document.kind = "machine";
  document.valid = now - now % 1000 + kValidMillis;
  bool first = true;
  for (const catalog::Image& image : images) {
    if (image.visibility != catalog::Visibility::kPublic) continue;
    if (first) add_words(document, image, now);
    first = false;
    document.locations.push_back(public_url + "/v1/images/" + image.id.text() + "/decoded");
    const metadata::ImageMetadata::Stored stored{
        std::string(codec::encoding_name(image.content.encoding)), image.content.stored};
    if (std::find(document.stored.begin(), document.stored.end(), stored) ==
        document.stored.end()) {
      document.stored.push_back(stored);
    }
  }
  return document;
}

metadata::ImageMetadata without_words(const metadata::ImageMetadata& document) {
  metadata::ImageMetadata bare;
  bare.identifier = document.identifier;
  bare.bytes = document.bytes;
  bare.sha1 = document.sha1;
  bare.sha256 = document.sha256;
  bare.sha512 = document.sha512;
  bare.type = bare.kind = "machine";
  bare.valid = document.valid;
  return bare;
}

metadata::ImageMetadata withdraw_content(metadata::ImageMetadata previous, std::string reason) {
  previous.endorsement.reset();
  previous.locations.clear();
  previous.deprecated = std::move(reason);
  return previous;
}

}  // namespace strata::storage
