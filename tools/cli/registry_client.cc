#include "tools/cli/registry_client.h"

#include <boost/json.hpp>
#include <cstdio>

#include "strata/http/problem.h"

namespace strata::cli {
namespace {

namespace json = boost::json;

// The keys of the entries that /v1/entries lists; names that are no keys are passed over.
Result<std::vector<metadata::EntryKey>> parse_keys(const std::string& body) {
  boost::system::error_code failed;
  const json::value listing = json::parse(body, failed);
  const json::value* entries =
      failed || !listing.is_object() ? nullptr : listing.get_object().if_contains("entries");
  if (entries == nullptr || !entries->is_array()) {
    return Error(Errc::kMalformed, "the registry did not answer with entries");
  }
  std::vector<metadata::EntryKey> keys;
  for (const json::value& entry : entries->get_array()) {
    const auto text = [&](const char* name) -> std::string {
      const json::value* value = entry.is_object() ? entry.get_object().if_contains(name) : nullptr;
      return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
    };
    auto key = metadata::EntryKey::parse(text("identifier"), text("endorser"), text("created"));
    if (key) keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace

Result<http::ClientResponse> ask_registry(const Context& context,
                                          const http::ClientRequest& request) {
  Result<http::ClientResponse> answer =
      Error(Errc::kUsage, "no registry: set --registry URL or STRATA_REGISTRY");
  for (const std::string& url : context.endpoints.registries) {
    auto client = context.connect_registry(url);
    if (!client) return client.error();
    http::ClientRequest here = request;
    std::string prefix = client->origin().target;
    while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
    here.target = prefix + request.target;
    answer = client->send(here);
    if (answer) break;
  }
  if (!answer) return answer;
  if (answer->head.status < 400) return answer;
  return http::error_from_response(
      answer->head.status, answer->head.headers.get("Content-Type").value_or(""), answer->body);
}

Result<std::vector<metadata::VerifiedEntry>> fetch_entries(const Context& context,
                                                           const Identifier& identifier) {
  http::ClientRequest request;
  request.target = "/v1/entries?identifier=" + identifier.text();
  STRATA_TRY(const auto listing, ask_registry(context, request));
  STRATA_TRY(const auto keys, parse_keys(listing.body));
  std::vector<metadata::VerifiedEntry> entries;
  for (const metadata::EntryKey& key : keys) {
    http::ClientRequest get;
    get.target = key.path();
    get.headers.add("Accept", "application/rdf+xml, application/xml");
    STRATA_TRY(const auto document, ask_registry(context, get));
    auto entry = metadata::verify(document.body, metadata::Profile::kStrict, Limits{});
    if (!entry) {
      std::fprintf(stderr, "strata: %s is not trusted: %s\n", key.path().c_str(),
                   printable(entry.error().detail()).c_str());
    } else if (entry->key() == key && entry->key().identifier == identifier) {
      entries.push_back(std::move(*entry));
    }
  }
  if (entries.empty()) {
    return Error(Errc::kNotFound,
                 "the registry has no trusted current entry of " + identifier.text());
  }
  return entries;
}

}  // namespace strata::cli
