#include "registry/http/exchange.h"

#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "strata/base/ids.h"
#include "strata/http/problem.h"

namespace strata::registry_http {
namespace {

constexpr std::size_t kRequestIdMax = 64;

bool is_plain_id(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

MHD_Result append_field(void* context, MHD_ValueKind, const char* name, std::size_t name_size,
                        const char* value, std::size_t value_size) {
  auto& text = *static_cast<std::string*>(context);
  text.append(name, name_size);
  text += ": ";
  if (value != nullptr) text.append(value, value_size);
  text += "\r\n";
  return MHD_YES;
}

}  // namespace

Result<http::RequestHead> guard_head(MHD_Connection* connection, const std::string& method,
                                     const std::string& target, const std::string& version,
                                     const Limits& limits) {
  std::string text = method + " " + target + " " + version + "\r\n";
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, append_field, &text);
  text += "\r\n";
  return http::parse_request_head(text, limits);
}

std::string request_id(MHD_Connection* connection, Random& random) {
  const char* given = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Request-Id");
  if (given != nullptr && is_plain_id(given)) return given;
  return RandomId::generate(random).text();
}

std::string peer_address(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return "unknown";
  const sockaddr* address = info->client_addr;
  const socklen_t size =
      address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::array<char, NI_MAXHOST> text{};
  if (getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return "unknown";
  }
  return text.data();
}

Response problem_response(const Error& error, const std::string& id) {
  Response response;
  response.status = error.info().status == 0 ? 500 : error.info().status;
  const bool internal = error.code() == Errc::kInternal || error.code() == Errc::kIo ||
                        error.code() == Errc::kCorruptData || error.info().status == 0;
  response.headers.set("Content-Type", http::kProblemType);
  response.headers.set("Cache-Control", "no-store");
  response.body = http::problem_json(
      internal ? Error(Errc::kInternal, "the registry failed; its log says why") : error, id);
  if (internal) response.status = error_info(Errc::kInternal).status;
  return response;
}

}  // namespace strata::registry_http
