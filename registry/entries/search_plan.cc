#include "registry/entries/search_plan.h"

#include "registry/entries/words.h"

namespace strata::entries {
namespace {

// The union of all terms with the prefix, unless they are more than limits.search_prefix_words_max.
Status unite_prefixed(Plan& plan, const TermReader& reader, const Limits& limits) {
  std::map<std::uint32_t, DocSet> united;
  std::string last;
  std::size_t words = 0;
  bool few = true;
  Status status = reader.each(
      *plan.prefix, [&](std::string_view term, std::uint32_t chunk, const EncodedDocs& docs) {
        if (term != last) {
          last = term;
          few = ++words <= limits.search_prefix_words_max;
          if (!few) return TermReader::Next::kStop;
        }
        united[chunk].unite(docs);
        return TermReader::Next::kChunk;
      });
  if (!status) return status;
  if (few) {
    plan.nothing = plan.nothing || united.empty();
    plan.prefixed = std::move(united);
  }
  return {};
}

}  // namespace

Result<Plan> make_plan(const Query& query, const TermReader& reader, const Limits& limits) {
  Plan plan;
  std::vector<std::string> words = split_words(query.text, limits);
  if (words.size() > limits.query_words_max) {
    return Error(Errc::kMalformed, "q: at most " + std::to_string(limits.query_words_max) +
                                       " words can be looked for at once");
  }
  plan.nothing = words.empty() && query.text.find_first_not_of(" \t\r\n") != std::string::npos;
  if (!words.empty()) {
    plan.prefix = kWordTerm + words.back();
    words.pop_back();
  }
  for (const std::string& word : words) plan.terms.push_back(kWordTerm + word);
  for (const auto& [field, value] : query.filters) {
    auto term = field_term(field, value, limits);
    if (term) {
      plan.terms.push_back(std::move(*term));
    } else {
      plan.nothing = true;
    }
  }
  // Superseded entries have no terms: their records are looked at.
  if (plan.prefix && !query.created && !plan.nothing) {
    if (Status status = unite_prefixed(plan, reader, limits); !status) return status.error();
  }
  return plan;
}

}  // namespace strata::entries
