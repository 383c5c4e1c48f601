#include <boost/json.hpp>

#include "storage/service/image_json.h"
#include "storage/service/open_images.h"
#include "storage/service/registrar.h"
#include "storage/service/resources.h"
#include "storage/service/responses.h"
#include "storage/service/upload_parameters.h"
#include "strata/base/text.h"

namespace strata::storage {
namespace {

namespace json = boost::json;

struct ListQuery {
  catalog::ImageFilter filter;
  std::size_t limit;
  std::optional<std::string> cursor;
  std::string others;  // the query without the cursor, for the link to the next page
};

Status set_list_key(ListQuery& query, const std::string& key, const std::string& value,
                    const Limits& limits) {
  if (key == "name") {
    query.filter.name = value;
  } else if (key == "owner") {
    query.filter.owner = value;
  } else if (key == "tag") {
    query.filter.tag = value;
  } else if (key == "identifier") {
    STRATA_TRY(const Identifier identifier, Identifier::parse(value));
    query.filter.identifier = identifier.text();
  } else if (key == "sha256") {
    STRATA_TRY(query.filter.sha256, Sha256Digest::from_hex(value));
  } else if (key == "visibility") {
    STRATA_TRY(query.filter.visibility, parse_visibility(value));
  } else if (key == "cursor") {
    query.cursor = value;
  } else if (key == "limit") {
    const auto limit = parse_decimal(value);
    if (!limit || *limit == 0 || *limit > limits.page_size_max) {
      return Error(Errc::kMalformed, "limit must be 1 to " + std::to_string(limits.page_size_max));
    }
    query.limit = static_cast<std::size_t>(*limit);
  } else {
    return Error(Errc::kMalformed, "unknown parameter '" + key + "'");
  }
  return {};
}

Result<ListQuery> parse_list_query(const http::RequestHead& head, const Principal& principal,
                                   const Limits& limits) {
  ListQuery query{{}, limits.page_size, std::nullopt, {}};
  for (const auto& [key, value] : head.query) {
    if (const Status status = set_list_key(query, key, value, limits); !status) {
      return status.error();
    }
    if (key != "cursor") query.others += percent_encode(key) + "=" + percent_encode(value) + "&";
  }
  query.filter.visible_to = principal.id;
  return query;
}

http::Awaitable<http::Response> list_images(Services& services, http::Request& request,
                                            const Principal& principal) {
  auto query = parse_list_query(request.head, principal, services.config.limits);
  if (!query) co_return problem_response(query.error(), request.id);
  auto listing = co_await http::run_on(services.disk, [&]() -> Result<ImageListing> {
    STRATA_TRY(const auto page, services.catalog.list(query->filter, query->limit, query->cursor));
    std::string next;
    if (page.cursor)
      next = "/v1/images?" + query->others + "cursor=" + percent_encode(*page.cursor);
    return image_list_json(services, page, std::move(next));
  });
  if (!listing) co_return problem_response(listing.error(), request.id);
  http::Response response = json_response(200, std::move(listing->body));
  if (!listing->next.empty()) {
    response.headers.add("Link", "<" + listing->next + ">; rel=\"next\"");
  }
  co_return response;
}

http::Awaitable<http::Response> show_image(Services& services, http::Request& request,
                                           const Principal& principal,
                                           const PathArguments& arguments) {
  auto body = co_await http::run_on(services.disk, [&]() -> Result<std::string> {
    STRATA_TRY(const auto image, find_visible_image(services, principal, arguments[0]));
    return describe_image(services, image);
  });
  if (!body) co_return problem_response(body.error(), request.id);
  co_return json_response(200, std::move(*body));
}

// The image, if the principal may change it.
Result<catalog::Image> find_own_image(Services& services, const Principal& principal,
                                      const std::string& id) {
  STRATA_TRY(const auto image, find_visible_image(services, principal, id));
  if (image.owner != principal.id) {
    return Error(Errc::kForbidden, "only the owner of an image may change it");
  }
  return image;
}

http::Awaitable<http::Response> delete_image(Services& services, http::Request& request,
                                             const Principal& principal,
                                             const PathArguments& arguments) {
  const Status removed = co_await http::run_on(services.disk, [&]() -> Status {
    STRATA_TRY(const auto image, find_own_image(services, principal, arguments[0]));
    return services.images.remove(image.id);
  });
  services.open_images.forget(arguments[0]);
  if (!removed) co_return problem_response(removed.error(), request.id);
  if (services.registrar != nullptr) services.registrar->wake();
  http::Response response;
  response.status = 204;
  co_return response;
}

Status patch_metadata(catalog::Image& image, const json::value& value, const Limits& limits) {
  const json::object* object = value.if_object();
  if (object == nullptr) return Error(Errc::kMalformed, "metadata must be an object");
  for (const auto& [json_key, json_value] : *object) {
    const std::string key(json_key);
    if (!is_metadata_key(key)) return Error(Errc::kMalformed, "unknown metadata key '" + key + "'");
    if (json_value.is_null()) {
      image.metadata.erase(key);
      continue;
    }
    const json::string* text = json_value.if_string();
    if (text == nullptr) return Error(Errc::kMalformed, "metadata." + key + " must be a string");
    if (const Status status = check_metadata_value(key, *text, limits); !status) return status;
    image.metadata[key] = std::string(*text);
  }
  return {};
}

Status patch_tags(catalog::Image& image, const json::value& value, const Limits& limits) {
  std::vector<std::string> tags;
  const Error malformed(Errc::kMalformed, "tags must be a list of strings");
  if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) {
      if (!element.is_string()) return malformed;
      tags.emplace_back(element.get_string());
    }
  } else if (!value.is_null()) {
    return malformed;
  }
  STRATA_TRY(image.tags, check_tags(std::move(tags), limits));
  return {};
}

// RFC 7396 merge patch of the four members that can change.
Status apply_patch(catalog::Image& image, const json::object& patch, const Limits& limits) {
  for (const auto& [json_key, value] : patch) {
    const std::string key(json_key);
    if (key == "tags" || key == "metadata") {
      const Status status =
          key == "tags" ? patch_tags(image, value, limits) : patch_metadata(image, value, limits);
      if (!status) return status;
      continue;
    }
    if (key != "name" && key != "visibility") {
      return Error(Errc::kMalformed,
                   "'" + key + "' cannot be changed; name, tags, visibility and metadata can");
    }
    const json::string* text = value.if_string();
    if (text == nullptr) return Error(Errc::kMalformed, key + " must be a string");
    if (key == "name") {
      if (const Status status = check_name(*text, limits); !status) return status;
      image.name = std::string(*text);
    } else {
      STRATA_TRY(image.visibility, parse_visibility(*text));
    }
  }
  return {};
}

http::Awaitable<http::Response> patch_image(Services& services, http::Request& request,
                                            const Principal& principal,
                                            const PathArguments& arguments) {
  const Limits& limits = services.config.limits;
  const std::string_view type = request.head.headers.get("Content-Type").value_or("");
  const std::string_view media = trim(type.substr(0, type.find(';')));
  if (!iequals(media, "application/merge-patch+json") && !iequals(media, "application/json")) {
    co_return problem_response(Error(Errc::kUnsupportedMedia, "send application/merge-patch+json"),
                               request.id);
  }
  const auto text = co_await request.body.read_all(limits.json_body_bytes_max);
  if (!text) co_return problem_response(text.error(), request.id);
  boost::system::error_code failed;
  const json::value patch = json::parse(*text, failed);
  if (failed || !patch.is_object()) {
    co_return problem_response(Error(Errc::kMalformed, "the body must be a JSON object"),
                               request.id);
  }
  auto body = co_await http::run_on(services.disk, [&]() -> Result<std::string> {
    STRATA_TRY(const auto image, find_own_image(services, principal, arguments[0]));
    STRATA_TRY(const auto changed, services.images.update(image.id, [&](catalog::Image& current) {
      return apply_patch(current, patch.get_object(), limits);
    }));
    return describe_image(services, changed);
  });
  services.open_images.forget(arguments[0]);
  if (!body) co_return problem_response(body.error(), request.id);
  if (services.registrar != nullptr) services.registrar->wake();
  co_return json_response(200, std::move(*body));
}

}  // namespace

Result<catalog::Image> find_visible_image(Services& services, const Principal& principal,
                                          const std::string& id) {
  const Error missing(Errc::kNotFound, "there is no image " + id);
  const auto image_id = ImageId::parse(id);
  if (!image_id) return missing;
  auto image = services.catalog.get(*image_id);
  if (!image) return image.error().code() == Errc::kNotFound ? missing : image.error();
  const bool visible =
      image->visibility == catalog::Visibility::kPublic || image->owner == principal.id;
  if (!visible) return missing;
  return image;
}

void add_image_routes(Router& router, Services& services) {
  router.add("GET", "/v1/images",
             [&services](http::Request& request, const Principal& principal, const PathArguments&) {
               return list_images(services, request, principal);
             });
  const auto add = [&](std::string_view method, auto function) {
    router.add(method, "/v1/images/{}",
               [&services, function](http::Request& request, const Principal& principal,
                                     const PathArguments& arguments) {
                 return function(services, request, principal, arguments);
               });
  };
  add("GET", show_image);
  add("DELETE", delete_image);
  add("PATCH", patch_image);
}

}  // namespace strata::storage
