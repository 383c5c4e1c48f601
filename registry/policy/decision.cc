#include "registry/policy/decision.h"

#include <algorithm>
#include <boost/json.hpp>

namespace strata::policy {
namespace {

// A reason may quote a document, whose line ends must not look like further rules.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return text;
}

}  // namespace

bool EntryResult::accepted() const {
  return std::all_of(rules.begin(), rules.end(),
                     [](const RuleResult& rule) { return rule.passed; });
}

void Decision::add_unverified(metadata::EntryKey key, std::string why) {
  results.push_back({std::move(key), {{"signature", false, std::move(why)}}});
}

std::string Decision::explain() const {
  std::string text = reason + "\n";
  for (const EntryResult& result : results) {
    text += result.key.path() + (result.accepted() ? ": accepted\n" : ": refused\n");
    for (const RuleResult& rule : result.rules) {
      text += std::string(rule.passed ? "  pass  " : "  FAIL  ") + rule.rule + ": " +
              one_line(rule.reason) + "\n";
    }
  }
  return text;
}

std::string Decision::json(std::string_view registry_url) const {
  namespace json = boost::json;
  const auto url_of = [&](const metadata::EntryKey& key) {
    return std::string(registry_url) + key.path();
  };
  json::array entries;
  for (const EntryResult& result : results) {
    json::array rules;
    for (const RuleResult& rule : result.rules) {
      rules.push_back(
          json::object{{"rule", rule.rule}, {"passed", rule.passed}, {"reason", rule.reason}});
    }
    entries.push_back(json::object{{"entry", url_of(result.key)},
                                   {"accepted", result.accepted()},
                                   {"rules", std::move(rules)}});
  }
  return json::serialize(json::object{
             {"accepted", accepted()},
             {"entry", entry ? json::value(url_of(entry->key())) : json::value(nullptr)},
             {"reason", reason},
             {"results", std::move(entries)}}) +
         "\n";
}

}  // namespace strata::policy
