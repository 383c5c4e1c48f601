#include <atomic>
#include <set>
#include <thread>

#include "entry_store_suite.h"
#include "registry/entries/rocksdb_store.h"

// Insertion, keys, endorsers, tags and changes; entry_store_search_test.cc has the searches.
namespace strata::entries {
namespace {

TEST_P(EntryStoreTest, GivesBackWhatWasInserted) {
  metadata::ImageMetadata image = image_of("content", "Débian 12 <server>");
  image.description = "two\nlines";
  image.creator = "C";
  image.publisher = "P";
  image.format = "qcow2";
  image.compression = "gz";
  image.tags = {"stable", "lts"};
  image.version = "1.2";
  image.os = "Debian";
  image.os_version = "12";
  image.os_arch = "x86_64";
  image.valid = kSampleTime + 86'400 * kSecond;
  image.created = kSampleTime - kSecond;
  image.serial_number = 7;
  image.hypervisors = {"kvm", "xen"};
  image.locations = {"https://images.example/a.qcow2", "pdisk:x"};
  image.stored.push_back({"gzip", digest::digest_of("stored")});
  const std::string document = signed_document(image, endorser_);
  const auto entry = verified(document);
  const auto inserted = store_->insert(entry);
  ASSERT_TRUE(inserted) << inserted.error().message();
  EXPECT_EQ(*inserted, Insertion::kInserted);

  for (int run = 0; run < 2; ++run) {
    const auto found = store_->get(entry.key());
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->key, entry.key());
    EXPECT_EQ(found->metadata, entry.metadata());
    EXPECT_EQ(found->sequence, 1U);
    EXPECT_EQ(found->signature.algorithm, "ecdsa-sha256");
    EXPECT_EQ(found->signature.fingerprint, endorser_.fingerprint());
    EXPECT_EQ(found->signature.subject, entry.signature().subject);
    EXPECT_EQ(found->signature.self_signed, true);
    EXPECT_EQ(store_->document(entry.key()).value_or(""), document);
    EXPECT_EQ(store_->last_sequence(), 1U);
    reopen();
  }
}

TEST_P(EntryStoreTest, KeepsADeprecationWithoutReason) {
  metadata::ImageMetadata image = image_of("content");
  image.deprecated = "";
  const auto found = store_->get(put(image));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->metadata.deprecated.has_value());
}

TEST_P(EntryStoreTest, SaysNotFound) {
  const auto key = put(image_of("content"));
  metadata::EntryKey other = key;
  other.created += kSecond;
  EXPECT_EQ(store_->get(other).error().code(), Errc::kNotFound);
  EXPECT_EQ(store_->document(other).error().code(), Errc::kNotFound);
  EXPECT_EQ(store_->latest(key.identifier, "no@body.example").error().code(), Errc::kNotFound);
  EXPECT_EQ(store_->tagged(key.endorser, "none").error().code(), Errc::kNotFound);
}

TEST_P(EntryStoreTest, TheSameBytesTwiceAreOneEntry) {
  const auto entry = verified(signed_document(image_of("content"), endorser_));
  ASSERT_TRUE(store_->insert(entry));
  const auto again = store_->insert(entry);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, Insertion::kSame);
  EXPECT_EQ(store_->last_sequence(), 1U);
  EXPECT_EQ(search({.now = kSampleTime}).total, 1U);
}

TEST_P(EntryStoreTest, OtherBytesUnderAKeyAreAConflict) {
  const auto key = put(image_of("content", "one"));
  EXPECT_EQ(insert(image_of("content", "two")).error().code(), Errc::kConflict);
  EXPECT_EQ(store_->get(key)->metadata.title, "one");
}

TEST_P(EntryStoreTest, AnEntryMustBeNewerThanTheNewest) {
  put(image_of("content", "one"), kSampleTime);
  EXPECT_EQ(insert(image_of("content"), kSampleTime - kSecond).error().code(), Errc::kNotNewer);
  const auto newer = put(image_of("content", "two"), kSampleTime + kSecond);
  EXPECT_EQ(store_->latest(newer.identifier, newer.endorser)->metadata.title, "two");
  EXPECT_EQ(insert(image_of("content"), kSampleTime).error().code(), Errc::kConflict);
  // Another image or another endorser has a time of its own.
  put(image_of("other"), kSampleTime - kSecond);
  const auto other = sample_endorser("other@images.example");
  EXPECT_TRUE(store_->insert(verified(signed_document(image_of("content"), other, kSampleTime))));
}

// B60: an attacker posts the good old record again to bring a deprecated image back.
TEST_P(EntryStoreTest, AReplayAfterADeprecationIsRefused) {
  const auto old = verified(signed_document(image_of("content", "good"), endorser_));
  ASSERT_TRUE(store_->insert(old));
  metadata::ImageMetadata deprecated = image_of("content", "good");
  deprecated.deprecated = "broken";
  put(deprecated, kSampleTime + kSecond);
  EXPECT_EQ(store_->insert(old).error().code(), Errc::kNotNewer);
  EXPECT_THAT(titles({.now = kSampleTime}), IsEmpty());
}

TEST_P(EntryStoreTest, OneIdentifierHasOneSha256) {
  put(image_of("content"));
  metadata::ImageMetadata forged = image_of("content");
  forged.sha256 = digest::digest_of("something else").sha256;
  const auto other = sample_endorser("other@images.example");
  const auto refused = store_->insert(verified(signed_document(forged, other)));
  EXPECT_EQ(refused.error().code(), Errc::kCollision);
  forged.sha256.reset();  // says nothing, so it contradicts nothing
  EXPECT_TRUE(store_->insert(verified(signed_document(forged, other))));
}

TEST_P(EntryStoreTest, ListsEndorsersAndTags) {
  metadata::ImageMetadata image = image_of("1", "one");
  image.tags = {"b", "a", "with space/slash"};
  put(image);
  put(image_of("2"), kSampleTime + kSecond);
  const auto other = sample_endorser("alpha@images.example");
  ASSERT_TRUE(store_->insert(verified(signed_document(image_of("1"), other))));

  const auto endorsers = store_->endorsers(10);
  ASSERT_TRUE(endorsers);
  ASSERT_THAT(*endorsers, SizeIs(2));
  EXPECT_EQ((*endorsers)[0].email, "alpha@images.example");
  EXPECT_EQ((*endorsers)[1].email, "ops@images.example");
  EXPECT_EQ((*endorsers)[1].subject, endorser_.subject());
  EXPECT_EQ((*endorsers)[1].issuer, endorser_.issuer());
  EXPECT_THAT(*store_->endorsers(1), SizeIs(1));

  EXPECT_THAT(*store_->tags("ops@images.example", 10), ElementsAre("a", "b", "with space/slash"));
  EXPECT_THAT(*store_->tags("alpha@images.example", 10), IsEmpty());
}

TEST_P(EntryStoreTest, ATagStandsForTheNewestEntryThatIsNotDeprecated) {
  metadata::ImageMetadata first = image_of("1", "first");
  first.tags = {"stable"};
  put(first, kSampleTime);
  metadata::ImageMetadata second = image_of("2", "second");
  second.tags = {"stable"};
  put(second, kSampleTime + kSecond);
  EXPECT_EQ(store_->tagged("ops@images.example", "stable")->metadata.title, "second");
  second.deprecated = "broken";
  put(second, kSampleTime + 2 * kSecond);
  EXPECT_EQ(store_->tagged("ops@images.example", "stable")->metadata.title, "first");
}

TEST_P(EntryStoreTest, ChangesComeInOrderOfAcceptance) {
  const auto first = put(image_of("1"), kSampleTime + 9 * kSecond);
  const auto second = put(image_of("2"), kSampleTime);
  reopen();
  const auto third = put(image_of("1"), kSampleTime + 10 * kSecond);
  EXPECT_THAT(*store_->changes(0, 10),
              ElementsAre(Change{1, first}, Change{2, second}, Change{3, third}));
  EXPECT_THAT(*store_->changes(1, 1), ElementsAre(Change{2, second}));
  EXPECT_THAT(*store_->changes(3, 10), IsEmpty());
  EXPECT_THAT(*store_->changes(~std::uint64_t{0}, 10), IsEmpty());
  EXPECT_EQ(store_->get(third)->sequence, 3U);
}

TEST_P(EntryStoreTest, ParallelInsertionsOfOneKeyLeaveOne) {
  std::vector<metadata::VerifiedEntry> rivals;
  for (int i = 0; i < 4; ++i) {
    rivals.push_back(verified(signed_document(image_of("x", std::to_string(i)), endorser_)));
  }
  std::atomic<int> inserted{0};
  std::vector<std::thread> threads;
  for (const auto& rival : rivals) {
    threads.emplace_back([&, this] {
      const auto result = store_->insert(rival);
      if (result) ++inserted;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(inserted, 1);
  EXPECT_EQ(store_->last_sequence(), 1U);
  EXPECT_EQ(search({.now = kSampleTime}).total, 1U);
}

// What waits together is written together: each gets its own answer and number all the same.
TEST_P(EntryStoreTest, ParallelInsertionsOfManyImagesAreEachAnswered) {
  constexpr int kImages = 40;
  constexpr int kThreads = 8;
  std::vector<metadata::VerifiedEntry> entries;  // of each image an older and a newer one
  for (int i = 0; i < kImages; ++i) {
    for (const UnixMillis age : {0, 1}) {
      entries.push_back(verified(signed_document(image_of(std::to_string(i), "image"), endorser_,
                                                 kSampleTime + age * kSecond)));
    }
  }
  std::vector<Result<Insertion>> results(entries.size(), Insertion::kSame);
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, this] {
        for (std::size_t i = next++; i < entries.size(); i = next++) {
          results[i] = store_->insert(entries[i]);
        }
      });
    }
  }
  std::set<metadata::EntryKey> accepted;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool newer = i % 2 == 1;
    if (results[i]) {
      EXPECT_EQ(*results[i], Insertion::kInserted);
      accepted.insert(entries[i].key());
    } else {
      EXPECT_FALSE(newer) << "nothing is newer than it";
      EXPECT_EQ(results[i].error().code(), Errc::kNotNewer);
    }
  }
  reopen();
  EXPECT_EQ(store_->last_sequence(), accepted.size());
  const auto changes = *store_->changes(0, 1000);
  ASSERT_THAT(changes, SizeIs(accepted.size()));
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_EQ(changes[i].sequence, i + 1);
    EXPECT_TRUE(accepted.contains(changes[i].key));
    EXPECT_EQ(store_->get(changes[i].key)->sequence, i + 1);
  }
  const Page page = search({.text = "image", .now = kSampleTime});
  EXPECT_EQ(page.total, static_cast<std::uint64_t>(kImages));
  for (const auto& entry : page.entries) {
    EXPECT_EQ(entry.key.created, kSampleTime + kSecond) << "the newer one is found";
  }
}

TEST_P(EntryStoreTest, OneProcessAtATime) {
  const auto second = GetParam().open(folder_.path() + "/entries", Limits());
  EXPECT_EQ(second.error().code(), Errc::kConflict);
}

INSTANTIATE_TEST_SUITE_P(Stores, EntryStoreTest,
                         testing::Values(Implementation{"rocksdb", &open_rocksdb}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace strata::entries
