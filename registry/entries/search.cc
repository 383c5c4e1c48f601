#include "registry/entries/search.h"

#include <algorithm>

#include "registry/entries/record.h"
#include "registry/entries/words.h"

namespace strata::entries {
namespace {

// Reading a record and finding its terms, in steps through the index.
constexpr std::size_t kRecordCost = 20;

// A query in terms of the index.
struct Plan {
  std::vector<std::string> terms;     // all must hold
  std::optional<std::string> prefix;  // a term that starts so must hold
  std::vector<std::string> expanded;  // the terms with that prefix, when they are few enough
  bool nothing = false;               // no entry can match
};

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
  if (plan.prefix && !query.created) {
    bool few = true;
    Status status = reader.each_term(*plan.prefix, [&](std::string_view term) {
      few = plan.expanded.size() < limits.search_prefix_words_max;
      if (few) plan.expanded.emplace_back(term);
      return few;
    });
    if (!status) return status.error();
    if (few && plan.expanded.empty()) plan.nothing = true;
    if (!few) plan.expanded.clear();
  }
  return plan;
}

class Search {
 public:
  Search(const Query& query, const Plan& plan, const TermReader& reader, const RecordReader& record,
         const Limits& limits)
      : query_(query), plan_(plan), record_(record), limits_(limits) {
    const bool history = query.created.has_value();
    if (history) {
      streams_.push_back(reader.term(created_term(*query.created)));
    } else {
      for (const std::string& term : plan.terms) streams_.push_back(reader.term(term));
      if (!plan.expanded.empty()) streams_.push_back(reader.any_of(plan.expanded));
      if (streams_.empty()) streams_.push_back(reader.term(std::string(1, kAllTerm)));
    }
    check_terms_ = history;
    check_prefix_ = plan.prefix && (history || plan.expanded.empty());
  }

  // Counts every match from the start; keeps those behind `after`, one more than the page holds.
  Result<Page> run(const std::optional<Position>& after) {
    if (after) {
      STRATA_TRY(page_.total, count_before(*after));
    }
    Status status = walk([&](const Position& at, StoredEntry* read) -> Result<bool> {
      ++page_.total;
      if (last_ && page_.next.empty() && full()) page_.next = last_->cursor();
      if (!full()) {
        if (read != nullptr) {
          page_.entries.push_back(std::move(*read));
        } else {
          STRATA_TRY(auto entry, record_(at));
          page_.entries.push_back(std::move(entry));
        }
        bytes_ += encode_record(page_.entries.back()).size();
        last_ = at;
      }
      return page_.total < limits_.search_total_exact_max + 1 || !full() || page_.next.empty();
    });
    if (!status) return status.error();
    finish_total();
    return std::move(page_);
  }

 private:
  // An entry may be as long as a document: a page of them is bounded by its bytes too.
  bool full() const {
    return page_.entries.size() == query_.limit || bytes_ >= limits_.list_bytes_max;
  }

  bool before(const Position& a, const Position& b) const {
    return query_.order == Query::Order::kNewestFirst ? a < b : a > b;
  }

  // Matches up to and including `after`, so that the total is that of all pages.
  Result<std::uint64_t> count_before(const Position& after) {
    std::uint64_t count = 0;
    Status status = walk([&](const Position& at, StoredEntry*) -> Result<bool> {
      if (before(after, at)) return false;
      ++count;
      return count <= limits_.search_total_exact_max;
    });
    if (!status) return status.error();
    if (out_of_budget_) page_.total_exact = false;
    out_of_budget_ = false;
    scanned_ = 0;
    for (const auto& stream : streams_) stream->seek(after);
    if (streams_.front()->valid() && streams_.front()->position() == after) {
      streams_.front()->next();
    }
    return count;
  }

  void finish_total() {
    if (page_.total > limits_.search_total_exact_max) {
      page_.total = limits_.search_total_exact_max;
      page_.total_exact = false;
    }
    if (!out_of_budget_) return;
    page_.total_exact = false;
    // The page ends where the scan did; the next one goes on from there.
    if (page_.next.empty() && !full()) page_.next = stopped_.cursor();
    if (page_.next.empty() && last_) page_.next = last_->cursor();
  }

  // Calls `visit` with each match until it says false; the entry when it had to be read anyway.
  Status walk(const std::function<Result<bool>(const Position&, StoredEntry*)>& visit) {
    Postings& first = *streams_.front();
    while (align()) {
      if (query_.created_since && query_.order == Query::Order::kNewestFirst &&
          first.position().created() < *query_.created_since) {
        break;
      }
      std::optional<StoredEntry> read;
      STRATA_TRY(const bool match, matches(first, read));
      if (match) {
        STRATA_TRY(const bool more, visit(first.position(), read ? &*read : nullptr));
        if (!more) return {};
      }
      if (++scanned_ >= limits_.search_scan_max) {
        out_of_budget_ = true;
        stopped_ = first.position();
        return {};
      }
      first.next();
    }
    for (const auto& stream : streams_) {
      if (Status status = stream->status(); !status) return status;
    }
    return {};
  }

  // Moves all streams to the next position that they share; false at the end of any.
  bool align() {
    while (true) {
      for (const auto& stream : streams_) {
        if (!stream->valid()) return false;
      }
      const Position target = std::max_element(streams_.begin(), streams_.end(),
                                               [&](const auto& a, const auto& b) {
                                                 return before(a->position(), b->position());
                                               })
                                  ->get()
                                  ->position();
      bool same = true;
      for (const auto& stream : streams_) {
        stream->seek(target);
        same = same && stream->valid() && stream->position() == target;
      }
      if (same) return true;
      if (++scanned_ >= limits_.search_scan_max) {
        out_of_budget_ = true;
        stopped_ = target;
        return false;
      }
    }
  }

  Result<bool> matches(const Postings& at, std::optional<StoredEntry>& read) {
    if (!at.summary().matches(query_)) return false;
    if (query_.created_since && at.position().created() < *query_.created_since) return false;
    if (!check_terms_ && !check_prefix_) return true;
    scanned_ += kRecordCost;
    STRATA_TRY(read, record_(at.position()));
    const std::set<std::string> terms = terms_of(*read, limits_);
    if (check_terms_ && !std::all_of(plan_.terms.begin(), plan_.terms.end(),
                                     [&](const auto& term) { return terms.contains(term); })) {
      return false;
    }
    if (!check_prefix_) return true;
    const auto found = terms.lower_bound(*plan_.prefix);
    return found != terms.end() && found->starts_with(*plan_.prefix);
  }

  const Query& query_;
  const Plan& plan_;
  const RecordReader& record_;
  const Limits& limits_;
  std::vector<std::unique_ptr<Postings>> streams_;
  bool check_terms_ = false;
  bool check_prefix_ = false;
  std::size_t scanned_ = 0;
  std::size_t bytes_ = 0;  // of the page's records
  bool out_of_budget_ = false;
  Position stopped_;
  std::optional<Position> last_;
  Page page_;
};

}  // namespace

Result<Page> run_search(const Query& query, const TermReader& reader, const RecordReader& record,
                        const Limits& limits) {
  std::optional<Position> after;
  if (!query.cursor.empty()) {
    after = Position::from_cursor(query.cursor);
    if (!after) return Error(Errc::kMalformed, "cursor: not one that this registry gave out");
  }
  STRATA_TRY(const Plan plan, make_plan(query, reader, limits));
  if (plan.nothing) return Page{};
  return Search(query, plan, reader, record, limits).run(after);
}

}  // namespace strata::entries
