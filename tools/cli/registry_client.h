#pragma once

#include <string>
#include <vector>

#include "strata/metadata/document.h"
#include "tools/cli/command.h"

namespace strata::cli {

// One request to each configured registry in turn until one answers at all; an answer of 400 and
// more is the error that it says. kUnreachable when none answers, kUsage when none is configured.
[[nodiscard]] Result<http::ClientResponse> ask_registry(const Context& context,
                                                        const http::ClientRequest& request);

// The current entries of an identifier whose signatures hold under the strict profile; those that
// do not are left out, and said on standard error. kNotFound when there are none.
[[nodiscard]] Result<std::vector<metadata::VerifiedEntry>> fetch_entries(
    const Context& context, const Identifier& identifier);

}  // namespace strata::cli
