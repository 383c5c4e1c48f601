#include "registry/service/resources.h"
#include "registry/service/site_policy.h"

namespace strata::registry {

Result<Response> get_policy(const App& app, const Path& path) {
  if (path.size() != 1) return Error(Errc::kNotFound, "a decision is /v1/policy/{identifier}");
  const auto rules = app.trust.rules();
  SitePolicy policy(app, *rules);
  if (!policy.is_set()) {
    return Error(Errc::kNotFound,
                 "this registry has no policy: its configuration does not set [policy] file");
  }
  STRATA_TRY(const Identifier image, Identifier::parse(path[0]));
  STRATA_TRY(const policy::Decision decision, policy.decide(image));
  Response response = respond(200, kJsonType, decision.json(app.public_url));
  response.headers.set("Cache-Control", "no-cache");
  return response;
}

}  // namespace strata::registry
