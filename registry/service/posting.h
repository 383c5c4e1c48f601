#pragma once

#include <string_view>

#include "registry/service/app.h"
#include "registry/service/responses.h"

// What a document must pass to become an entry, whichever way it came.
namespace strata::registry {

// Signature, identity and trust by `rules`, and the bounds on `created` as they were when the
// document came.
[[nodiscard]] Result<metadata::VerifiedEntry> admit_document(const App& app,
                                                             std::string_view document,
                                                             const RulesInForce& rules,
                                                             UnixMillis received);

// Inserts and answers with the entry: 201, or 200 when it was there; with Location.
[[nodiscard]] Result<Response> publish(App& app, const Request& request,
                                       const metadata::VerifiedEntry& entry,
                                       const RulesInForce& rules);

// Counts what became of a posted document.
void count_post(App& app, std::string_view outcome);

}  // namespace strata::registry
