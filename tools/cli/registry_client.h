#pragma once

#include <string>
#include <utility>
#include <vector>

#include "strata/metadata/document.h"
#include "tools/cli/command.h"

namespace strata::cli {

// One request to each configured registry in turn until one answers at all; an answer of 400 and
// more is the error that it says. kUnreachable when none answers, kUsage when none is configured.
// `answered_by` becomes the URL of the one that did, without a slash at its end.
[[nodiscard]] Result<http::ClientResponse> ask_registry(const Context& context,
                                                        const http::ClientRequest& request,
                                                        std::string* answered_by = nullptr);

// The current entries of an identifier, of every status.
struct FoundEntries {
  std::string registry;  // URL
  // Verified, some of them perhaps under the legacy profile only: a policy refuses those by name.
  std::vector<metadata::VerifiedEntry> verified;
  std::vector<std::pair<metadata::EntryKey, std::string>> unverified;  // and why
};
// kTooLarge when there are more than anybody should judge.
[[nodiscard]] Result<FoundEntries> find_entries(const Context& context,
                                                const Identifier& identifier,
                                                const std::string& endorser = {});

// The document of one entry, verified, strictly if it can be.
[[nodiscard]] Result<metadata::VerifiedEntry> fetch_entry(const Context& context,
                                                          const metadata::EntryKey& key);

// Posts a signed document and says on standard output where it is now.
[[nodiscard]] Status post_document(const Context& context, std::string document);

}  // namespace strata::cli
