#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "../support/registry_samples.h"
#include "../support/temporary_directory.h"
#include "registry/entries/database.h"
#include "registry/entries/facts.h"
#include "registry/entries/inserter.h"
#include "registry/entries/rocksdb_store.h"
#include "registry/entries/words.h"
#include "strata/base/text.h"

// Random entries and random queries against a model that looks through a list.
namespace strata::entries {
namespace {

constexpr UnixMillis kSecond = 1000;
constexpr const char* kWords[] = {"alpha", "alpine", "beta", "bet", "gamma", "12", "al", "zeta"};
constexpr const char* kSystems[] = {"Debian", "debian", "Alpine", ""};

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::string words(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += std::string(i ? " " : "") + kWords[below(8)];
    return text;
  }
  metadata::ImageMetadata image() {
    auto image = test::image_of("content" + std::to_string(below(60)), words(1 + below(3)));
    image.os = kSystems[below(4)];
    image.kind = one_in(3) ? "disk" : "machine";
    if (one_in(3)) image.tags = {words(1)};
    if (one_in(4)) image.deprecated = "";
    if (one_in(3)) image.valid = test::kSampleTime + static_cast<UnixMillis>(below(400)) * kSecond;
    if (one_in(5)) image.locations = {"pdisk:x"};
    return image;
  }
  Query query() {
    Query query;
    query.text = words(below(3));
    if (!query.text.empty() && one_in(2)) query.text.resize(query.text.size() - 1);
    if (one_in(3)) query.filters.emplace_back(Field::kOs, one_in(2) ? "DEBIAN" : "alpine");
    if (one_in(4)) query.filters.emplace_back(Field::kKind, "disk");
    if (one_in(5)) query.filters.emplace_back(Field::kTag, words(1));
    query.status = static_cast<Query::Status>(below(4));
    query.location = static_cast<Query::Location>(below(3));
    query.order = static_cast<Query::Order>(below(2));
    query.now = test::kSampleTime + static_cast<UnixMillis>(below(400)) * kSecond;
    if (one_in(4)) query.created_since = test::kSampleTime + 100 * kSecond;
    query.limit = 1 + below(7);
    return query;
  }

 private:
  std::mt19937 random_;
};

// The contract of Query in its plainest form.
bool matches(const StoredEntry& entry, const Query& query) {
  const auto& image = entry.metadata;
  const Standing standing = standing_of(image, query.now);
  if (query.status != Query::Status::kAll &&
      static_cast<int>(standing) != static_cast<int>(query.status)) {
    return false;
  }
  const bool pdisk = !image.locations.empty();
  if (query.location == Query::Location::kPdisk && !pdisk) return false;
  if (query.location == Query::Location::kWeb && pdisk) return false;
  if (query.created_since && entry.key.created < *query.created_since) return false;
  for (const auto& [field, value] : query.filters) {
    const bool same = field == Field::kOs     ? iequals(image.os, value)
                      : field == Field::kKind ? image.kind == value
                                              : std::ranges::count(image.tags, value) > 0;
    if (!same) return false;
  }
  std::string text = image.title + " " + image.os + " " + image.kind + " " + entry.key.endorser +
                     " " + image.identifier.text();
  for (const auto& tag : image.tags) text += " " + tag;
  for (const auto& location : image.locations) text += " " + location;
  const auto has = split_words(text, Limits());
  const auto wanted = split_words(query.text, Limits());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool last = i + 1 == wanted.size();
    if (std::ranges::none_of(has, [&](const std::string& word) {
          return last ? word.starts_with(wanted[i]) : word == wanted[i];
        })) {
      return false;
    }
  }
  return true;
}

std::vector<std::uint64_t> model_search(const std::vector<StoredEntry>& newest,
                                        const Query& query) {
  std::vector<const StoredEntry*> found;
  for (const auto& entry : newest) {
    if (matches(entry, query)) found.push_back(&entry);
  }
  std::ranges::sort(found, [](const auto* a, const auto* b) {
    return std::pair(a->key.created, a->sequence) > std::pair(b->key.created, b->sequence);
  });
  if (query.order == Query::Order::kOldestFirst) std::ranges::reverse(found);
  std::vector<std::uint64_t> sequences;
  for (const auto* entry : found) sequences.push_back(entry->sequence);
  return sequences;
}

// Follows the pages to the end.
std::vector<std::uint64_t> store_search(const EntryStore& store, Query query,
                                        std::uint64_t expected_total) {
  std::vector<std::uint64_t> sequences;
  for (int pages = 0; pages < 1000; ++pages) {
    const auto page = store.search(query);
    if (!page) {
      ADD_FAILURE() << page.error().message();
      break;
    }
    EXPECT_LE(page->entries.size(), query.limit);
    if (page->total_exact) {
      EXPECT_EQ(page->total, expected_total);
    }
    EXPECT_LE(page->total, expected_total);
    for (const auto& entry : page->entries) sequences.push_back(entry.sequence);
    query.cursor = page->next;
    if (query.cursor.empty()) break;
  }
  return sequences;
}

class Endorsers {
 public:
  metadata::VerifiedEntry entry(Generator& generator, UnixMillis created) {
    const bool other = generator.one_in(4);
    return test::verified(test::signed_document(generator.image(), other ? other_ : ops_, created));
  }

 private:
  metadata::Endorser ops_ = test::sample_endorser();
  metadata::Endorser other_ = test::sample_endorser("other@images.example");
};

using Newest = std::map<std::pair<std::string, std::string>, StoredEntry>;

std::vector<StoredEntry> values_of(const Newest& newest) {
  std::vector<StoredEntry> list;
  for (const auto& [pair, entry] : newest) list.push_back(entry);
  return list;
}

UnixMillis random_created(Generator& generator) {
  return test::kSampleTime + static_cast<UnixMillis>(generator.below(300)) * kSecond;
}

// Accepts random entries; says what the newest ones are.
std::vector<StoredEntry> fill_consecutive(const std::string& folder, Generator& generator,
                                          const Limits& limits) {
  const auto store = open_rocksdb(folder, limits);
  check(store.has_value(), "a test store cannot be opened");
  Endorsers endorsers;
  Newest newest;
  for (int i = 0; i < 200; ++i) {
    const auto created = random_created(generator);
    const auto entry = endorsers.entry(generator, created);
    const auto inserted = (*store)->insert(entry);
    auto& known = newest[{entry.key().identifier.text(), entry.key().endorser}];
    const bool newer = known.sequence == 0 || created > known.key.created;
    EXPECT_EQ(inserted.has_value(), newer);
    if (newer) known = *(*store)->get(entry.key());
  }
  return values_of(newest);
}

// The same with sequence numbers far apart, in the index's chunks 0 to about 30, some of them
// empty, and parts of it in tables on the disk.
std::vector<StoredEntry> fill_many_chunks(const std::string& folder, Generator& generator,
                                          const Limits& limits) {
  const auto database = Database::open(folder, limits);
  check(database.has_value(), "a test store cannot be opened");
  Facts facts;
  Inserter inserter(**database, facts, 0, limits);
  Endorsers endorsers;
  Newest newest;
  std::uint64_t sequence = 0;
  for (int i = 0; i < 200; ++i) {
    const auto created = random_created(generator);
    const auto entry = endorsers.entry(generator, created);
    auto& known = newest[{entry.key().identifier.text(), entry.key().endorser}];
    if (known.sequence != 0 && created <= known.key.created) continue;
    sequence += generator.one_in(20) ? 3 * kChunkDocs : 1 + generator.below(20'000);
    EXPECT_TRUE(inserter.write_as(sequence, PreparedEntry(entry, limits)));
    known = {.key = entry.key(),
             .metadata = entry.metadata(),
             .signature = entry.signature(),
             .sequence = sequence};
    if (i % 50 == 25) {
      EXPECT_TRUE((*database)->flush());
    }
    if (i == 120) {
      EXPECT_TRUE((*database)
                      ->db()
                      .CompactRange({}, (*database)->family(Family::kTerms), nullptr, nullptr)
                      .ok());
    }
  }
  EXPECT_TRUE((*database)->flush());
  return values_of(newest);
}

// How far apart sequence numbers are: the index has a set for each 65 536 of them.
enum class Numbers { kConsecutive, kInManyChunks };

void compare_with_model(const Limits& limits, std::uint32_t seed,
                        Numbers numbers = Numbers::kConsecutive) {
  const test::TemporaryDirectory folder;
  Generator generator(seed);
  const auto list = numbers == Numbers::kConsecutive
                        ? fill_consecutive(folder.path() + "/entries", generator, limits)
                        : fill_many_chunks(folder.path() + "/entries", generator, limits);
  ASSERT_FALSE(list.empty());
  const auto store = open_rocksdb(folder.path() + "/entries", limits);
  ASSERT_TRUE(store);
  for (int i = 0; i < 400; ++i) {
    const Query query = generator.query();
    const auto expected = model_search(list, query);
    ASSERT_EQ(store_search(**store, query, expected.size()), expected)
        << "seed " << seed << ", query " << i << ": '" << query.text << "'";
  }
}

TEST(EntrySearch, AgreesWithTheModel) {
  compare_with_model({}, 1);
}

TEST(EntrySearch, AgreesWithTheModelWhenPrefixesAreNotExpanded) {
  Limits limits;
  limits.search_prefix_words_max = 1;
  compare_with_model(limits, 2);
}

TEST(EntrySearch, AgreesWithTheModelWhenEachPageMayLookAtLittle) {
  Limits limits;
  limits.search_scan_max = 25;
  limits.search_prefix_words_max = 1;
  compare_with_model(limits, 3);
}

TEST(EntrySearch, AgreesWithTheModelOverManyChunks) {
  compare_with_model({}, 4, Numbers::kInManyChunks);
}

TEST(EntrySearch, AgreesWithTheModelOverManyChunksWhenTotalsEndEarly) {
  Limits limits;
  limits.search_total_exact_max = 3;  // chunks that cannot better the page are skipped
  compare_with_model(limits, 5, Numbers::kInManyChunks);
}

TEST(EntrySearch, AgreesWithTheModelOverManyChunksWhenRecordsAreLookedThrough) {
  Limits limits;
  limits.search_prefix_words_max = 1;
  limits.search_scan_max = 200;
  compare_with_model(limits, 6, Numbers::kInManyChunks);
}

}  // namespace
}  // namespace strata::entries
