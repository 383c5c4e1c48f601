// /v1/uploads and /v1/uploads/{token}: which protocol a request speaks, and what both share.
#include <boost/json.hpp>

#include "storage/service/image_json.h"
#include "storage/service/resources.h"
#include "storage/service/responses.h"
#include "storage/service/upload_protocols.h"
#include "strata/base/text.h"

namespace strata::storage {
namespace {

using http::Awaitable;
using http::Response;

Awaitable<Response> create(Services& services, http::Request& request, const Principal& principal) {
  const http::Headers& headers = request.head.headers;
  const auto version = headers.get("Tus-Resumable");
  if (tus::speaks(request.head)) {
    if (!version || *version != tus::kVersion) {
      co_return tus::problem(
          Error(Errc::kPreconditionFailed, "Tus-Resumable must be " + std::string(tus::kVersion)),
          request, services.config.limits);
    }
    co_return co_await tus::create(services, request, principal);
  }
  if (ietf::speaks(request.head)) co_return co_await ietf::create(services, request, principal, "");
  co_return problem_response(
      Error(Errc::kMalformed,
            "a resumable upload begins with Tus-Resumable: 1.0.0 (tus) or with Upload-Complete "
            "(IETF draft); a plain one is PUT /v1/upload/{filename}"),
      request.id);
}

Awaitable<Response> describe(Services& services, const SessionPointer& session) {
  const auto view = session->view();
  const auto state = services.uploads->state_of(view);
  boost::json::object object{{"state", upload::session_state_name(state)},
                             {"offset", view.offset},
                             {"length", nullptr},
                             {"image", nullptr},
                             {"error", nullptr}};
  if (view.record.length) object["length"] = *view.record.length;
  if (view.state == upload::SessionState::kComplete && view.record.kind != upload::Kind::kPartial) {
    object["image"] = view.record.image.text();
  }
  if (view.error) {
    object["error"] = boost::json::object{{"type", view.error->info().type},
                                          {"title", view.error->info().title},
                                          {"detail", view.error->detail()}};
  }
  if (state == upload::SessionState::kReceiving) {
    object["expires"] =
        format_rfc3339(services.clock.now() + services.uploads->expires_in(*session).count());
  }
  co_return json_response(200, boost::json::serialize(object));
}

bool is_tus(const http::Request& request) {
  return request.head.headers.get("Tus-Resumable").has_value();
}

// One method on an upload of this principal's.
Awaitable<Response> act(Services& services, http::Request& request, const Principal& principal,
                        const PathArguments& arguments, std::string_view method) {
  const auto version = request.head.headers.get("Tus-Resumable");
  const bool reads = method == "GET" || method == "HEAD";
  const bool wrong_version =
      version ? *version != tus::kVersion
              : !reads && !ietf::speaks(request.head) && tus::speaks(request.head);
  if (wrong_version) {
    co_return tus::problem(
        Error(Errc::kPreconditionFailed, "Tus-Resumable must be " + std::string(tus::kVersion)),
        request, services.config.limits);
  }
  const auto session = services.uploads->find(arguments[0], principal.id);
  if (!session) {
    co_return is_tus(request) ? tus::problem(session.error(), request, services.config.limits)
                              : problem_response(session.error(), request.id);
  }
  if (method == "GET") co_return co_await describe(services, *session);
  if (is_tus(request)) {
    if (method == "HEAD") co_return co_await tus::head(services, request, *session);
    if (method == "PATCH") co_return co_await tus::patch(services, request, *session);
    co_return co_await tus::remove(services, request, *session);
  }
  if (method == "HEAD") co_return co_await ietf::head(services, request, *session);
  if (method == "PATCH") co_return co_await ietf::patch(services, request, *session);
  co_return co_await ietf::remove(services, request, *session);
}

// Old browsers and proxies know GET and POST only (tus, X-HTTP-Method-Override).
Awaitable<Response> post(Services& services, http::Request& request, const Principal& principal,
                         const PathArguments& arguments) {
  const auto method = request.head.headers.get("X-HTTP-Method-Override").value_or("");
  for (const std::string_view allowed : {"PATCH", "DELETE", "HEAD"}) {
    if (method == allowed) co_return co_await act(services, request, principal, arguments, allowed);
  }
  Response response = problem_response(
      Error(Errc::kMethodNotAllowed, "an upload has the methods HEAD, PATCH, DELETE and GET"),
      request.id);
  response.headers.add("Allow", "GET, HEAD, PATCH, DELETE, OPTIONS");
  co_return response;
}

Response options(const Services& services, std::string_view allow) {
  Response response;
  response.status = 204;
  response.headers.add("Allow", allow);
  tus::add_options(response.headers, services.config.limits);
  ietf::add_options(response.headers, services.config.limits);
  return response;
}

}  // namespace

Awaitable<Result<std::string>> image_of_upload(Services& services, const ImageId& image) {
  co_return co_await http::run_on(services.disk, [&]() -> Result<std::string> {
    STRATA_TRY(const auto found, services.catalog.get(image));
    return describe_image(services, found);
  });
}

void add_uploads_routes(Router& router, Services& services) {
  router.add("POST", "/v1/uploads",
             [&services](http::Request& request, const Principal& principal, const PathArguments&) {
               return create(services, request, principal);
             });
  router.add(
      "OPTIONS", "/v1/uploads",
      [&services](http::Request&, const Principal&, const PathArguments&) -> Awaitable<Response> {
        co_return options(services, "POST, OPTIONS");
      });
  router.add(
      "OPTIONS", "/v1/uploads/{}",
      [&services](http::Request&, const Principal&, const PathArguments&) -> Awaitable<Response> {
        co_return options(services, "GET, HEAD, PATCH, DELETE, OPTIONS");
      });
  router.add("GET", "/v1/uploads/{}",
             [&services](http::Request& request, const Principal& principal,
                         const PathArguments& arguments) {
               return act(services, request, principal, arguments, request.head.method);
             });
  for (const std::string_view method : {"PATCH", "DELETE"}) {
    router.add(method, "/v1/uploads/{}",
               [&services, method](http::Request& request, const Principal& principal,
                                   const PathArguments& arguments) {
                 return act(services, request, principal, arguments, method);
               });
  }
  router.add("POST", "/v1/uploads/{}",
             [&services](http::Request& request, const Principal& principal,
                         const PathArguments& arguments) {
               return post(services, request, principal, arguments);
             });
}

}  // namespace strata::storage
