#pragma once

#include <string>
#include <vector>

#include "registry/service/app.h"
#include "registry/service/negotiation.h"
#include "registry/service/responses.h"

// One function per route, each in the file of its resource. `path` holds the decoded segments
// behind the fixed ones. Errors become problems in the router.
namespace strata::registry {

using Path = std::vector<std::string>;

// metadata_post.cc
[[nodiscard]] Result<Response> post_metadata(App& app, const Request& request);

// confirmation.cc: `token` is the secret of a link that an endorser was sent
[[nodiscard]] Result<Response> get_confirmation(App& app, const std::string& token);
[[nodiscard]] Result<Response> post_confirmation(App& app, const Request& request,
                                                 const std::string& token);

// metadata_get.cc
[[nodiscard]] Result<Response> get_metadata(App& app, const Request& request, const Path& path);
[[nodiscard]] Result<Response> get_tagged(App& app, const Request& request, const Path& path);
// One entry in the form the client wants.
[[nodiscard]] Result<Response> show_entry(const App& app, const entries::StoredEntry& entry,
                                          Media media, const Request& request);

// endorsers.cc
[[nodiscard]] Result<Response> get_endorsers(App& app, const Request& request, const Path& path);

// changes.cc
[[nodiscard]] Result<Response> get_changes(App& app, const Request& request);

// entries.cc
[[nodiscard]] Result<Response> get_entries(App& app, const Request& request);

// virt_builder.cc
[[nodiscard]] Result<Response> get_virt_builder_index(App& app, const Request& request);
// Sends on to the bytes of an entry; `key_parts` are the three of its key.
[[nodiscard]] Result<Response> get_virt_builder_image(App& app, const Path& key_parts);

// policy.cc: what the site's policy says of an image
[[nodiscard]] Result<Response> get_policy(const App& app, const Path& path);

// pages.cc
[[nodiscard]] Result<Response> get_search_page(App& app, const Request& request);
[[nodiscard]] Result<Response> get_upload_page();
[[nodiscard]] Result<Response> get_style_sheet();

// operations.cc
[[nodiscard]] Result<Response> get_health();
[[nodiscard]] Result<Response> get_readiness(const App& app);
[[nodiscard]] Result<Response> get_metrics(App& app);
[[nodiscard]] Result<Response> get_openapi(const App& app);

}  // namespace strata::registry
