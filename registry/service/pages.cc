#include "registry/service/resources.h"
#include "registry/service/views.h"

namespace strata::registry {

Result<Response> get_search_page(App& app, const Request& request) {
  const Parameters parameters(request.head);
  STRATA_TRY(auto query, list_query(parameters, app.limits, app.clock.now()));
  constexpr std::size_t kEntriesOnAPage = 50;  // what a person looks through
  if (!parameters.get("limit")) query.limit = std::min(kEntriesOnAPage, app.limits.page_size_max);
  if (Status status = add_filters(parameters, query); !status) return status.error();
  STRATA_TRY(const auto page, app.store.search(query));
  web::SearchView view;
  view.form = {.text = query.text,
               .os = parameters.get("os").value_or(""),
               .arch = parameters.get("arch").value_or(""),
               .kind = parameters.get("kind").value_or(""),
               .endorser = parameters.get("endorser").value_or(""),
               .status = parameters.get("status").value_or("valid"),
               .sort = parameters.get("sort").value_or("-created")};
  view.entries = entry_views(app, page.entries);
  view.total = page.total;
  view.total_exact = page.total_exact;
  if (!page.next.empty()) view.next = "/" + parameters.with("cursor", page.next);
  return html(web::search_page(view));
}

Result<Response> get_upload_page() {
  return html(web::upload_page());
}

Result<Response> get_style_sheet() {
  Response response = respond(200, "text/css; charset=utf-8", std::string(web::style_sheet()));
  response.headers.set("Cache-Control", "max-age=3600");
  return response;
}

}  // namespace strata::registry
