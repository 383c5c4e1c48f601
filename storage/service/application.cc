#include "storage/service/application.h"

#include "storage/service/auth.h"
#include "storage/service/resources.h"
#include "storage/service/responses.h"

namespace strata::storage {
namespace {

bool is_probe(std::string_view path) {
  return path == "/healthz" || path == "/readyz";
}

http::Response options_response(const std::string& allow) {
  http::Response response;
  response.status = 204;
  response.headers.add("Allow", allow);
  return response;
}

}  // namespace

Application::Application(Services& services) : services_(services) {
  add_health_routes(router_, services);
  add_upload_routes(router_, services);
  add_uploads_routes(router_, services);
  add_image_routes(router_, services);
  add_content_routes(router_, services);
  add_extents_routes(router_, services);
  add_registration_routes(router_, services);
}

http::Response Application::problem(const Error& error, const std::string& request_id) {
  return problem_response(error, request_id);
}

std::string Application::loggable_path(const http::RequestHead& head) const {
  constexpr std::string_view kUploads = "uploads/";
  // In the decoded path, as the router sees it: an escape must not let a token through.
  const std::size_t found = head.path.find(kUploads);
  if (found == std::string::npos) return head.raw_path;
  return head.path.substr(0, found + kUploads.size()) + "{token}";
}

http::Awaitable<http::Response> Application::handle(http::Request& request) {
  http::Response response = co_await dispatch(request);
  add_cors(request.head, services_.config, response);
  co_return response;
}

http::Awaitable<http::Response> Application::dispatch(http::Request& request) {
  Router::Match match = router_.match(request.head.method, request.head.raw_path);
  // Probes are for load balancers, which have neither our name nor a credential.
  Principal principal{"anonymous", "anonymous", true};
  if (!is_probe(request.head.raw_path)) {
    auto known = authenticate(request.head, services_);
    if (!known) co_return problem_response(known.error(), request.id);
    principal = std::move(*known);
  }
  if (match.route != nullptr)
    co_return co_await (*match.route)(request, principal, match.arguments);
  if (match.allow.empty()) {
    co_return problem_response(Error(Errc::kNotFound, "there is nothing at " + request.head.path),
                               request.id);
  }
  if (request.head.method == "OPTIONS") co_return options_response(match.allow);
  http::Response response = problem_response(
      Error(Errc::kMethodNotAllowed, "this resource has the methods " + match.allow), request.id);
  response.headers.add("Allow", match.allow);
  co_return response;
}

}  // namespace strata::storage
