#include "storage/service/auth.h"

#include <algorithm>

#include "storage/service/secret_file.h"
#include "strata/base/text.h"
#include "strata/http/url.h"

namespace strata::storage {
namespace {

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.rfind(':'));
}

bool host_is_ours(const http::RequestHead& head, const Services& services) {
  if (head.authority.empty()) return true;  // HTTP/1.0
  const std::string_view host = host_of(head.authority);
  if (http::is_loopback_host(host)) return true;
  const auto ours = http::Url::parse(services.public_url + "/");
  return ours && iequals(ours->host, host);
}

// The token of "Bearer T" or of "Basic base64(anything:T)"; nullopt for other schemes.
std::optional<std::string> token_of(std::string_view authorization) {
  const std::size_t space = authorization.find(' ');
  const std::string_view scheme = authorization.substr(0, space);
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view value = trim(authorization.substr(space + 1));
  if (iequals(scheme, "Bearer")) return std::string(value);
  if (!iequals(scheme, "Basic")) return std::nullopt;
  const auto decoded = from_base64(value);
  if (!decoded) return std::nullopt;
  const std::string pair(decoded->begin(), decoded->end());
  const std::size_t colon = pair.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return pair.substr(colon + 1);
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

bool origin_allowed(std::string_view origin, const Config& config) {
  return std::find(config.cors_origins.begin(), config.cors_origins.end(), origin) !=
         config.cors_origins.end();
}

const Principal kAdmin{"admin", "admin", false};
const Principal kAnonymous{"anonymous", "anonymous", true};

}  // namespace

Result<Principal> authenticate(const http::RequestHead& head, const Services& services) {
  const Config& config = services.config;
  if (!config.auth_required && !host_is_ours(head, services)) {
    return Error(Errc::kWrongHost, "this server answers to " + services.public_url + ", not to '" +
                                       head.authority + "'");
  }
  if (head.method == "OPTIONS") return kAnonymous;  // a preflight never carries a credential
  const auto origin = head.headers.get("Origin");
  if (origin && !is_safe(head.method) && *origin != services.public_url &&
      !origin_allowed(*origin, config)) {
    return Error(Errc::kForbidden, "pages of " + std::string(*origin) +
                                       " may not change anything here; see cors.origins");
  }
  if (head.headers.count("Authorization") > 1) {
    return Error(Errc::kUnauthorized, "there is more than one credential");
  }
  if (const auto authorization = head.headers.get("Authorization")) {
    const auto token = token_of(*authorization);
    if (token && equal_secrets(*token, services.admin_token)) return kAdmin;
    return Error(Errc::kUnauthorized, "the credential is not known here");
  }
  if (!config.auth_required) return kAdmin;
  if (config.anonymous_read && is_safe(head.method)) return kAnonymous;
  return Error(Errc::kUnauthorized,
               "send Authorization: Bearer TOKEN, or Basic with the token as password");
}

void add_cors(const http::RequestHead& head, const Config& config, http::Response& response) {
  const auto origin = head.headers.get("Origin");
  if (!origin || !origin_allowed(*origin, config)) return;
  response.headers.set("Access-Control-Allow-Origin", *origin);
  response.headers.add("Vary", "Origin");
  response.headers.set(
      "Access-Control-Expose-Headers",
      "Location, ETag, Content-Range, Accept-Ranges, Repr-Digest, X-Request-Id, Strata-Image, "
      "Upload-Offset, Upload-Length, Upload-Metadata, Upload-Defer-Length, Upload-Concat, "
      "Upload-Expires, Upload-Complete, Upload-Incomplete, Upload-Limit, "
      "Upload-Draft-Interop-Version, Tus-Version, Tus-Resumable, Tus-Max-Size, Tus-Extension, "
      "Tus-Checksum-Algorithm, Retry-After");
  if (head.method != "OPTIONS") return;
  response.headers.set("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, PATCH, DELETE");
  response.headers.set("Access-Control-Allow-Headers",
                       "Authorization, Content-Type, Content-Disposition, Range, Repr-Digest, "
                       "Content-Digest, Want-Repr-Digest, Upload-Offset, Upload-Length, "
                       "Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Checksum, "
                       "Upload-Complete, Upload-Incomplete, Upload-Draft-Interop-Version, "
                       "Tus-Resumable, X-HTTP-Method-Override, X-Requested-With, X-Request-Id");
  response.headers.set("Access-Control-Max-Age", "86400");
}

Result<std::string> load_admin_token(const std::string& data, Random& random) {
  const std::string path = data + "/admin.token";
  if (auto existing = read_secret(path)) {
    if (existing->empty())
      return Error(Errc::kUsage, path + " is empty: delete it for a new token");
    return *existing;
  }
  const std::string token = RandomId::generate(random).text();
  if (const Status status = write_secret(path, token + "\n"); !status) return status.error();
  return token;
}

}  // namespace strata::storage
