#include <boost/json.hpp>

#include "storage/service/image_document.h"
#include "storage/service/image_json.h"
#include "storage/service/registrar.h"
#include "storage/service/resources.h"
#include "storage/service/responses.h"
#include "strata/metadata/document.h"

namespace strata::storage {
namespace {

// The newest signed document of the image's content; before there is one, what it would say.
http::Awaitable<http::Response> get_metadata(Services& services, http::Request& request,
                                             const Principal& principal,
                                             const PathArguments& arguments) {
  const bool as_json = request.head.query_value("media") == "json";
  struct Found {
    std::string body;
    bool json;
  };
  auto found = co_await http::run_on(services.disk, [&]() -> Result<Found> {
    STRATA_TRY(const auto image, find_visible_image(services, principal, arguments[0]));
    if (as_json) {
      STRATA_TRY(auto text, describe_image(services, image));
      return Found{std::move(text), true};
    }
    STRATA_TRY(const auto registration,
               services.catalog.registration(image.content.decoded.sha256));
    if (registration && !registration->document.empty()) {
      return Found{registration->document, false};
    }
    STRATA_TRY(const auto images, services.catalog.images_of_content(image.content.decoded.sha256));
    // Deleted since it was found.
    if (images.empty()) return Error(Errc::kNotFound, "there is no image " + arguments[0]);
    return Found{
        metadata::build(describe_content(images, services.public_url, services.clock.now())),
        false};
  });
  if (!found) co_return problem_response(found.error(), request.id);
  http::Response response = json_response(200, std::move(found->body));
  if (!found->json) {
    response.headers.set("Content-Type", "application/rdf+xml");
    response.headers.set("Content-Disposition", "attachment; filename=\"metadata.xml\"");
  }
  co_return response;
}

http::Awaitable<http::Response> post_registration(Services& services, http::Request& request,
                                                  const Principal& principal,
                                                  const PathArguments& arguments) {
  if (services.registrar == nullptr) {
    co_return problem_response(
        Error(Errc::kConflict, "this server registers nothing: it has no registry.url"),
        request.id);
  }
  auto body = co_await http::run_on(services.disk, [&]() -> Result<std::string> {
    STRATA_TRY(const auto image, find_visible_image(services, principal, arguments[0]));
    if (image.owner != principal.id) {
      return Error(Errc::kForbidden, "only the owner of an image may register it");
    }
    const Status status = services.catalog.retry_registration(image.content.decoded.sha256);
    if (!status) return status.error();
    return describe_image(services, image);
  });
  if (!body) co_return problem_response(body.error(), request.id);
  services.registrar->wake();
  co_return json_response(202, std::move(*body));
}

}  // namespace

void add_registration_routes(Router& router, Services& services) {
  router.add("GET", "/v1/images/{}/metadata",
             [&services](http::Request& request, const Principal& principal,
                         const PathArguments& arguments) {
               return get_metadata(services, request, principal, arguments);
             });
  router.add("POST", "/v1/images/{}/registration",
             [&services](http::Request& request, const Principal& principal,
                         const PathArguments& arguments) {
               return post_registration(services, request, principal, arguments);
             });
}

}  // namespace strata::storage
