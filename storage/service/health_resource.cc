#include "storage/service/openapi.h"
#include "storage/service/resources.h"
#include "storage/service/responses.h"

namespace strata::storage {
namespace {

http::Response text_response(int status, std::string_view type, std::string body) {
  http::Response response = json_response(status, std::move(body));
  response.headers.set("Content-Type", type);
  return response;
}

http::Awaitable<http::Response> healthz() {
  co_return text_response(200, "text/plain; charset=utf-8", "ok\n");
}

// Ready: not draining, the catalogue answers, and the disk has room for uploads.
http::Awaitable<http::Response> readyz(Services& services, http::Request& request) {
  if (services.draining) {
    co_return problem_response(Error(Errc::kUnavailable, "the server is shutting down"),
                               request.id);
  }
  const Status ready = co_await http::run_on(services.disk, [&]() -> Status {
    const auto count = services.catalog.count();
    if (!count) return count.error().in("catalogue");
    const auto free = services.blob_store.free_bytes();
    if (!free) return free.error().in("blob store");
    if (*free < services.config.limits.disk_reserve_bytes) {
      return Error(Errc::kUnavailable, "the disk is full");
    }
    return {};
  });
  if (!ready) {
    co_return problem_response(Error(Errc::kUnavailable, ready.error().detail()), request.id);
  }
  co_return text_response(200, "text/plain; charset=utf-8", "ready\n");
}

http::Awaitable<http::Response> metrics(Services& services) {
  const auto figures = services.uploads->figures();
  services.counts.sessions_open.set(static_cast<std::int64_t>(figures.open));
  services.counts.sessions.set(static_cast<std::int64_t>(figures.sessions));
  services.counts.checkpoints.set(static_cast<std::int64_t>(figures.checkpoints));
  services.counts.read_back.set(static_cast<std::int64_t>(figures.bytes_read_back));
  services.counts.journal_syncs.set(static_cast<std::int64_t>(figures.journal_syncs));
  co_return text_response(200, "text/plain; version=0.0.4", services.metrics.render());
}

http::Awaitable<http::Response> openapi() {
  co_return json_response(200, std::string(kOpenApi));
}

}  // namespace

void add_health_routes(Router& router, Services& services) {
  router.add("GET", "/healthz",
             [](http::Request&, const Principal&, const PathArguments&) { return healthz(); });
  router.add("GET", "/readyz",
             [&services](http::Request& request, const Principal&, const PathArguments&) {
               return readyz(services, request);
             });
  router.add("GET", "/metrics",
             [&services](http::Request&, const Principal&, const PathArguments&) {
               return metrics(services);
             });
  router.add("GET", "/openapi.json",
             [](http::Request&, const Principal&, const PathArguments&) { return openapi(); });
}

}  // namespace strata::storage
