#include "registry/entries/search.h"

#include <algorithm>
#include <array>

#include "registry/entries/bytes.h"
#include "registry/entries/search_plan.h"
#include "registry/entries/words.h"
#include "strata/base/text.h"

namespace strata::entries {
namespace {

// Reading a record and finding its terms, in steps through the index.
constexpr std::size_t kRecordCost = 20;
constexpr std::size_t kRecordsAtOnce = 32;
constexpr std::size_t kCursorBytes = 16;

// Documents that have all of some terms, chunk by chunk.
class Matches {
 public:
  Matches(const std::vector<std::string>& terms,
          const std::optional<std::map<std::uint32_t, DocSet>>& prefixed, const TermReader& reader,
          bool newest_first)
      : prefixed_(prefixed), newest_first_(newest_first) {
    for (const std::string& term : terms) cursors_.push_back(reader.term(term, newest_first));
    if (cursors_.empty()) {
      // With a prefix alone, any entry: all have this term.
      cursors_.push_back(reader.term(std::string(1, kAllTerm), newest_first));
    }
  }

  // Calls visit(chunk, docs) with each chunk that has any; `skip(chunk)` says which need not be
  // read.
  template <typename Skip, typename Visit>
  Status each(const Skip& skip, const Visit& visit) {
    DocSet docs;
    while (align()) {
      const std::uint32_t chunk = cursors_.front().chunk();
      if (!skip(chunk) && intersect(chunk, docs)) visit(chunk, docs);
      cursors_.front().next();
    }
    for (const TermCursor& cursor : cursors_) {
      if (!cursor.valid() && !cursor.status()) return cursor.status();
    }
    return {};
  }

 private:
  // Moves all cursors to the next chunk that they share; false at the end of any.
  bool align() {
    while (true) {
      if (!cursors_.front().valid()) return false;
      std::uint32_t target = cursors_.front().chunk();
      for (TermCursor& cursor : cursors_) {
        cursor.seek(target);
        if (!cursor.valid()) return false;
        target = cursor.chunk();
      }
      if (target == cursors_.front().chunk()) return true;
      cursors_.front().seek(target);
    }
  }

  bool intersect(std::uint32_t chunk, DocSet& docs) {
    const DocSet* prefixed = nullptr;
    if (prefixed_) {
      const auto found = prefixed_->find(chunk);
      if (found == prefixed_->end()) return false;
      prefixed = &found->second;
    }
    order_.clear();
    for (const TermCursor& cursor : cursors_) order_.push_back(&cursor.docs());
    std::sort(order_.begin(), order_.end(), [](const EncodedDocs* a, const EncodedDocs* b) {
      return a->size_hint() < b->size_hint();
    });
    docs.assign(*order_.front());
    for (std::size_t i = 1; i < order_.size() && !docs.empty(); ++i) docs.intersect(*order_[i]);
    if (prefixed != nullptr) docs.intersect(*prefixed);
    return !docs.empty();
  }

  const std::optional<std::map<std::uint32_t, DocSet>>& prefixed_;
  bool newest_first_;
  std::vector<TermCursor> cursors_;
  std::vector<const EncodedDocs*> order_;
};

class Search {
 public:
  Search(const Query& query, const Plan& plan, const SearchIndex& index,
         std::optional<Position> after)
      : query_(query), plan_(plan), index_(index), after_(after) {}

  Result<Page> run() {
    const bool history = query_.created.has_value();
    const bool unlisted = plan_.prefix && !plan_.prefixed;
    const std::vector<std::string> terms =
        history ? std::vector<std::string>{created_term(*query_.created)} : plan_.terms;
    Status status = history || unlisted ? look_through(terms) : take_best(terms);
    if (!status) return status.error();
    if (page_.total > index_.limits.search_total_exact_max) {
      page_.total = index_.limits.search_total_exact_max;
      page_.total_exact = false;
    }
    return std::move(page_);
  }

 private:
  [[nodiscard]] bool newest_first() const { return query_.order == Query::Order::kNewestFirst; }
  [[nodiscard]] bool before(const Position& a, const Position& b) const {
    return newest_first() ? a > b : a < b;
  }
  [[nodiscard]] auto in_order() const {
    return [this](const Position& a, const Position& b) { return before(a, b); };
  }

  // The index answers: counts every match, keeps the first ones behind the cursor and one more.
  Status take_best(const std::vector<std::string>& terms) {
    const std::size_t wanted = query_.limit + 1;
    std::vector<Position> best;  // a heap, the last one in front
    const auto hopeless = [&](const Facts::Span& span) {
      if (query_.created_since &&
          static_cast<UnixMillis>(span.newest) * 1000 < *query_.created_since) {
        return true;
      }
      if (page_.total <= index_.limits.search_total_exact_max) return false;
      // Enough are counted: only what can hold better ones matters.
      const std::uint64_t last = newest_first() ? span.oldest : span.newest;
      if (after_ && (newest_first() ? last > after_->created : last < after_->created)) return true;
      if (best.size() < wanted) return false;
      const std::uint64_t first = newest_first() ? span.newest : span.oldest;
      const std::uint64_t worst = best.front().created;
      return newest_first() ? first < worst : first > worst;
    };
    const auto skip = [&](std::uint32_t chunk) { return hopeless(index_.facts.span(chunk)); };
    const auto visit = [&](std::uint32_t chunk, const DocSet& docs) {
      const Facts::View facts = index_.facts.view(chunk);
      // The hits of one block: their facts are on the way to the processor when they are asked for.
      std::vector<Doc>& block = block_;
      const auto take_block = [&] {
        for (const Doc doc : block) {
          const Fact fact = facts.at(doc);
          if (!fact.matches(query_)) continue;
          ++page_.total;
          const Position at{fact.created, sequence_of(chunk, doc)};
          if (!after_ || before(*after_, at)) keep_best(best, at, wanted);
        }
        block.clear();
      };
      // The best ones first, so that most others are refused by one comparison.
      docs.each(
          !newest_first(),
          [&](Doc doc) {
            facts.prefetch(doc);
            block.push_back(doc);
          },
          [&](std::size_t next) {
            take_block();
            return hopeless(index_.facts.span(chunk, next));
          });
      take_block();
    };
    Matches matches(terms, plan_.prefixed, index_.terms, newest_first());
    if (Status status = matches.each(skip, visit); !status) return status;
    std::sort_heap(best.begin(), best.end(), in_order());
    return read_page(best);
  }

  // `best` is a heap of the first `count` positions, the last of them in front.
  void keep_best(std::vector<Position>& best, const Position& at, std::size_t count) const {
    if (best.size() == count) {
      if (!before(at, best.front())) return;
      std::pop_heap(best.begin(), best.end(), in_order());
      best.pop_back();
    }
    best.push_back(at);
    std::push_heap(best.begin(), best.end(), in_order());
  }

  Status read_page(const std::vector<Position>& found) {
    page_.entries.reserve(std::min(found.size(), query_.limit));
    for (std::size_t at = 0; at < found.size();) {
      std::vector<std::uint64_t> sequences;
      while (at + sequences.size() < found.size() && sequences.size() < kRecordsAtOnce) {
        if (page_.entries.size() + sequences.size() == query_.limit) break;
        sequences.push_back(found[at + sequences.size()].sequence);
      }
      if (full()) {
        page_.next = found[at - 1].cursor();
        break;
      }
      STRATA_TRY(auto entries, index_.records(sequences));
      for (ReadEntry& entry : entries) {
        if (full()) break;
        keep(std::move(entry));
        ++at;
      }
    }
    return {};
  }

  // An entry may be as long as a document: a page of them is bounded by its bytes too.
  [[nodiscard]] bool full() const {
    return page_.entries.size() == query_.limit || bytes_ >= index_.limits.list_bytes_max;
  }

  void keep(ReadEntry read) {
    bytes_ += read.bytes;
    page_.entries.push_back(std::move(read.entry));
  }

  // The index does not answer all of the query: candidates are read one by one, in order, as many
  // as limits.search_scan_max allows.
  Status look_through(const std::vector<std::string>& terms) {
    const std::size_t budget =
        std::max<std::size_t>(1, index_.limits.search_scan_max / kRecordCost);
    std::size_t count = 0;
    Status status = each_candidate(terms, [&](const Position&) { ++count; });
    if (!status) return status;
    const bool few = count <= budget;
    // All of them; or, where they are too many, the first ones behind the cursor and one more.
    std::vector<Position> candidates;
    status = each_candidate(terms, [&](const Position& at) {
      if (few) {
        candidates.push_back(at);
      } else if (!after_ || before(*after_, at)) {
        keep_best(candidates, at, budget + 1);
      }
    });
    if (!status) return status;
    std::sort(candidates.begin(), candidates.end(), in_order());
    auto first = candidates.begin();
    if (few && after_) {
      first = std::upper_bound(candidates.begin(), candidates.end(), *after_, in_order());
    }
    page_.total_exact = few;
    // What earlier pages showed counts too.
    for (auto at = candidates.begin(); at != first;) {
      STRATA_TRY(const auto found, holding(at, first));
      page_.total += found.size();
    }
    const auto end =
        few ? candidates.end() : candidates.begin() + std::min(candidates.size(), budget);
    for (auto at = first; at != end;) {
      STRATA_TRY(auto found, holding(at, end));
      for (auto& [position, read] : found) {
        ++page_.total;
        if (!page_.next.empty()) continue;
        if (full()) {
          page_.next = last_.cursor();
        } else {
          last_ = position;
          keep(std::move(read));
        }
      }
    }
    // The page ends where the looking did; the next one goes on from there.
    if (end != candidates.end() && page_.next.empty()) page_.next = std::prev(end)->cursor();
    return {};
  }

  template <typename Visit>
  Status each_candidate(const std::vector<std::string>& terms, const Visit& visit) {
    Matches matches(terms, plan_.prefixed, index_.terms, newest_first());
    return matches.each([](std::uint32_t) { return false; },
                        [&](std::uint32_t chunk, const DocSet& docs) {
                          docs.each([&](Doc doc) {
                            const std::uint64_t sequence = sequence_of(chunk, doc);
                            const Fact fact = index_.facts.at(sequence);
                            if (fact.matches(query_)) visit(Position{fact.created, sequence});
                          });
                        });
  }

  // Reads the next ones and takes those that hold; moves `at` behind what was read.
  template <typename Iterator>
  Result<std::vector<std::pair<Position, ReadEntry>>> holding(Iterator& at, Iterator end) {
    std::vector<Position> positions;
    std::vector<std::uint64_t> sequences;
    for (; at != end && positions.size() < kRecordsAtOnce; ++at) {
      positions.push_back(*at);
      sequences.push_back(at->sequence);
    }
    STRATA_TRY(auto entries, index_.records(sequences));
    std::vector<std::pair<Position, ReadEntry>> found;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (holds(entries[i].entry)) found.emplace_back(positions[i], std::move(entries[i]));
    }
    return found;
  }

  // Whether the entry's terms are those of the query.
  bool holds(const StoredEntry& entry) const {
    const std::set<std::string> terms = terms_of(entry, index_.limits);
    const bool all = std::all_of(plan_.terms.begin(), plan_.terms.end(),
                                 [&](const auto& term) { return terms.contains(term); });
    if (!all || !plan_.prefix) return all;
    const auto found = terms.lower_bound(*plan_.prefix);
    return found != terms.end() && found->starts_with(*plan_.prefix);
  }

  const Query& query_;
  const Plan& plan_;
  const SearchIndex& index_;
  const std::optional<Position> after_;
  std::vector<Doc> block_;  // kept for its memory
  std::size_t bytes_ = 0;   // of the page's records
  Position last_;           // of the page, while records are looked through
  Page page_;
};

}  // namespace

std::optional<Position> Position::from_cursor(std::string_view cursor) {
  std::array<std::uint8_t, kCursorBytes> bytes;
  if (!from_hex(cursor, bytes)) return std::nullopt;
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Position position;
  position.created = *take_u64(rest);
  position.sequence = *take_u64(rest);
  return position;
}

std::string Position::cursor() const {
  std::string bytes;
  append_u64(bytes, created);
  append_u64(bytes, sequence);
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string cursor_behind(const StoredEntry& entry) {
  return Position{static_cast<std::uint64_t>(entry.key.created / 1000), entry.sequence}.cursor();
}

Result<Page> run_search(const Query& query, const SearchIndex& index) {
  std::optional<Position> after;
  if (!query.cursor.empty()) {
    after = Position::from_cursor(query.cursor);
    if (!after) return Error(Errc::kMalformed, "cursor: not one that this registry gave out");
  }
  STRATA_TRY(const Plan plan, make_plan(query, index.terms, index.limits));
  if (plan.nothing) return Page{};
  return Search(query, plan, index, after).run();
}

Result<std::optional<Position>> newest_of(std::string_view term, const SearchIndex& index,
                                          const std::function<bool(const Fact&)>& wanted) {
  std::optional<Position> newest;
  const std::optional<std::map<std::uint32_t, DocSet>> any;
  Matches matches({std::string(term)}, any, index.terms, true);
  Status status = matches.each([](std::uint32_t) { return false; },
                               [&](std::uint32_t chunk, const DocSet& docs) {
                                 docs.each([&](Doc doc) {
                                   const std::uint64_t sequence = sequence_of(chunk, doc);
                                   const Fact fact = index.facts.at(sequence);
                                   if (!wanted(fact)) return;
                                   const Position at{fact.created, sequence};
                                   if (!newest || at > *newest) newest = at;
                                 });
                               });
  if (!status) return status.error();
  return newest;
}

}  // namespace strata::entries
