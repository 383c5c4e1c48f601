#include "storage/catalog/image.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "storage/blob/json_fields.h"
#include "storage/blob/sidecar.h"

namespace strata::catalog {
namespace {

namespace json = boost::json;
using blob::JsonFields;

constexpr std::uint64_t kImageVersion = 1;
constexpr std::uint64_t kAnnotationVersion = 1;
constexpr std::string_view kWhat = "the record of an image";
constexpr std::string_view kAnnotationWhat = "the annotation of a blob";

// What an annotation holds of an image: everything but what the sidecar says itself.
json::object words_to_json(const Image& image) {
  json::object metadata;
  for (const auto& [key, value] : image.metadata) metadata[key] = value;
  return {{"id", image.id.text()},
          {"name", image.name},
          {"owner", image.owner},
          {"visibility", image.visibility == Visibility::kPublic ? "public" : "private"},
          {"tags", json::array(image.tags.begin(), image.tags.end())},
          {"metadata", std::move(metadata)},
          {"created", image.created},
          {"updated", image.updated}};
}

Status read_lists(const JsonFields& fields, Image& image) {
  STRATA_TRY(const auto* tags, fields.array("tags"));
  for (const json::value& tag : *tags) {
    if (!tag.is_string()) return fields.damaged("tags");
    image.tags.emplace_back(tag.get_string());
  }
  STRATA_TRY(const auto* metadata, fields.object("metadata"));
  for (const auto& member : *metadata) {
    if (!member.value().is_string()) return fields.damaged("metadata");
    image.metadata[member.key()] = std::string(member.value().get_string());
  }
  return {};
}

Result<Image> words_from_json(const json::object& object) {
  const JsonFields fields(object, kWhat);
  Image image;
  STRATA_TRY(const std::string id, fields.string("id"));
  const auto parsed = ImageId::parse(id);
  if (!parsed) return fields.damaged("id");
  image.id = *parsed;
  STRATA_TRY(image.name, fields.string("name"));
  STRATA_TRY(image.owner, fields.string("owner"));
  STRATA_TRY(const std::string visibility, fields.string("visibility"));
  if (visibility != "public" && visibility != "private") return fields.damaged("visibility");
  image.visibility = visibility == "public" ? Visibility::kPublic : Visibility::kPrivate;
  if (auto read = read_lists(fields, image); !read) return read.error();
  STRATA_TRY(image.created, fields.number("created"));
  STRATA_TRY(image.updated, fields.number("updated"));
  return image;
}

}  // namespace

std::string to_json(const Image& image) {
  json::object object = words_to_json(image);
  object["version"] = kImageVersion;
  object["blob"] = image.blob.text();
  object["content"] = blob::properties_to_json(image.content);
  return json::serialize(object);
}

Result<Image> image_from_json(std::string_view text) {
  STRATA_TRY(const auto object, blob::parse_json_object(text, kWhat));
  const JsonFields fields(object, kWhat);
  if (auto known = fields.check_version(kImageVersion); !known) return known.error();
  STRATA_TRY(Image image, words_from_json(object));
  STRATA_TRY(const std::string blob_text, fields.string("blob"));
  const auto blob_id = BlobId::parse(blob_text);
  if (!blob_id) return fields.damaged("blob");
  image.blob = *blob_id;
  STRATA_TRY(const auto* content, fields.object("content"));
  STRATA_TRY(image.content, blob::properties_from_json(*content));
  return image;
}

std::string to_annotation(const std::vector<Image>& images) {
  json::array list;
  for (const Image& image : images) list.push_back(words_to_json(image));
  return json::serialize(
      json::object{{"version", kAnnotationVersion}, {"images", std::move(list)}});
}

Result<std::vector<Image>> images_from_annotation(std::string_view annotation, const BlobId& blob,
                                                  const blob::BlobProperties& content) {
  STRATA_TRY(const auto object, blob::parse_json_object(annotation, kAnnotationWhat));
  const JsonFields fields(object, kAnnotationWhat);
  if (auto known = fields.check_version(kAnnotationVersion); !known) return known.error();
  STRATA_TRY(const auto* list, fields.array("images"));
  std::vector<Image> images;
  for (const json::value& value : *list) {
    if (!value.is_object()) return fields.damaged("images");
    STRATA_TRY(Image image, words_from_json(value.get_object()));
    image.blob = blob;
    image.content = content;
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace strata::catalog
