#include "registry/entries/entry_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "../support/registry_samples.h"
#include "../support/temporary_directory.h"
#include "registry/entries/rocksdb_store.h"

// What every EntryStore does. An implementation is a way to open a store in a folder; opening the
// folder again finds what was there.
namespace strata::entries {
namespace {

using test::image_of;
using test::kSampleTime;
using test::sample_endorser;
using test::signed_document;
using test::verified;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr UnixMillis kSecond = 1000;

using Open = Result<std::unique_ptr<EntryStore>> (*)(const std::string&, const Limits&);

struct Implementation {
  const char* name;
  Open open;
};

class EntryStoreTest : public testing::TestWithParam<Implementation> {
 protected:
  EntryStoreTest() { reopen(); }

  void reopen(const Limits& limits = {}) {
    store_.reset();
    auto opened = GetParam().open(folder_.path() + "/entries", limits);
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }
  Result<Insertion> insert(const metadata::ImageMetadata& image, UnixMillis created = kSampleTime) {
    return store_->insert(verified(signed_document(image, endorser_, created)));
  }
  // Inserts and says what the key is.
  metadata::EntryKey put(const metadata::ImageMetadata& image, UnixMillis created = kSampleTime) {
    const auto entry = verified(signed_document(image, endorser_, created));
    const auto inserted = store_->insert(entry);
    EXPECT_TRUE(inserted) << inserted.error().message();
    return entry.key();
  }
  Page search(const Query& query) {
    auto page = store_->search(query);
    EXPECT_TRUE(page) << page.error().message();
    return page ? std::move(*page) : Page();
  }
  std::vector<std::string> titles(const Query& query) {
    std::vector<std::string> titles;
    for (const auto& entry : search(query).entries) titles.push_back(entry.metadata.title);
    return titles;
  }
  std::vector<std::string> titles_of_words(const std::string& text) {
    Query query;
    query.now = kSampleTime;
    query.text = text;
    return titles(query);
  }
  std::vector<std::string> titles_where(Field field, const std::string& value) {
    Query query;
    query.now = kSampleTime;
    query.filters = {{field, value}};
    return titles(query);
  }

  test::TemporaryDirectory folder_;
  metadata::Endorser endorser_ = sample_endorser();
  std::unique_ptr<EntryStore> store_;
};

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

TEST_P(EntryStoreTest, AllWordsMustMatchAndTheLastOneMayBeUnfinished) {
  metadata::ImageMetadata debian = image_of("1", "Debian server");
  debian.description = "with a web-server";
  debian.os = "Debian";
  debian.tags = {"bookworm"};
  debian.locations = {"https://x.example/dir/nightly%20build.img?x=1"};
  debian.publisher = "Acme";
  put(debian);
  put(image_of("2", "Ubuntu server"), kSampleTime + kSecond);
  put(image_of("3", "ÜBUNTU"), kSampleTime + 2 * kSecond);

  EXPECT_THAT(titles_of_words("server"), ElementsAre("Ubuntu server", "Debian server"));
  EXPECT_THAT(titles_of_words("SERVER debian"), ElementsAre("Debian server"));
  EXPECT_THAT(titles_of_words("debian serv"), ElementsAre("Debian server"));
  EXPECT_THAT(titles_of_words("serv debian"), IsEmpty());  // only the last word is a prefix
  EXPECT_THAT(titles_of_words("web"), ElementsAre("Debian server"));
  EXPECT_THAT(titles_of_words("bookworm"), ElementsAre("Debian server"));
  EXPECT_THAT(titles_of_words("nightly build"), ElementsAre("Debian server"));
  EXPECT_THAT(titles_of_words("acme"), ElementsAre("Debian server"));
  EXPECT_THAT(titles_of_words(debian.identifier.text().substr(0, 9)), SizeIs(1));
  EXPECT_THAT(titles_of_words("übuntu"), IsEmpty());  // ASCII letters only lose their case
  EXPECT_THAT(titles_of_words("ÜBUNTU"), ElementsAre("ÜBUNTU"));
  EXPECT_THAT(titles_of_words("nothing"), IsEmpty());
  EXPECT_THAT(titles_of_words("-- !"), IsEmpty());  // asked for, but no word
  EXPECT_THAT(titles_of_words(" "), SizeIs(3));
}

TEST_P(EntryStoreTest, APrefixOfManyWordsFindsAll) {
  Limits limits;
  limits.search_prefix_words_max = 3;
  reopen(limits);
  for (int i = 0; i < 8; ++i) {
    put(image_of("p" + std::to_string(i), "prefix" + std::to_string(i)), kSampleTime + i * kSecond);
  }
  put(image_of("q", "unrelated"));
  EXPECT_THAT(titles_of_words("prefix"), SizeIs(8));
  EXPECT_THAT(titles_of_words("prefix3"), ElementsAre("prefix3"));
}

TEST_P(EntryStoreTest, FieldsCompareWhole) {
  metadata::ImageMetadata image = image_of("1", "one");
  image.os = "CentOS";
  image.os_version = "7";
  image.os_arch = "x86_64";
  image.format = "qcow2";
  image.tags = {"Stable"};
  image.stored.push_back({"xz", digest::digest_of("as sent")});
  put(image);
  metadata::ImageMetadata second = image_of("2", "two");
  second.kind = "disk";
  second.os = "CentOS Stream";
  put(second, kSampleTime + kSecond);

  EXPECT_THAT(titles_where(Field::kOs, "centos"), ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kOs, "centos stream"), ElementsAre("two"));
  EXPECT_THAT(titles_where(Field::kOsVersion, "7"), ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kArch, "X86_64"), ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kKind, "disk"), ElementsAre("two"));
  EXPECT_THAT(titles_where(Field::kFormat, "qcow2"), ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kTag, "Stable"), ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kTag, "stable"), IsEmpty());
  EXPECT_THAT(titles_where(Field::kEndorser, "ops@images.example"), ElementsAre("two", "one"));
  EXPECT_THAT(titles_where(Field::kEndorser, "Ops@images.example"), IsEmpty());
  EXPECT_THAT(titles_where(Field::kIdentifier, image.identifier.text()), ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kSha1, image.sha1.hex()), ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kSha256, image.sha256->hex()), ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kSha256, digest::digest_of("as sent").sha256.hex()),
              ElementsAre("one"));
  EXPECT_THAT(titles_where(Field::kOs, std::string("centos\0", 7)), IsEmpty());
  EXPECT_THAT(titles_where(Field::kOs, std::string(100'000, 'a')), IsEmpty());

  Query both;
  both.now = kSampleTime;
  both.filters = {{Field::kOs, "centos"}, {Field::kKind, "disk"}};
  EXPECT_THAT(titles(both), IsEmpty());
}

TEST_P(EntryStoreTest, StatusIsJudgedAtATime) {
  metadata::ImageMetadata expiring = image_of("1", "expiring");
  expiring.valid = kSampleTime + 10 * kSecond;
  put(expiring);
  metadata::ImageMetadata deprecated = image_of("2", "deprecated");
  deprecated.valid = kSampleTime + 10 * kSecond;
  deprecated.deprecated = "old";
  put(deprecated);
  put(image_of("3", "for ever"));

  const auto at = [&](UnixMillis now, Query::Status status) {
    Query query;
    query.now = now;
    query.status = status;
    auto found = titles(query);
    std::sort(found.begin(), found.end());
    return found;
  };
  EXPECT_THAT(at(kSampleTime, Query::Status::kValid), ElementsAre("expiring", "for ever"));
  EXPECT_THAT(at(kSampleTime, Query::Status::kExpired), IsEmpty());
  const UnixMillis later = kSampleTime + 10 * kSecond;
  EXPECT_THAT(at(later, Query::Status::kValid), ElementsAre("for ever"));
  EXPECT_THAT(at(later, Query::Status::kExpired), ElementsAre("expiring"));
  EXPECT_THAT(at(later, Query::Status::kDeprecated), ElementsAre("deprecated"));
  EXPECT_THAT(at(later, Query::Status::kAll), SizeIs(3));
}

TEST_P(EntryStoreTest, LocationsAreToldApart) {
  put(image_of("1", "none"));
  metadata::ImageMetadata web = image_of("2", "web");
  web.locations = {"HTTPS://x.example/a"};
  put(web);
  metadata::ImageMetadata pdisk = image_of("3", "pdisk");
  pdisk.locations = {"pdisk:host:1/x"};
  put(pdisk);
  Query query;
  query.now = kSampleTime;
  query.location = Query::Location::kPdisk;
  EXPECT_THAT(titles(query), ElementsAre("pdisk"));
  query.location = Query::Location::kWeb;
  EXPECT_THAT(titles(query), testing::UnorderedElementsAre("none", "web"));
}

TEST_P(EntryStoreTest, ANewerEntryHidesTheOlderOneFromSearchesButNotFromItsDate) {
  metadata::ImageMetadata first = image_of("content", "first");
  first.tags = {"old"};
  const auto key = put(first, kSampleTime);
  put(image_of("content", "second"), kSampleTime + kSecond);
  EXPECT_THAT(titles({.now = kSampleTime}), ElementsAre("second"));
  EXPECT_THAT(titles_of_words("first"), IsEmpty());
  EXPECT_THAT(titles_where(Field::kTag, "old"), IsEmpty());

  Query dated;
  dated.now = kSampleTime;
  dated.created = kSampleTime;
  EXPECT_THAT(titles(dated), ElementsAre("first"));
  dated.filters = {{Field::kEndorser, key.endorser}};
  EXPECT_THAT(titles(dated), ElementsAre("first"));
  dated.filters = {{Field::kEndorser, "other@images.example"}};
  EXPECT_THAT(titles(dated), IsEmpty());
  dated.filters = {};
  dated.created = kSampleTime + 5 * kSecond;
  EXPECT_THAT(titles(dated), IsEmpty());
}

TEST_P(EntryStoreTest, PagesAreCompleteInBothOrders) {
  constexpr int kEntries = 25;
  for (int i = 0; i < kEntries; ++i) {
    // Two entries share each second: the order of acceptance decides between them.
    metadata::ImageMetadata image = image_of(std::to_string(i), std::to_string(i));
    image.os = i % 2 == 0 ? "even" : "odd";
    put(image, kSampleTime + (i / 2) * kSecond);
  }
  for (const auto order : {Query::Order::kNewestFirst, Query::Order::kOldestFirst}) {
    std::vector<std::string> all;
    Query query;
    query.now = kSampleTime;
    query.order = order;
    query.limit = 10;
    int pages = 0;
    do {
      const Page page = search(query);
      EXPECT_EQ(page.total, static_cast<std::uint64_t>(kEntries));
      EXPECT_TRUE(page.total_exact);
      for (const auto& entry : page.entries) all.push_back(entry.metadata.title);
      query.cursor = page.next;
      ++pages;
    } while (!query.cursor.empty() && pages < 10);
    EXPECT_EQ(pages, 3);
    ASSERT_THAT(all, SizeIs(kEntries));
    if (order == Query::Order::kOldestFirst) std::reverse(all.begin(), all.end());
    for (int i = 0; i < kEntries; ++i) EXPECT_EQ(all[i], std::to_string(kEntries - 1 - i));
  }
  // A page that holds exactly the rest has no next one.
  Query exact;
  exact.now = kSampleTime;
  exact.limit = kEntries;
  EXPECT_EQ(search(exact).next, "");
}

TEST_P(EntryStoreTest, CursorsStayGoodWhileEntriesCome) {
  for (int i = 0; i < 6; ++i) {
    put(image_of(std::to_string(i), std::to_string(i)), kSampleTime + i * kSecond);
  }
  Query query;
  query.now = kSampleTime;
  query.limit = 3;
  const Page first = search(query);
  put(image_of("new", "new"), kSampleTime + 100 * kSecond);
  query.cursor = first.next;
  EXPECT_THAT(titles(query), ElementsAre("2", "1", "0"));
}

TEST_P(EntryStoreTest, TotalsAreExactUpToTheLimit) {
  Limits limits;
  limits.search_total_exact_max = 5;
  reopen(limits);
  for (int i = 0; i < 7; ++i) {
    put(image_of(std::to_string(i)), kSampleTime + i * kSecond);
    const Page page = search({.now = kSampleTime, .limit = 1});
    EXPECT_EQ(page.total, static_cast<std::uint64_t>(std::min(i + 1, 5)));
    EXPECT_EQ(page.total_exact, i + 1 <= 5);
  }
}

TEST_P(EntryStoreTest, ASearchThatLooksAtTooMuchGoesOnInTheNextPage) {
  Limits limits;
  limits.search_scan_max = 4;
  reopen(limits);
  for (int i = 0; i < 20; ++i) {
    metadata::ImageMetadata image = image_of(std::to_string(i), std::to_string(i));
    if (i % 7 != 3) image.deprecated = "";
    put(image, kSampleTime + i * kSecond);
  }
  for (const auto order : {Query::Order::kNewestFirst, Query::Order::kOldestFirst}) {
    Query query;
    query.now = kSampleTime;
    query.order = order;
    std::vector<std::string> all;
    int pages = 0;
    do {
      const Page page = search(query);
      for (const auto& entry : page.entries) all.push_back(entry.metadata.title);
      query.cursor = page.next;
    } while (!query.cursor.empty() && ++pages < 50);
    std::sort(all.begin(), all.end());
    EXPECT_THAT(all, ElementsAre("10", "17", "3"));
    EXPECT_GT(pages, 1);
  }
}

TEST_P(EntryStoreTest, RefusesWhatIsNoQuery) {
  put(image_of("content"));
  EXPECT_EQ(store_->search({.cursor = "nonsense"}).error().code(), Errc::kMalformed);
  std::string words;
  for (int i = 0; i < 17; ++i) words += "w" + std::to_string(i) + " ";
  EXPECT_EQ(store_->search({.text = words}).error().code(), Errc::kMalformed);
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
  EXPECT_THAT(*store_->changes(0, 10), ElementsAre(first, second, third));
  EXPECT_THAT(*store_->changes(1, 1), ElementsAre(second));
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

TEST_P(EntryStoreTest, OneProcessAtATime) {
  const auto second = GetParam().open(folder_.path() + "/entries", Limits());
  EXPECT_EQ(second.error().code(), Errc::kConflict);
}

INSTANTIATE_TEST_SUITE_P(Stores, EntryStoreTest,
                         testing::Values(Implementation{"rocksdb", &open_rocksdb}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace strata::entries
