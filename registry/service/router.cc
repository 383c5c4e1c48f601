#include "registry/service/router.h"

#include <algorithm>

#include "registry/service/resources.h"
#include "strata/base/text.h"

namespace strata::registry {
namespace {

// Boundary, part headers and other fields around a document in multipart/form-data.
constexpr std::uint64_t kMultipartExtra = 64 * kKiB;

// Decoded segments; empty ones are left out, so "//" and a slash at the end do not matter, as in
// the original.
Path segments_of(const std::string& raw_path) {
  Path path;
  for (const std::string_view segment : split(raw_path, '/')) {
    if (!segment.empty()) path.push_back(percent_decode(segment).value_or(std::string(segment)));
  }
  return path;
}

bool is_reading(const std::string& method) {
  return method == "GET" || method == "HEAD";
}

Error gone(const std::string& what) {
  if (what == "query") return {Errc::kGone, "SPARQL is not offered: use GET /v1/entries"};
  if (what == "sync") {
    return {Errc::kGone, "entries are posted with their signature: use POST /metadata"};
  }
  return {Errc::kGone, "links that confirm an entry begin with /v1/confirmations/ now"};
}

Result<Response> not_allowed(const Request& request, std::string_view allowed) {
  Response response = refuse(
      Error(Errc::kMethodNotAllowed, request.head.method + " is not possible here"), request);
  response.headers.set("Allow", allowed);
  return response;
}

Result<Response> route_virt_builder(App& app, const Request& request, const Path& path) {
  if (path.size() == 2 && (path[1] == "index" || path[1] == "index.asc")) {
    return get_virt_builder_index(app, request);
  }
  if (path.size() == 5 && path[1] == "images") {
    return get_virt_builder_image(app, {path.begin() + 2, path.end()});
  }
  return Error(Errc::kNotFound, "the index for virt-builder is /v1/virt-builder/index");
}

Result<Response> route_v1(App& app, const Request& request, const Path& path) {
  if (path.size() == 1 && path[0] == "entries") return get_entries(app, request);
  if (path.size() == 1 && path[0] == "changes") return get_changes(app, request);
  if (path.size() > 1 && path[0] == "virt-builder") return route_virt_builder(app, request, path);
  if (!path.empty() && path[0] == "policy") {
    return get_policy(app, Path(path.begin() + 1, path.end()));
  }
  return Error(Errc::kNotFound, "there is no such resource");
}

// Under a link that an endorser was sent. Its last segment is a secret.
bool is_confirmation(const std::string& first, const Path& rest) {
  return first == "v1" && rest.size() == 2 && rest[0] == "confirmations";
}

Result<Response> route_confirmation(App& app, const Request& request, const std::string& token) {
  if (request.head.method == "POST") return post_confirmation(app, request, token);
  if (is_reading(request.head.method)) return get_confirmation(app, token);
  return not_allowed(request, "GET, HEAD, POST");
}

Result<Response> route_reading(App& app, const Request& request, const std::string& first,
                               const Path& rest) {
  if (first == "metadata") return get_metadata(app, request, rest);
  if (first == "endorsers") return get_endorsers(app, request, rest);
  if (first == "tag") return get_tagged(app, request, rest);
  if (first == "v1") return route_v1(app, request, rest);
  if (first == "static" && rest == Path{"style.css"}) return get_style_sheet();
  if (rest.empty()) {
    if (first.empty()) return get_search_page(app, request);
    if (first == "upload") return get_upload_page();
    if (first == "healthz") return get_health();
    if (first == "readyz") return get_readiness(app);
    if (first == "metrics") return get_metrics(app);
    if (first == "openapi.json") return get_openapi(app);
  }
  return Error(Errc::kNotFound, "there is no such resource");
}

Result<Response> route(App& app, const Request& request) {
  Path path = segments_of(request.head.raw_path);
  const std::string first = path.empty() ? "" : path.front();
  if (!path.empty()) path.erase(path.begin());
  if (first == "query" || first == "sync" || first == "action") return gone(first);
  if (is_confirmation(first, path)) return route_confirmation(app, request, path[1]);
  const bool posts = first == "metadata" && path.empty();
  if (posts && request.head.method == "POST") return post_metadata(app, request);
  if (!is_reading(request.head.method)) {
    return not_allowed(request, posts ? "GET, HEAD, POST" : "GET, HEAD");
  }
  return route_reading(app, request, first, path);
}

}  // namespace

Result<std::uint64_t> Router::admit(const http::RequestHead& head) {
  if (head.method != "POST") return is_reading(head.method) ? 0 : app_.limits.json_body_bytes_max;
  const auto type = head.headers.get("Content-Type");
  constexpr std::string_view kMultipart = "multipart/form-data";
  const bool multipart = type && iequals(type->substr(0, kMultipart.size()), kMultipart);
  return app_.limits.metadata_document_bytes_max + (multipart ? kMultipartExtra : 0);
}

std::string Router::loggable_path(const http::RequestHead& head) const {
  const Path path = segments_of(head.raw_path);
  const bool secret = path.size() > 2 && path[0] == "v1" && path[1] == "confirmations";
  return secret ? "/v1/confirmations/-" : head.raw_path;
}

Response Router::handle(const Request& request) {
  Result<Response> response = route(app_, request);
  return response ? std::move(*response) : refuse(response.error(), request);
}

}  // namespace strata::registry
