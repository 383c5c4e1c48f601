#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rocksdb/write_batch.h>

#include <filesystem>
#include <fstream>

#include "../support/registry_samples.h"
#include "../support/temporary_directory.h"
#include "registry/entries/bytes.h"
#include "registry/entries/database.h"
#include "registry/entries/facts.h"
#include "registry/entries/maintenance.h"
#include "registry/entries/rocksdb_store.h"
#include "registry/entries/term_index.h"

// --check finds what was changed behind the store's back, --rebuild mends it from the documents.
namespace strata::entries {
namespace {

using test::image_of;
using test::kSampleTime;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr UnixMillis kSecond = 1000;

class Maintenance : public testing::Test {
 protected:
  std::string store() const { return folder_.path() + "/entries"; }

  std::string document(const std::string& name, UnixMillis created, bool deprecated = false) {
    auto image = image_of(name, "title " + name);
    image.tags = {"tag-" + name};
    if (deprecated) image.deprecated = "old";
    return test::signed_document(image, endorser_, created);
  }
  // Three images, of which the second has an older entry.
  void fill() {
    const auto opened = open_rocksdb(store(), limits_);
    ASSERT_TRUE(opened) << opened.error().message();
    for (const auto& text :
         {document("one", kSampleTime), document("two", kSampleTime),
          document("two", kSampleTime + kSecond, true), document("three", kSampleTime)}) {
      ASSERT_TRUE((*opened)->insert(test::verified(text)));
    }
  }
  MaintenanceReport check() {
    auto report = check_store(store(), limits_);
    EXPECT_TRUE(report) << report.error().message();
    return report ? *report : MaintenanceReport();
  }
  MaintenanceReport rebuild(Unverified unverified = Unverified::kRefuse) {
    auto report = rebuild_store(store(), limits_, unverified);
    EXPECT_TRUE(report) << report.error().message();
    return report ? *report : MaintenanceReport();
  }
  void damage(const std::function<void(Database&)>& change) {
    const auto database = Database::open(store(), limits_);
    ASSERT_TRUE(database);
    change(**database);
  }
  std::vector<std::string> found(const std::string& words) {
    const auto opened = open_rocksdb(store(), limits_);
    EXPECT_TRUE(opened) << opened.error().message();
    const auto page = (*opened)->search({.text = words, .status = Query::Status::kAll});
    EXPECT_TRUE(page) << page.error().message();
    std::vector<std::string> titles;
    for (const auto& entry : page->entries) titles.push_back(entry.metadata.title);
    return titles;
  }

  test::TemporaryDirectory folder_;
  metadata::Endorser endorser_ = test::sample_endorser();
  Limits limits_;
};

TEST_F(Maintenance, AGoodStoreHasNoProblems) {
  fill();
  const auto report = check();
  EXPECT_EQ(report.entries, 4U);
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST_F(Maintenance, EachDamageIsFoundAndRebuilt) {
  const auto change_terms_of = [](Database& d, std::uint64_t sequence, DocChange change) {
    rocksdb::WriteBatch batch;
    change_terms(batch, d.family(Family::kTerms), {"wtitle"}, sequence, change);
    ASSERT_TRUE(d.db().Write({}, &batch).ok());
  };
  const std::string first = sequence_key(1);
  const std::pair<const char*, std::function<void(Database&)>> damages[] = {
      {"record",
       [&](Database& d) {
         ASSERT_TRUE(d.db().Put({}, d.family(Family::kRecords), first, "nonsense").ok());
       }},
      {"records for",
       [&](Database& d) {
         ASSERT_TRUE(d.db().Delete({}, d.family(Family::kRecords), first).ok());
       }},
      {"facts",
       [&](Database& d) {
         ASSERT_TRUE(d.db().Put({}, d.family(Family::kFacts), first, Fact().encode()).ok());
       }},
      {"never was",
       [&](Database& d) {
         const std::string stray = entry_key({.identifier = image_of("none").identifier,
                                              .endorser = "a@b",
                                              .created = kSampleTime});
         ASSERT_TRUE(d.db().Put({}, d.family(Family::kKeys), stray, sequence_key(1ULL << 62)).ok());
       }},
      {"facts for",
       [&](Database& d) {
         ASSERT_TRUE(
             d.db().Put({}, d.family(Family::kFacts), sequence_key(9), Fact().encode()).ok());
       }},
      {"key",
       [&](Database& d) {
         const auto iterator = d.iterate(Family::kKeys);
         iterator->SeekToFirst();
         ASSERT_TRUE(
             d.db().Put({}, d.family(Family::kKeys), iterator->key(), sequence_key(1)).ok());
       }},
      {"SHA-256",
       [&](Database& d) {
         const auto at = digest_key(image_of("one").identifier);
         ASSERT_TRUE(d.db().Put({}, d.family(Family::kMeta), at, std::string(64, '0')).ok());
       }},
      {"search index", [&](Database& d) { change_terms_of(d, 1, DocChange::kRemove); }},
      {"search index", [&](Database& d) { change_terms_of(d, 2, DocChange::kAdd); }},
  };
  fill();
  for (const auto& [what, change] : damages) {
    damage(change);
    const auto report = check();
    EXPECT_GT(report.problem_count, 0U) << what;
    EXPECT_THAT(testing::PrintToString(report.problems), HasSubstr(what));
    EXPECT_THAT(rebuild().problems, IsEmpty());
    EXPECT_THAT(check().problems, IsEmpty()) << what;
    EXPECT_THAT(found("title"), ElementsAre("title two", "title three", "title one")) << what;
  }
}

TEST_F(Maintenance, ADamagedDocumentIsReportedAndLeftOutWhenThatIsWanted) {
  fill();
  for (const std::uint64_t damaged : {2, 4}) {  // one in the middle, and the last
    damage([&](Database& d) {
      auto bytes = *d.read(Family::kDocuments, sequence_key(damaged));
      (*bytes)[bytes->find("title")] = 'T';
      ASSERT_TRUE(d.db().Put({}, d.family(Family::kDocuments), sequence_key(damaged), *bytes).ok());
    });
  }
  EXPECT_THAT(check().problems, testing::Contains(HasSubstr("entry number 2")));
  const auto refused = rebuild();
  EXPECT_EQ(refused.entries, 2U);
  EXPECT_THAT(refused.problems, ElementsAre(HasSubstr("number 2"), HasSubstr("number 4")));
  EXPECT_FALSE(std::filesystem::exists(store() + ".rebuild"));
  EXPECT_THAT(check().problems, testing::Contains(HasSubstr("entry number 2"))) << "as it was";

  EXPECT_EQ(rebuild(Unverified::kLeaveOut).entries, 2U);
  EXPECT_THAT(check().problems, IsEmpty());
  const auto opened = open_rocksdb(store(), limits_);
  ASSERT_TRUE(opened);
  const auto changes = (*opened)->changes(0, 10);
  ASSERT_TRUE(changes);
  std::vector<std::uint64_t> sequences;
  for (const auto& change : *changes) sequences.push_back(change.sequence);
  EXPECT_THAT(sequences, ElementsAre(1, 3)) << "numbers are kept";
  EXPECT_EQ((*opened)->last_sequence(), 4U);
  const auto more = test::verified(document("four", kSampleTime));
  ASSERT_TRUE((*opened)->insert(more));
  EXPECT_EQ((*opened)->get(more.key())->sequence, 5U) << "and never given twice";
  // What was left out is not lost.
  EXPECT_TRUE(std::filesystem::exists(store() + ".before-rebuild/CURRENT"));
  EXPECT_EQ(rebuild_store(store(), limits_, Unverified::kLeaveOut).error().code(), Errc::kConflict);
}

TEST_F(Maintenance, LimitsThatRefuseAnEntryDoNotLoseIt) {
  fill();
  limits_.metadata_value_bytes_max = 3;  // no title is that short
  const auto report = rebuild();
  EXPECT_EQ(report.entries, 0U);
  EXPECT_EQ(report.problem_count, 4U);
  limits_ = {};
  EXPECT_THAT(check().problems, IsEmpty());
}

TEST_F(Maintenance, AFolderWithoutItsCurrentFileIsNoEmptyStore) {
  fill();
  std::filesystem::rename(store() + "/CURRENT", folder_.path() + "/CURRENT");
  for (const auto code : {check_store(store(), limits_).error().code(),
                          rebuild_store(store(), limits_, Unverified::kRefuse).error().code(),
                          open_rocksdb(store(), limits_).error().code()}) {
    EXPECT_EQ(code, Errc::kCorruptData);
  }
  std::filesystem::rename(folder_.path() + "/CURRENT", store() + "/CURRENT");
  EXPECT_THAT(check().problems, IsEmpty()) << "nothing was removed";
}

TEST_F(Maintenance, AStoreOfANewerFormatIsNotRebuilt) {
  fill();
  damage([](Database& d) {
    ASSERT_TRUE(d.db().Put({}, "format", sequence_key(kFormatVersion + 1)).ok());
  });
  EXPECT_EQ(rebuild_store(store(), limits_, Unverified::kRefuse).error().code(), Errc::kUsage);
}

TEST_F(Maintenance, AStoreBehindALinkIsRebuiltWhereItIs) {
  fill();
  const std::string real = folder_.path() + "/real";
  std::filesystem::rename(store(), real);
  std::filesystem::create_directory_symlink(real, store());
  EXPECT_THAT(rebuild().problems, IsEmpty());
  EXPECT_TRUE(std::filesystem::is_symlink(store()));
  EXPECT_THAT(check().problems, IsEmpty());
}

TEST_F(Maintenance, AStoreInUseIsLeftAlone) {
  fill();
  const auto opened = open_rocksdb(store(), limits_);
  ASSERT_TRUE(opened);
  EXPECT_EQ(check_store(store(), limits_).error().code(), Errc::kConflict);
  EXPECT_EQ(rebuild_store(store(), limits_, Unverified::kRefuse).error().code(), Errc::kConflict);
}

TEST_F(Maintenance, WhereThereIsNoStoreNoneIsMade) {
  EXPECT_EQ(check_store(store(), limits_).error().code(), Errc::kNotFound);
  EXPECT_EQ(rebuild_store(store(), limits_, Unverified::kRefuse).error().code(), Errc::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(store()));
}

TEST_F(Maintenance, WhatAnInterruptedRebuildLeftIsNoHindrance) {
  fill();
  std::filesystem::create_directory(store() + ".rebuild");
  std::ofstream(store() + ".rebuild/CURRENT") << "half";
  EXPECT_THAT(rebuild().problems, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(store() + ".rebuild"));
  EXPECT_THAT(check().problems, IsEmpty());
}

TEST_F(Maintenance, AnIndexOfOtherLimitsIsRefusedUntilItIsRebuilt) {
  fill();
  limits_.index_words_max = 1;
  const auto refused = open_rocksdb(store(), limits_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kUsage);
  EXPECT_THAT(refused.error().detail(), HasSubstr("--rebuild"));
  EXPECT_THAT(rebuild().problems, IsEmpty());
  EXPECT_THAT(found("title"), IsEmpty()) << "one word of each entry: its identifier";
}

// As the program before this format wrote it: documents by the entry's key.
TEST_F(Maintenance, AStoreOfFormat1IsRefusedUntilItIsRebuilt) {
  {
    rocksdb::DB* opened = nullptr;
    rocksdb::Options options;
    options.create_if_missing = true;
    ASSERT_TRUE(rocksdb::DB::Open(options, store(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    ASSERT_TRUE(db->Put({}, "format", sequence_key(1)).ok());
    rocksdb::ColumnFamilyHandle *documents = nullptr, *changes = nullptr, *terms = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "documents", &documents).ok());
    ASSERT_TRUE(db->CreateColumnFamily({}, "changes", &changes).ok());
    ASSERT_TRUE(db->CreateColumnFamily({}, "terms", &terms).ok());
    std::uint64_t sequence = 0;
    for (const auto& text : {document("two", kSampleTime), document("one", kSampleTime)}) {
      const std::string key = entry_key(test::verified(text).key());
      ASSERT_TRUE(db->Put({}, documents, key, text).ok());
      ASSERT_TRUE(db->Put({}, changes, sequence_key(++sequence), key).ok());
    }
    ASSERT_TRUE(db->Put({}, terms, "wtitle" + std::string(17, '\0'), "old").ok());
    for (auto* handle : {documents, changes, terms}) {
      ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    }
  }
  const auto refused = open_rocksdb(store(), limits_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kUsage);
  EXPECT_THAT(refused.error().detail(), HasSubstr("--rebuild"));
  const auto report = rebuild();
  EXPECT_EQ(report.entries, 2U);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(check().problems, IsEmpty());
  EXPECT_THAT(found("title"), ElementsAre("title one", "title two"));
}

}  // namespace
}  // namespace strata::entries
