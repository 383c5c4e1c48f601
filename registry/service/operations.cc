#include "registry/service/openapi.h"
#include "registry/service/resources.h"

namespace strata::registry {

Result<Response> get_health() {
  return respond(200, "text/plain", "ok\n");
}

Result<Response> get_readiness(const App& app) {
  if (app.draining) return Error(Errc::kUnavailable, "the registry is going down");
  if (!app.store.health()) {
    return Error(Errc::kUnavailable, "the entry store has stopped taking writes");
  }
  return respond(200, "text/plain", "ready\n");
}

Result<Response> get_metrics(App& app) {
  app.metrics.gauge("strata_registry_entries", "Entries accepted since the store was made.")
      .set(static_cast<std::int64_t>(app.store.last_sequence()));
  return respond(200, "text/plain; version=0.0.4; charset=utf-8", app.metrics.render());
}

Result<Response> get_openapi(const App& app) {
  return respond(200, kJsonType, openapi_document(app.public_url));
}

}  // namespace strata::registry
