#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "../support/temporary_directory.h"
#include "registry/entries/database.h"
#include "registry/entries/doc_set.h"
#include "registry/entries/term_index.h"

// Sets of documents and the index made of them against std::set.
namespace strata::entries {
namespace {

using Model = std::set<std::uint32_t>;

class Random {
 public:
  explicit Random(std::uint32_t seed) : random_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  // Empty, sparse, dense, full or one run.
  Model set() {
    Model model;
    switch (below(5)) {
      case 0:
        return model;
      case 1:
        for (std::uint32_t i = below(50); i > 0; --i) model.insert(below(kChunkDocs));
        return model;
      case 2:
        for (std::uint32_t doc = below(20); doc < kChunkDocs; doc += 1 + below(20)) {
          model.insert(doc);
        }
        return model;
      case 3:
        for (std::uint32_t doc = 0; doc < kChunkDocs; ++doc) model.insert(doc);
        return model;
      default: {
        // Sizes around the one at which an array becomes a bitmap.
        const std::uint32_t size = kArrayDocsMax - 2 + below(5);
        const std::uint32_t first = below(kChunkDocs - size);
        for (std::uint32_t doc = first; doc < first + size; ++doc) model.insert(doc);
        return model;
      }
    }
  }

 private:
  std::mt19937 random_;
};

std::string encoded(const Model& model) {
  DocSet docs;
  for (const auto doc : model) docs.add(static_cast<Doc>(doc));
  return docs.encode();
}

Model members(const DocSet& docs) {
  Model model;
  docs.each([&](Doc doc) { model.insert(model.end(), doc); });
  return model;
}

TEST(DocSetProperty, AgreesWithStdSet) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    const Model a = random.set(), b = random.set();
    const std::string bytes_a = encoded(a), bytes_b = encoded(b);
    const auto set_a = EncodedDocs::from(bytes_a), set_b = EncodedDocs::from(bytes_b);
    ASSERT_TRUE(set_a && set_b);
    EXPECT_EQ(set_a->empty(), a.empty());
    EXPECT_EQ(set_a->is_bitmap(), a.size() > kArrayDocsMax);

    DocSet docs;
    docs.assign(*set_a);
    ASSERT_EQ(members(docs), a);
    EXPECT_EQ(docs.encode(), bytes_a);
    docs.intersect(*set_b);
    Model both;
    std::ranges::set_intersection(a, b, std::inserter(both, both.end()));
    ASSERT_EQ(members(docs), both);
    EXPECT_EQ(docs.empty(), both.empty());

    std::vector<Doc> walked;
    const bool ascending = round % 2 == 0;
    docs.assign(*set_a);
    docs.each(
        ascending, [&](Doc doc) { walked.push_back(doc); },
        [](std::size_t block) { return block % 3 == 1; });
    std::vector<Doc> expected;
    for (const auto doc : a) {
      if (doc / kBlockDocs % 3 != 1) expected.push_back(static_cast<Doc>(doc));
    }
    if (!ascending) std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(walked, expected);

    DocSet other;
    other.assign(*set_b);
    docs.assign(*set_a);
    docs.intersect(other);
    ASSERT_EQ(members(docs), both);

    docs.assign(*set_a);
    docs.unite(*set_b);
    Model either = a;
    either.insert(b.begin(), b.end());
    ASSERT_EQ(members(docs), either);

    for (const auto doc : b) docs.remove(static_cast<Doc>(doc));
    Model rest;
    std::ranges::set_difference(a, b, std::inserter(rest, rest.end()));
    ASSERT_EQ(members(docs), rest);
    EXPECT_EQ(docs.encode(), encoded(rest)) << "one set has one form";
  }
}

TEST(DocSetProperty, JoinedChangesAreTheSameChanges) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    Model model = random.set();
    DocSet docs;
    const std::string begin = encoded(model);
    docs.assign(*EncodedDocs::from(begin));
    // Parts of any length, some of them joined, and joined again.
    std::string changes;
    const std::uint32_t range = random.below(2) == 0 ? 100 : kChunkDocs;
    for (int part = 0; part < 4; ++part) {
      std::string some;
      for (std::uint32_t i = random.below(random.below(2) == 0 ? 30 : 6000); i > 0; --i) {
        const auto doc = static_cast<Doc>(random.below(range));
        const bool adds = random.below(3) != 0;
        some += encode_change(adds ? DocChange::kAdd : DocChange::kRemove, doc);
        if (adds) {
          model.insert(doc);
        } else {
          model.erase(doc);
        }
      }
      if (random.below(2) == 0) some = join_changes(some).value();
      changes += some;
      if (random.below(4) == 0) changes = join_changes(changes).value();
    }
    ASSERT_TRUE(docs.apply(changes));
    ASSERT_EQ(members(docs), model) << round;
  }
}

TEST(DocSetProperty, DamagedChangesAreRefused) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += encode_change(DocChange::kAdd, static_cast<Doc>(i));
  const std::string joined = join_changes(many).value();
  EXPECT_LT(joined.size(), many.size());
  for (std::size_t size = 1; size < joined.size(); ++size) {
    EXPECT_FALSE(DocSet().apply(joined.substr(0, size))) << size;
  }
  EXPECT_FALSE(DocSet().apply("*ab"));
  EXPECT_FALSE(DocSet().apply("+a"));
  EXPECT_FALSE(join_changes(many + "+a"));
  // Sizes that add up to more than there is.
  EXPECT_FALSE(DocSet().apply(std::string("s\xff\xff\xff\xff\xff\xff\xff\xff", 9)));
}

TEST(DocSetProperty, DamagedBytesAreNoSet) {
  EXPECT_FALSE(EncodedDocs::from("a\x01"));
  EXPECT_FALSE(EncodedDocs::from("b"));
  EXPECT_FALSE(EncodedDocs::from("b" + std::string(8191, 'x')));
  EXPECT_FALSE(EncodedDocs::from("x"));
  EXPECT_FALSE(EncodedDocs::from("a" + std::string(2 * kArrayDocsMax + 2, 'x')));
}

class Index {
 public:
  explicit Index(const std::string& folder) {
    auto opened = Database::open(folder, Limits());
    check(opened.has_value(), "a test database");
    database_ = std::move(*opened);
  }
  rocksdb::DB& db() { return database_->db(); }
  rocksdb::ColumnFamilyHandle* family() { return database_->family(Family::kTerms); }
  void flush() { check(database_->flush().has_value(), "a test flush"); }
  void change(const std::string& term, std::uint64_t sequence, DocChange change) {
    rocksdb::WriteBatch batch;
    change_terms(batch, family(), {term}, sequence, change);
    check(db().Write({}, &batch).ok(), "a test write");
  }
  Model read(const std::string& term, bool newest_first) {
    Model model;
    std::vector<std::uint32_t> chunks;
    TermCursor cursor(db(), family(), nullptr, term, newest_first);
    for (; cursor.valid(); cursor.next()) {
      chunks.push_back(cursor.chunk());
      DocSet docs;
      docs.assign(cursor.docs());
      docs.each([&](Doc doc) {
        model.insert(static_cast<std::uint32_t>(sequence_of(cursor.chunk(), doc)));
      });
    }
    EXPECT_TRUE(cursor.status());
    if (newest_first) std::ranges::reverse(chunks);
    EXPECT_TRUE(std::ranges::is_sorted(chunks));
    return model;
  }

 private:
  std::unique_ptr<Database> database_;
};

TEST(TermIndexProperty, AgreesWithAMapOfSets) {
  const test::TemporaryDirectory folder;
  auto index = std::make_unique<Index>(folder.path());
  Random random(2);
  std::map<std::string, Model> model;
  const std::string terms[] = {"wa", "wab", "wb", "a"};
  for (int step = 0; step < 60'000; ++step) {
    const std::string& term = terms[random.below(4)];
    const std::uint32_t sequence = random.below(4) * 65'000 + random.below(1000);
    if (random.below(5) < 3) {
      index->change(term, sequence, DocChange::kAdd);
      model[term].insert(sequence);
    } else {
      index->change(term, sequence, DocChange::kRemove);
      model[term].erase(sequence);
    }
    if (step % 1000 == 500) index->flush();
    if (step % 10'000 == 5000) {
      ASSERT_TRUE(index->db().CompactRange({}, index->family(), nullptr, nullptr).ok());
    }
    if (step % 20'000 == 15'000) {
      index.reset();
      index = std::make_unique<Index>(folder.path());
    }
    if (step % 2500 != 0) continue;
    for (const auto& one : terms) {
      ASSERT_EQ(index->read(one, true), model[one]) << step;
      ASSERT_EQ(index->read(one, false), model[one]) << step;
    }
  }
  // Seeking lands on the chunk, or on the next one that there is.
  for (const bool newest_first : {true, false}) {
    for (std::uint32_t wanted = 0; wanted < 5; ++wanted) {
      TermCursor cursor(index->db(), index->family(), nullptr, "wa", newest_first);
      const std::uint32_t begin = cursor.chunk();
      cursor.seek(wanted);
      std::set<std::uint32_t> chunks;
      for (const auto sequence : model["wa"]) chunks.insert(chunk_of(sequence));
      if (newest_first) {
        auto expected = chunks.upper_bound(std::min(wanted, begin));
        ASSERT_EQ(cursor.valid(), expected != chunks.begin());
        if (cursor.valid()) {
          EXPECT_EQ(cursor.chunk(), *std::prev(expected));
        }
      } else {
        const auto expected = chunks.lower_bound(std::max(wanted, begin));
        ASSERT_EQ(cursor.valid(), expected != chunks.end());
        if (cursor.valid()) {
          EXPECT_EQ(cursor.chunk(), *expected);
        }
      }
    }
  }
  // A term that has nothing left is not listed.
  for (const auto sequence : model["wab"]) index->change("wab", sequence, DocChange::kRemove);
  std::vector<std::string> listed;
  const TermReader reader{index->db(), index->family(), nullptr};
  ASSERT_TRUE(reader.each("w", [&](std::string_view term, std::uint32_t, const EncodedDocs&) {
    listed.emplace_back(term);
    return TermReader::Next::kTerm;
  }));
  EXPECT_EQ(listed, (std::vector<std::string>{"wa", "wb"}));
}

}  // namespace
}  // namespace strata::entries
