#include "storage/client/image_info.h"

#include <boost/json.hpp>

namespace strata::client {
namespace {

namespace json = boost::json;

Error bad_answer(std::string_view why) {
  return {Errc::kMalformed, "the server's answer is not understood: " + std::string(why)};
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::object* object_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

// {"bytes": n, "digests": {"sha-1": ..., "sha-256": ..., "sha-512": ...}}
Result<DigestSet> parse_view(const json::object& image, std::string_view name) {
  const json::object* view = object_of(image, name);
  const json::object* digests = view == nullptr ? nullptr : object_of(*view, "digests");
  const json::value* bytes = view == nullptr ? nullptr : view->if_contains("bytes");
  if (digests == nullptr || bytes == nullptr) return bad_answer("no " + std::string(name));
  DigestSet set;
  boost::system::error_code bad;
  set.bytes = bytes->to_number<std::uint64_t>(bad);
  if (bad) return bad_answer("bytes is no size");
  STRATA_TRY(set.sha1, Sha1Digest::from_hex(text_of(*digests, "sha-1")));
  STRATA_TRY(set.sha256, Sha256Digest::from_hex(text_of(*digests, "sha-256")));
  STRATA_TRY(set.sha512, Sha512Digest::from_hex(text_of(*digests, "sha-512")));
  return set;
}

Result<ImageInfo> from_object(const json::object& object) {
  ImageInfo image;
  STRATA_TRY(image.id, ImageId::parse(text_of(object, "id")));
  image.name = text_of(object, "name");
  image.owner_name = text_of(object, "owner_name");
  image.visibility = text_of(object, "visibility");
  image.created = text_of(object, "created");
  image.format = text_of(object, "format");
  image.encoding = text_of(object, "encoding");
  image.identifier = text_of(object, "identifier");
  STRATA_TRY(image.stored, parse_view(object, "stored"));
  STRATA_TRY(image.decoded, parse_view(object, "decoded"));
  if (const json::object* registration = object_of(object, "registration")) {
    image.registration_state = text_of(*registration, "state");
    image.entry_url = text_of(*registration, "entry");
  }
  return image;
}

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code bad;
  json::value value = json::parse(text, bad);
  if (bad || !value.is_object()) return bad_answer("no JSON object");
  return std::move(value.get_object());
}

}  // namespace

Result<ImageInfo> parse_image(std::string_view text) {
  STRATA_TRY(const json::object object, parse_object(text));
  STRATA_TRY(ImageInfo image, from_object(object));
  image.json = text;
  return image;
}

Result<std::vector<ImageInfo>> parse_image_list(std::string_view text) {
  STRATA_TRY(const json::object object, parse_object(text));
  const json::value* list = object.if_contains("images");
  if (list == nullptr || !list->is_array()) return bad_answer("no list of images");
  std::vector<ImageInfo> images;
  for (const json::value& element : list->get_array()) {
    if (!element.is_object()) return bad_answer("an image that is no object");
    STRATA_TRY(ImageInfo image, from_object(element.get_object()));
    image.json = json::serialize(element);
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace strata::client
