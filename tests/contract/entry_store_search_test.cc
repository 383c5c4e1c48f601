#include <algorithm>

#include "entry_store_suite.h"
#include "registry/entries/rocksdb_store.h"

// Searches and pages; entry_store_test.cc has the rest.
namespace strata::entries {
namespace {

class EntrySearchTest : public EntryStoreTest {};

TEST_P(EntrySearchTest, AllWordsMustMatchAndTheLastOneMayBeUnfinished) {
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

TEST_P(EntrySearchTest, APrefixOfManyWordsFindsAll) {
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

TEST_P(EntrySearchTest, FieldsCompareWhole) {
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

TEST_P(EntrySearchTest, StatusIsJudgedAtATime) {
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

TEST_P(EntrySearchTest, LocationsAreToldApart) {
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

TEST_P(EntrySearchTest, ANewerEntryHidesTheOlderOneFromSearchesButNotFromItsDate) {
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

TEST_P(EntrySearchTest, PagesAreCompleteInBothOrders) {
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

// A reader may not make us hold a thousand entries of a megabyte each.
TEST_P(EntrySearchTest, APageIsBoundedByItsBytesToo) {
  Limits limits;
  limits.list_bytes_max = 5'000;
  reopen(limits);
  for (int i = 0; i < 5; ++i) {
    metadata::ImageMetadata image = image_of(std::to_string(i), std::to_string(i));
    image.locations.assign(3, "https://images.example/" + std::string(1'000, 'x'));
    put(image, kSampleTime + i * kSecond);
  }
  Query query;
  query.now = kSampleTime;
  std::vector<std::size_t> sizes;
  std::vector<std::string> all;
  do {
    const Page page = search(query);
    EXPECT_EQ(page.total, 5U);
    EXPECT_TRUE(page.total_exact);
    sizes.push_back(page.entries.size());
    for (const auto& entry : page.entries) all.push_back(entry.metadata.title);
    query.cursor = page.next;
  } while (!query.cursor.empty() && sizes.size() < 10);
  EXPECT_THAT(sizes, ElementsAre(2U, 2U, 1U));
  EXPECT_THAT(all, ElementsAre("4", "3", "2", "1", "0"));
}

TEST_P(EntrySearchTest, CursorsStayGoodWhileEntriesCome) {
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

TEST_P(EntrySearchTest, TotalsAreExactUpToTheLimit) {
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

TEST_P(EntrySearchTest, ASearchThatLooksAtTooMuchGoesOnInTheNextPage) {
  Limits limits;
  limits.search_scan_max = 80;  // four records
  limits.search_prefix_words_max = 1;
  reopen(limits);
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    put(image_of(number, (i % 7 == 3 ? "wanted" : "other") + number), kSampleTime + i * kSecond);
  }
  for (const auto order : {Query::Order::kNewestFirst, Query::Order::kOldestFirst}) {
    Query query;
    query.now = kSampleTime;
    query.order = order;
    query.text = "wanted";  // stands for three words, more than may be united
    std::vector<std::string> all;
    int pages = 0;
    do {
      const Page page = search(query);
      for (const auto& entry : page.entries) all.push_back(entry.metadata.title);
      query.cursor = page.next;
    } while (!query.cursor.empty() && ++pages < 50);
    std::sort(all.begin(), all.end());
    EXPECT_THAT(all, ElementsAre("wanted10", "wanted17", "wanted3"));
    EXPECT_GT(pages, 1);
  }
}

TEST_P(EntrySearchTest, RefusesWhatIsNoQuery) {
  put(image_of("content"));
  EXPECT_EQ(store_->search({.cursor = "nonsense"}).error().code(), Errc::kMalformed);
  std::string words;
  for (int i = 0; i < 17; ++i) words += "w" + std::to_string(i) + " ";
  EXPECT_EQ(store_->search({.text = words}).error().code(), Errc::kMalformed);
}

INSTANTIATE_TEST_SUITE_P(Stores, EntrySearchTest,
                         testing::Values(Implementation{"rocksdb", &open_rocksdb}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace strata::entries
