#include "strata/http/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <optional>

#include "strata/base/text.h"

namespace strata::http {
namespace {

Error bad_url(std::string_view why) {
  return {Errc::kMalformed, "the URL is not valid: " + std::string(why)};
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Characters of path and query (RFC 3986 §3.3, §3.4); escapes must be whole.
bool is_valid_target(std::string_view target) {
  constexpr std::string_view kMore = "/?-._~!$&'()*+,;=:@%";
  for (const char c : target) {
    if (!is_alphanumeric(c) && kMore.find(c) == std::string_view::npos) return false;
  }
  return percent_decode(target).has_value();
}

bool is_ipv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// A reg-name without escapes, or an IPv4 address.
bool is_valid_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    if (!is_alphanumeric(c) && c != '-' && c != '.' && c != '_' && c != '~') return false;
  }
  return true;
}

// Splits "host", "host:port", "[::1]", "[::1]:port" into `url`.
Status parse_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return bad_url("it has a user name");
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad_url("a ']' is missing");
    url.host = ascii_lower(authority.substr(1, close - 1));
    if (!is_ipv6(url.host)) return bad_url("no IPv6 address in the brackets");
    port = authority.substr(close + 1);
    if (!port.empty() && port.front() != ':') return bad_url("characters behind the ']'");
  } else {
    const std::size_t colon = authority.find(':');
    url.host = ascii_lower(authority.substr(0, colon));
    if (!is_valid_name(url.host)) return bad_url("bad host name");
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  url.port = default_port(url.scheme);
  if (port.size() <= 1) return {};
  const auto number = parse_decimal(port.substr(1));
  if (!number || *number == 0 || *number > 65535) return bad_url("bad port");
  url.port = static_cast<std::uint16_t>(*number);
  return {};
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return bad_url("it does not start with http://");
  Url url;
  url.scheme = ascii_lower(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") {
    return bad_url("only http and https are supported");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  if (rest.find('#') != std::string_view::npos) return bad_url("it has a fragment");
  const std::size_t authority_end = rest.find_first_of("/?");
  if (auto status = parse_authority(rest.substr(0, authority_end), url); !status) {
    return status.error();
  }
  if (authority_end != std::string_view::npos) url.target = rest.substr(authority_end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (!is_valid_target(url.target)) return bad_url("a character that must be percent-encoded");
  return url;
}

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != default_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::origin() const {
  return scheme + "://" + authority();
}

Result<Url> Url::resolve(std::string_view location) const {
  if (location.starts_with("//")) return parse(scheme + ":" + std::string(location));
  if (location.starts_with('/')) return parse(origin() + std::string(location));
  return parse(location);
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (iequals(host, "localhost")) return true;
  if (host.find('\0') != std::string_view::npos) return false;
  const std::string text(host);
  in_addr v4;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6;
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 &&
         std::memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0;
}

}  // namespace strata::http
