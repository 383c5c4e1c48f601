#include "storage/service/image_upload.h"

#include <boost/json.hpp>

#include "storage/service/content_policy.h"
#include "storage/service/registrar.h"

namespace strata::storage {

Status compare(const UploadParameters& parameters, const blob::BlobProperties& properties) {
  if (const Status status = parameters.stored.compare(properties.stored, "stored"); !status) {
    return status;
  }
  return parameters.decoded.compare(properties.decoded, "decoded");
}

catalog::Image make_image(UploadParameters parameters, const ImageId& id, const std::string& owner,
                          const blob::BlobProperties& properties, Clock& clock) {
  catalog::Image image;
  image.id = id;
  image.name = std::move(parameters.name);
  image.owner = owner;
  image.visibility = parameters.visibility;
  image.tags = std::move(parameters.tags);
  image.metadata = std::move(parameters.metadata);
  image.created = image.updated = clock.now();
  image.content = properties;
  return image;
}

std::string to_text(const UploadDescription& description) {
  boost::json::array parameters;
  for (const auto& [key, value] : description.parameters) {
    parameters.push_back(boost::json::array{key, value});
  }
  return boost::json::serialize(boost::json::object{{"parameters", std::move(parameters)},
                                                    {"tus_metadata", description.tus_metadata},
                                                    {"tus_concat", description.tus_concat}});
}

Result<UploadDescription> description_from_text(std::string_view text) {
  const Error damaged(Errc::kCorruptData, "the description of an upload is damaged");
  boost::system::error_code bad;
  const auto value = boost::json::parse(text, bad);
  const auto* object = bad ? nullptr : value.if_object();
  if (object == nullptr) return damaged;
  const auto text_of = [&](std::string_view key) -> std::optional<std::string> {
    const auto* member = object->if_contains(key);
    if (member == nullptr || !member->is_string()) return std::nullopt;
    return std::string(member->get_string());
  };
  const auto metadata = text_of("tus_metadata");
  const auto concat = text_of("tus_concat");
  const auto* pairs = object->if_contains("parameters");
  if (!metadata || !concat || pairs == nullptr || !pairs->is_array()) return damaged;
  UploadDescription description{{}, *metadata, *concat};
  for (const auto& pair : pairs->get_array()) {
    const auto* both = pair.if_array();
    if (both == nullptr || both->size() != 2 || !both->at(0).is_string() ||
        !both->at(1).is_string()) {
      return damaged;
    }
    description.parameters.emplace_back(std::string(both->at(0).get_string()),
                                        std::string(both->at(1).get_string()));
  }
  return description;
}

Result<catalog::Image> ImagePublisher::checked_image(const upload::SessionRecord& session,
                                                     const blob::BlobProperties& properties) const {
  STRATA_TRY(const UploadDescription description, description_from_text(session.description));
  STRATA_TRY(UploadParameters parameters,
             parse_upload_parameters(description.parameters, services_.config.limits));
  if (const Status same = compare(parameters, properties); !same) return same.error();
  return make_image(std::move(parameters), session.image, session.owner, properties,
                    services_.clock);
}

void ImagePublisher::count() {
  services_.counts.uploads_done.add();
  if (services_.registrar != nullptr) services_.registrar->wake();
}

Status ImagePublisher::publish(std::unique_ptr<blob::BlobWriter> writer,
                               const upload::SessionRecord& session,
                               const blob::BlobProperties& properties) {
  STRATA_TRY(catalog::Image image, checked_image(session, properties));
  // Not in publish_committed(): what was believed before a crash is an image, which cannot be read.
  const Status allowed = allow_publication(services_.policy, properties);
  if (!allowed) return allowed;
  const auto published = services_.images.publish(std::move(writer), std::move(image), properties);
  if (!published) return published.error();
  count();
  return {};
}

Result<bool> ImagePublisher::publish_committed(const upload::SessionRecord& session) {
  const auto found = services_.catalog.get(session.image);
  if (found) return true;
  if (found.error().code() != Errc::kNotFound) return found.error();
  STRATA_TRY(const bool published, services_.images.publish_committed(
                                       session.blob, [&](const blob::BlobProperties& properties) {
                                         return checked_image(session, properties);
                                       }));
  if (published) count();
  return published;
}

}  // namespace strata::storage
