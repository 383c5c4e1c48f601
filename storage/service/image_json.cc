#include "storage/service/image_json.h"

#include <boost/json.hpp>

#include "storage/service/upload_parameters.h"
#include "strata/base/clock.h"

namespace strata::storage {
namespace {

namespace json = boost::json;

json::object view_json(const DigestSet& set) {
  return {
      {"bytes", set.bytes},
      {"digests",
       {{"sha-1", set.sha1.hex()}, {"sha-256", set.sha256.hex()}, {"sha-512", set.sha512.hex()}}}};
}

json::object registration_json(const std::optional<catalog::Registration>& registration) {
  json::object object{{"state", "none"}, {"entry", nullptr}, {"error", nullptr}};
  if (!registration) return object;
  using State = catalog::Registration::State;
  const bool pending = registration->done < registration->wanted;
  if (registration->state == State::kFailed) {
    object["state"] = "failed";
  } else if (pending) {
    object["state"] = "pending";
  } else if (!registration->entry_url.empty()) {
    object["state"] = "registered";
  }
  if (!registration->entry_url.empty()) object["entry"] = registration->entry_url;
  if (!registration->error.empty()) object["error"] = registration->error;
  return object;
}

json::object image_object(const catalog::Image& image,
                          const std::optional<catalog::Registration>& registration) {
  json::object metadata;
  for (const auto& [key, value] : image.metadata) metadata[key] = value;
  const blob::BlobProperties& content = image.content;
  return {{"id", image.id.text()},
          {"name", image.name},
          {"owner", image.owner},
          {"owner_name", image.owner},
          {"visibility", visibility_name(image.visibility)},
          {"tags", json::array(image.tags.begin(), image.tags.end())},
          {"metadata", std::move(metadata)},
          {"created", format_rfc3339(image.created)},
          {"updated", format_rfc3339(image.updated)},
          {"format", codec::disk_format_name(content.disk.format)},
          {"virtual_bytes", content.disk.virtual_bytes},
          {"encoding", codec::encoding_name(content.encoding)},
          {"identifier", image.identifier().text()},
          {"stored", view_json(content.stored)},
          {"decoded", view_json(content.decoded)},
          {"registration", registration_json(registration)}};
}

}  // namespace

std::string image_json(const catalog::Image& image,
                       const std::optional<catalog::Registration>& registration) {
  return json::serialize(image_object(image, registration));
}

Result<ImageListing> image_list_json(const Services& services, const catalog::ImagePage& page,
                                     std::string next_target) {
  json::array images;
  for (const catalog::Image& image : page.images) {
    STRATA_TRY(const auto registration,
               services.catalog.registration(image.content.decoded.sha256));
    images.push_back(image_object(image, registration));
  }
  json::object body{{"images", std::move(images)}, {"next", nullptr}};
  if (!next_target.empty()) body["next"] = next_target;
  return ImageListing{json::serialize(body), std::move(next_target)};
}

Result<std::string> describe_image(const Services& services, const catalog::Image& image) {
  STRATA_TRY(const auto registration, services.catalog.registration(image.content.decoded.sha256));
  return image_json(image, registration);
}

}  // namespace strata::storage
