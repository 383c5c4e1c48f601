#include "registry/service/resources.h"
#include "registry/service/views.h"

namespace strata::registry {

Result<Response> get_entries(App& app, const Request& request) {
  const Parameters parameters(request.head);
  Status known = parameters.require_known({"q", "os", "os_version", "arch", "endorser", "kind",
                                           "format", "identifier", "sha1", "sha256", "tag",
                                           "status", "location", "sort", "limit", "cursor"});
  if (!known) return known.error();
  STRATA_TRY(auto query, list_query(parameters, app.limits, app.clock.now()));
  if (Status status = add_filters(parameters, query); !status) return status.error();
  STRATA_TRY(const auto page, app.store.search(query));
  Response response = respond(200, kJsonType, page_json(app, page));
  response.headers.set("Cache-Control", "no-cache");
  link_next(response, app, request, parameters, page.next);
  return response;
}

}  // namespace strata::registry
