#pragma once

#include <string>
#include <string_view>

#include "registry/http/server.h"
#include "registry/service/app.h"
#include "registry/service/parameters.h"

// Responses that several resources give.
namespace strata::registry {

using registry_http::Request;
using registry_http::Response;

inline constexpr std::string_view kXmlType = "application/xml; charset=utf-8";
inline constexpr std::string_view kRdfType = "application/rdf+xml";
inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";

[[nodiscard]] Response respond(int status, std::string_view type, std::string body);
// With the Content-Security-Policy of all pages.
[[nodiscard]] Response html(std::string body, int status = 200);

// An Error as a problem document, or as a page for a browser. Internal ones are logged here.
[[nodiscard]] Response refuse(const Error& error, const Request& request);

// Adds Link: <...>; rel="next" when there is a next page of `path`.
void link_next(Response& response, const App& app, const Request& request,
               const Parameters& parameters, const std::string& cursor);

}  // namespace strata::registry
