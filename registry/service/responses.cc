#include "registry/service/responses.h"

#include "registry/service/negotiation.h"
#include "registry/web/pages.h"
#include "strata/base/log.h"
#include "strata/http/problem.h"

namespace strata::registry {
namespace {

constexpr std::string_view kNoActiveContent = "default-src 'none'; sandbox; frame-ancestors 'none'";

// As an answer would have been: ?media= wins.
bool wants_page(const Request& request) {
  const auto media = negotiate(Parameters(request.head), request.head.headers);
  if (!Parameters(request.head).get("media") || !media) return prefers_html(request.head.headers);
  return *media == Media::kHtml;
}

}  // namespace

Response respond(int status, std::string_view type, std::string body) {
  Response response;
  response.status = status;
  response.headers.set("Content-Type", type);
  // A document may hold elements of any namespace, and a browser that is shown XML runs the scripts
  // of XHTML and SVG in it.
  response.headers.set("Content-Security-Policy", kNoActiveContent);
  response.body = std::move(body);
  return response;
}

Response html(std::string body, int status) {
  Response response = respond(status, kHtmlType, std::move(body));
  response.headers.set("Content-Security-Policy", web::kContentSecurityPolicy);
  response.headers.set("Referrer-Policy", "same-origin");
  return response;
}

Response refuse(const Error& error, const Request& request) {
  const bool ours = error.info().status == 0 || error.code() == Errc::kInternal ||
                    error.code() == Errc::kIo || error.code() == Errc::kCorruptData;
  if (ours) {
    log::error("request.failed", {{"id", request.id}, {"error", error.message()}});
  }
  const Error shown =
      ours ? Error(Errc::kInternal, "the registry failed; its log says why") : error;
  Response response;
  if (wants_page(request)) {
    response =
        html(web::problem_page(shown.info().status, shown.info().title, shown.detail(), request.id),
             shown.info().status);
  } else {
    response =
        respond(shown.info().status, http::kProblemType, http::problem_json(shown, request.id));
  }
  response.headers.set("Cache-Control", "no-store");
  if (shown.info().retryable) response.headers.set("Retry-After", "5");
  return response;
}

void link_next(Response& response, const App& app, const Request& request,
               const Parameters& parameters, const std::string& cursor) {
  if (cursor.empty()) return;
  response.headers.add("Link", "<" + app.public_url + request.head.raw_path +
                                   parameters.with("cursor", cursor) + ">; rel=\"next\"");
}

}  // namespace strata::registry
