#include "storage/client/storage_api.h"

#include <boost/json.hpp>

#include "strata/base/text.h"
#include "strata/http/problem.h"

namespace strata::client {
namespace {

constexpr std::size_t kCandidatesShown = 20;

std::string list_target(const StorageApi::Filter& filter) {
  std::string query;
  const auto add = [&](std::string_view key, const std::optional<std::string>& value) {
    if (!value) return;
    query += (query.empty() ? "?" : "&") + std::string(key) + "=" + percent_encode(*value);
  };
  add("name", filter.name);
  add("identifier", filter.identifier);
  add("sha256", filter.sha256);
  add("owner", filter.owner);
  add("visibility", filter.visibility);
  add("tag", filter.tag);
  if (filter.limit) add("limit", std::to_string(*filter.limit));
  return "/v1/images" + query;
}

// The target of `<...>; rel="next"` (RFC 8288), which must be on the same server.
Result<std::optional<std::string>> next_target(const http::Url& origin, const std::string& link) {
  for (std::string_view rest = link; !rest.empty();) {
    const std::size_t open = rest.find('<');
    const std::size_t close = rest.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    const std::string_view target = rest.substr(open + 1, close - open - 1);
    rest.remove_prefix(close + 1);
    const std::string_view parameters = rest.substr(0, rest.find('<'));
    if (parameters.find("rel=\"next\"") == std::string_view::npos &&
        parameters.find("rel=next") == std::string_view::npos) {
      continue;
    }
    // A public URL may differ from the address that was asked; the place on the server counts.
    STRATA_TRY(const http::Url url, origin.resolve(target));
    return std::optional(url.target);
  }
  return std::optional<std::string>();
}

Error ambiguous(std::string_view what, const StorageApi::Page& page) {
  std::string detail = "'" + std::string(what) + "' fits several images:";
  for (const ImageInfo& image : page.images) {
    detail += "\n  " + image.id.text() + "  " + image.created + "  " +
              human_bytes(image.stored.bytes) + "  " + image.name;
  }
  if (page.next) detail += "\n  and more";
  return {Errc::kAmbiguous, std::move(detail)};
}

Result<StorageApi::Filter> filter_of(std::string_view image) {
  constexpr std::string_view kSha256 = "sha256:";
  StorageApi::Filter filter;
  if (image.starts_with(kSha256)) {
    const auto digest = Sha256Digest::from_hex(image.substr(kSha256.size()));
    if (!digest) return Error(Errc::kUsage, "sha256: is followed by 64 hex digits");
    filter.sha256 = digest->hex();
  } else if (const auto identifier = Identifier::parse(image)) {
    filter.identifier = identifier->text();
  } else {
    filter.name = image;
  }
  filter.limit = kCandidatesShown;
  return filter;
}

}  // namespace

std::string view_target(const ImageId& id, StorageApi::View view) {
  return "/v1/images/" + id.text() + (view == StorageApi::View::kDecoded ? "/decoded" : "/content");
}

Error error_of(const http::ClientResponse& response) {
  return http::error_from_response(
      response.head.status, response.head.headers.get("Content-Type").value_or(""), response.body);
}

StorageApi::StorageApi(const Endpoint& endpoint) : client_(endpoint.connect()) {}

Result<http::ClientResponse> StorageApi::call(const http::ClientRequest& request) {
  STRATA_TRY(http::ClientResponse response, client_.send(request));
  if (response.head.status < 200 || response.head.status > 299) return error_of(response);
  return response;
}

Result<http::ClientResponse> StorageApi::get(const std::string& target) {
  http::ClientRequest request;
  request.target = target;
  return call(request);
}

Result<std::optional<std::string>> StorageApi::next_of(const http::ClientResponse& response) const {
  const auto link = response.head.headers.joined("Link");
  if (!link) return std::optional<std::string>();
  return next_target(client_.origin(), *link);
}

Result<StorageApi::Page> StorageApi::get_page(const std::string& target) {
  STRATA_TRY(http::ClientResponse response, get(target));
  Page page;
  STRATA_TRY(page.images, parse_image_list(response.body));
  STRATA_TRY(page.next, next_of(response));
  page.json = std::move(response.body);
  return page;
}

Result<StorageApi::Page> StorageApi::list(const Filter& filter) {
  return get_page(list_target(filter));
}

Result<StorageApi::Page> StorageApi::next_page(const std::string& next) {
  return get_page(next);
}

Result<ImageInfo> StorageApi::show(const ImageId& id) {
  STRATA_TRY(const http::ClientResponse response, get("/v1/images/" + id.text()));
  return parse_image(response.body);
}

Result<StorageApi::ExtentPage> StorageApi::extents(const ImageId& id) {
  return next_extents("/v1/images/" + id.text() + "/extents");
}

Result<StorageApi::ExtentPage> StorageApi::next_extents(const std::string& next) {
  STRATA_TRY(const http::ClientResponse response, get(next));
  ExtentPage page;
  STRATA_TRY(page.extents, parse_extents(response.body));
  STRATA_TRY(page.next, next_of(response));
  return page;
}

Status StorageApi::remove(const ImageId& id) {
  http::ClientRequest request;
  request.method = "DELETE";
  request.target = "/v1/images/" + id.text();
  const auto response = call(request);
  return response ? Status() : response.error();
}

Result<ImageInfo> StorageApi::resolve(std::string_view image) {
  if (const auto id = ImageId::parse(image)) return show(*id);
  STRATA_TRY(Filter filter, filter_of(image));
  STRATA_TRY(Page page, list(filter));
  if (page.images.empty() && filter.identifier) {
    // 27 characters that are nobody's identifier may still be a name.
    filter.identifier.reset();
    filter.name = image;
    STRATA_TRY(page, list(filter));
  }
  if (page.images.empty()) {
    return Error(Errc::kNotFound, "there is no image '" + std::string(image) + "'");
  }
  if (page.images.size() > 1) return ambiguous(image, page);
  return std::move(page.images.front());
}

Result<std::string> StorageApi::ticket(const ImageId& id, View view,
                                       std::chrono::seconds expires_in) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = "/v1/images/" + id.text() + "/tickets";
  request.headers.add("Content-Type", "application/json");
  request.body = "{\"expires_in\":" + std::to_string(expires_in.count()) + ",\"view\":\"" +
                 (view == View::kDecoded ? "decoded" : "content") + "\"}";
  STRATA_TRY(const http::ClientResponse response, call(request));
  boost::system::error_code bad;
  const boost::json::value answer = boost::json::parse(response.body, bad);
  const boost::json::object* object = bad ? nullptr : answer.if_object();
  const boost::json::value* url = object == nullptr ? nullptr : object->if_contains("url");
  if (url == nullptr || !url->is_string()) {
    return Error(Errc::kMalformed, "the server's answer has no url");
  }
  return std::string(url->get_string());
}

}  // namespace strata::client
