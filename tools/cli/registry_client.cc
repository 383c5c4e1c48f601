#include "tools/cli/registry_client.h"

#include <boost/json.hpp>
#include <cstdio>

#include "registry/policy/policy.h"
#include "strata/base/text.h"
#include "strata/http/problem.h"

namespace strata::cli {
namespace {

namespace json = boost::json;

// An identifier has an entry for each endorser; beyond this somebody is flooding it.
constexpr std::size_t kEntriesMax = 10'000;
constexpr std::size_t kPagesMax = 1000;  // some may be short

struct Listing {
  std::vector<metadata::EntryKey> keys;  // names that are no keys are passed over
  std::string next;                      // cursor; empty at the end
};

std::string text_of(const json::value& object, const char* name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

// What /v1/entries answers.
Result<Listing> parse_listing(const std::string& body) {
  boost::system::error_code failed;
  const json::value answer = json::parse(body, failed);
  const json::value* entries =
      failed || !answer.is_object() ? nullptr : answer.get_object().if_contains("entries");
  if (entries == nullptr || !entries->is_array()) {
    return Error(Errc::kMalformed, "the registry did not answer with entries");
  }
  Listing listing;
  listing.next = text_of(answer, "next");
  for (const json::value& entry : entries->get_array()) {
    auto key = metadata::EntryKey::parse(text_of(entry, "identifier"), text_of(entry, "endorser"),
                                         text_of(entry, "created"));
    if (key) listing.keys.push_back(std::move(*key));
  }
  return listing;
}

Result<std::vector<metadata::EntryKey>> list_keys(const Context& context, const std::string& query,
                                                  std::string* registry) {
  std::vector<metadata::EntryKey> keys;
  std::string cursor;
  for (std::size_t pages = 0; pages < kPagesMax && keys.size() <= kEntriesMax; ++pages) {
    http::ClientRequest request;
    request.target =
        "/v1/entries?" + query + (cursor.empty() ? "" : "&cursor=" + percent_encode(cursor));
    STRATA_TRY(const auto response, ask_registry(context, request, registry));
    STRATA_TRY(Listing page, parse_listing(response.body));
    keys.insert(keys.end(), page.keys.begin(), page.keys.end());
    if (page.next.empty()) return keys;
    cursor = std::move(page.next);
  }
  return Error(Errc::kTooLarge, "the registry has more than " + std::to_string(kEntriesMax) +
                                    " entries of this identifier, or its list does not end");
}

Result<std::string> get_document(const Context& context, const metadata::EntryKey& key) {
  http::ClientRequest request;
  request.target = key.path();
  request.headers.add("Accept", "application/rdf+xml, application/xml");
  STRATA_TRY(auto response, ask_registry(context, request));
  return std::move(response.body);
}

}  // namespace

Result<http::ClientResponse> ask_registry(const Context& context,
                                          const http::ClientRequest& request,
                                          std::string* answered_by) {
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
    if (answer) {
      if (answered_by != nullptr) *answered_by = client->origin().origin() + prefix;
      break;
    }
  }
  if (!answer) return answer;
  if (answer->head.status < 400) return answer;
  return http::error_from_response(
      answer->head.status, answer->head.headers.get("Content-Type").value_or(""), answer->body);
}

Result<metadata::VerifiedEntry> fetch_entry(const Context& context, const metadata::EntryKey& key) {
  STRATA_TRY(const std::string document, get_document(context, key));
  auto entry = policy::verify_for_policy(document, Limits{});
  if (!entry) return Error(Errc::kVerification, entry.error().detail()).in(key.path());
  // Else the registry could answer with any other signed document.
  if (entry->key() == key) return entry;
  return Error(Errc::kVerification, key.path() + ": the registry's document is of another entry");
}

Result<FoundEntries> find_entries(const Context& context, const Identifier& identifier,
                                  const std::string& endorser) {
  FoundEntries found;
  std::string query = "identifier=" + identifier.text() + "&status=all";
  if (!endorser.empty()) query += "&endorser=" + percent_encode(endorser);
  STRATA_TRY(const auto keys, list_keys(context, query, &found.registry));
  for (const metadata::EntryKey& key : keys) {
    if (key.identifier != identifier) continue;
    auto entry = fetch_entry(context, key);
    if (entry) {
      found.verified.push_back(*std::move(entry));
    } else if (entry.error().code() == Errc::kVerification) {
      found.unverified.emplace_back(key, entry.error().detail());
    } else {
      return entry.error();
    }
  }
  return found;
}

Status post_document(const Context& context, std::string document) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = "/metadata";
  request.headers.add("Content-Type", "application/rdf+xml");
  request.headers.add("Accept", "application/json");
  request.body = std::move(document);
  STRATA_TRY(const auto response, ask_registry(context, request));
  const std::string location = printable(response.head.headers.get("Location").value_or("-"));
  switch (response.head.status) {
    case 200:
      std::printf("already there: %s\n", location.c_str());
      break;
    case 202:
      std::puts("not registered yet: confirmation is on, and the endorser got an e-mail");
      break;
    default:
      std::printf("registered: %s\n", location.c_str());
  }
  return {};
}

}  // namespace strata::cli
