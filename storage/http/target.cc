#include "storage/http/target.h"

#include <algorithm>

#include "strata/base/text.h"

namespace strata::http {
namespace {

Error malformed_target(std::string_view why) {
  return Error(Errc::kMalformed, "the request target " + std::string(why));
}

// Printable ASCII but '#': a fragment is never sent, and bytes above 0x7f must be escaped.
bool is_target_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

// host [":" port] without userinfo; an IPv6 address in brackets (RFC 3986 §3.2).
bool is_authority(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  const std::size_t bracket = text.find(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.size() > 5) return false;
  }
  if (host.empty() || !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) {
    return false;
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return false;
    const std::string_view address = host.substr(1, host.size() - 2);
    return !address.empty() &&
           address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return host.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-._~!$&'()*+;=%") == std::string_view::npos;
}

// Two authorities of one scheme name the same place: without case, and the default port may be left
// out.
bool same_authority(std::string_view a, std::string_view b, std::string_view default_port) {
  if (a.ends_with(default_port)) a.remove_suffix(default_port.size());
  if (b.ends_with(default_port)) b.remove_suffix(default_port.size());
  return iequals(a, b);
}

Result<std::string> decode(std::string_view text) {
  auto decoded = percent_decode(text);
  if (!decoded) return malformed_target("holds a bad percent-escape");
  if (decoded->find('\0') != std::string::npos) return malformed_target("holds an escaped NUL");
  return *std::move(decoded);
}

// Decodes all but an escaped '/', which would otherwise look like the border of a segment.
Result<std::string> decode_path(std::string_view raw) {
  std::string path;
  std::size_t begin = 0;  // of what is not yet decoded
  for (std::size_t at = raw.find('%'); at != std::string_view::npos; at = raw.find('%', at + 1)) {
    if (!iequals(raw.substr(at, 3), "%2f")) continue;
    STRATA_TRY(const std::string piece, decode(raw.substr(begin, at - begin)));
    path += piece;
    path += "%2F";
    begin = at + 3;
  }
  STRATA_TRY(const std::string rest, decode(raw.substr(begin)));
  return path + rest;
}

// In a query, '+' is a space as in HTML forms and URLSearchParams.
Result<std::string> decode_query_text(std::string_view raw) {
  std::string text(raw);
  std::ranges::replace(text, '+', ' ');
  return decode(text);
}

Status parse_query(std::string_view raw, RequestHead& head) {
  for (const std::string_view pair : split(raw, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    STRATA_TRY(std::string key, decode_query_text(pair.substr(0, equals)));
    std::string value;
    if (equals != std::string_view::npos) {
      STRATA_TRY(value, decode_query_text(pair.substr(equals + 1)));
    }
    head.query.emplace_back(std::move(key), std::move(value));
  }
  return {};
}

}  // namespace

Status parse_target(std::string_view target, RequestHead& head) {
  if (target.empty() || !is_target_text(target)) {
    return malformed_target("is empty or holds a character it may not");
  }
  if (head.method == "CONNECT") return Error(Errc::kNotImplemented, "CONNECT is not understood");
  if (target == "*" && head.method == "OPTIONS") {
    head.target = head.path = head.raw_path = "*";
    return {};
  }
  if (!target.starts_with('/')) {
    const bool https = iequals(target.substr(0, 8), "https://");
    if (!https && !iequals(target.substr(0, 7), "http://")) {
      return malformed_target("is neither a path nor an http URL");
    }
    target.remove_prefix(https ? 8 : 7);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    head.authority = target.substr(0, end);
    if (!is_authority(head.authority)) return malformed_target("names no proper host");
    const auto host = head.headers.get("Host");
    if (host && !same_authority(*host, head.authority, https ? ":443" : ":80")) {
      return malformed_target("and Host name different hosts");
    }
    target.remove_prefix(end);
  }
  head.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  const std::string_view whole = head.target;
  const std::size_t mark = whole.find('?');
  head.raw_path = whole.substr(0, mark);
  STRATA_TRY(head.path, decode_path(head.raw_path));
  return mark == std::string_view::npos ? Status() : parse_query(whole.substr(mark + 1), head);
}

Status check_host(RequestHead& head) {
  const std::size_t hosts = head.headers.count("Host");
  if (hosts > 1) return Error(Errc::kMalformed, "Host is there more than once");
  if (hosts == 0) {
    if (head.minor_version >= 1) return Error(Errc::kMalformed, "HTTP/1.1 without Host");
    return {};
  }
  const std::string_view host = *head.headers.get("Host");
  if (!is_authority(host)) return Error(Errc::kMalformed, "Host names no proper host");
  if (head.authority.empty()) head.authority = host;
  return {};
}

}  // namespace strata::http
