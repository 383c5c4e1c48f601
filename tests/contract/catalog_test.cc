// One suite for every Catalog.
#include "storage/catalog/catalog.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/images.h"
#include "tests/support/temporary_directory.h"

namespace strata::catalog {
namespace {

using State = Registration::State;

class CatalogContract : public ::testing::Test {
 protected:
  CatalogContract() { reopen(); }
  void reopen() {
    catalog_.reset();
    catalog_ = std::move(*open_rocksdb_catalog(dir_.path() + "/catalog"));
  }
  Image put(Image image, bool registers = false) {
    EXPECT_TRUE(catalog_->put(image, registers));
    return image;
  }
  Registration registration(const Image& image) {
    return *catalog_->registration(image.content.decoded.sha256).value();
  }
  std::vector<ImageId> ids(const ImageFilter& filter) {
    std::vector<ImageId> found;
    const auto page = *catalog_->list(filter, 1000, std::nullopt);
    EXPECT_FALSE(page.cursor);
    for (const Image& image : page.images) found.push_back(image.id);
    return found;
  }
  using Ids = std::vector<ImageId>;

  test::TemporaryDirectory dir_;
  test::ImageMaker maker_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(CatalogContract, KeepsEveryFieldAcrossReopening) {
  Image image = maker_.make("alice", "stored", "decoded");
  image.name = std::string("n\0\xc3\xa4\"\\", 6);
  image.visibility = Visibility::kPublic;
  image.tags = {"web", "", "a tag"};
  image.metadata = {{"os", "debian"}, {"title", "\n"}};
  image.content.disk = {codec::DiskFormat::kVmdk, std::numeric_limits<std::uint64_t>::max()};
  put(image);
  EXPECT_EQ(*catalog_->get(image.id), image);
  reopen();
  EXPECT_EQ(*catalog_->get(image.id), image);
  EXPECT_EQ(*catalog_->count(), 1u);
  EXPECT_EQ(ids({.name = image.name}), Ids{image.id});
}

TEST_F(CatalogContract, PutReplacesAndForgetsTheOldWords) {
  Image image = maker_.make("alice", "x");
  image.tags = {"old", "both"};
  put(image);
  const std::string old_name = image.name;
  image.name = "new";
  image.tags = {"both", "new"};
  image.visibility = Visibility::kPublic;
  put(image);
  EXPECT_EQ(*catalog_->get(image.id), image);
  EXPECT_EQ(*catalog_->count(), 1u);
  EXPECT_TRUE(ids({.name = old_name}).empty());
  EXPECT_TRUE(ids({.tag = "old"}).empty());
  EXPECT_TRUE(ids({.visibility = Visibility::kPrivate}).empty());
  EXPECT_EQ(ids({.tag = "both"}), Ids{image.id});
  EXPECT_EQ(ids({.tag = "new"}), Ids{image.id});
}

TEST_F(CatalogContract, AnImageKeepsItsBlobAndOwner) {
  const Image image = put(maker_.make("alice", "x"));
  Image other = image;
  other.blob = BlobId::generate(maker_.random());
  EXPECT_EQ(catalog_->put(other, false).error().code(), Errc::kConflict);
  other = image;
  other.owner = "bob";
  EXPECT_EQ(catalog_->put(other, false).error().code(), Errc::kConflict);
  EXPECT_EQ(*catalog_->get(image.id), image);
}

TEST_F(CatalogContract, WhatIsNotThereIsNotFound) {
  const Image image = maker_.make("alice", "x");
  EXPECT_EQ(catalog_->get(image.id).error().code(), Errc::kNotFound);
  EXPECT_EQ(catalog_->remove(image.id, true, 5).error().code(), Errc::kNotFound);
  EXPECT_FALSE(*catalog_->find_blob("alice", image.content.stored.sha256, 1));
  EXPECT_FALSE(*catalog_->registration(image.content.decoded.sha256));
  EXPECT_TRUE(catalog_->images_of_blob(image.blob)->empty());
  EXPECT_TRUE(catalog_->removals()->empty());
  EXPECT_TRUE(catalog_->removed(image.blob));
  EXPECT_EQ(*catalog_->count(), 0u);
}

TEST_F(CatalogContract, FiltersByEachFieldAndTogether) {
  Image a = maker_.make("alice", "one");
  a.visibility = Visibility::kPublic;
  a.tags = {"web", "db"};
  Image b = maker_.make("alice", "two.gz", "one");
  b.tags = {"web"};
  Image c = maker_.make("bob", "three");
  c.name = a.name;
  for (const Image& image : {c, b, a}) put(image);  // order of ids, not of insertion
  EXPECT_EQ(ids({}), (Ids{a.id, b.id, c.id}));
  EXPECT_EQ(ids({.name = a.name}), (Ids{a.id, c.id}));
  EXPECT_EQ(ids({.owner = "alice"}), (Ids{a.id, b.id}));
  EXPECT_EQ(ids({.identifier = a.identifier().text()}), (Ids{a.id, b.id}));
  EXPECT_EQ(ids({.tag = "web"}), (Ids{a.id, b.id}));
  EXPECT_EQ(ids({.tag = "db"}), Ids{a.id});
  EXPECT_EQ(ids({.tag = "we"}), Ids{});
  EXPECT_EQ(ids({.sha256 = a.content.decoded.sha256}), (Ids{a.id, b.id}));
  EXPECT_EQ(ids({.sha256 = b.content.stored.sha256}), Ids{b.id});
  EXPECT_EQ(ids({.visibility = Visibility::kPublic}), Ids{a.id});
  EXPECT_EQ(ids({.visibility = Visibility::kPrivate}), (Ids{b.id, c.id}));
  EXPECT_EQ(ids({.name = a.name, .owner = "bob"}), Ids{c.id});
  EXPECT_EQ(ids({.owner = "bob", .tag = "web"}), Ids{});
}

TEST_F(CatalogContract, VisibleToMeansOwnAndPublic) {
  Image public_image = maker_.make("alice", "1");
  public_image.visibility = Visibility::kPublic;
  const Image private_image = maker_.make("alice", "2");
  Image own_public = maker_.make("bob", "3");
  own_public.visibility = Visibility::kPublic;
  const Image own_private = maker_.make("bob", "4");
  for (const Image& image : {public_image, private_image, own_public, own_private}) put(image);
  EXPECT_EQ(ids({.visible_to = "bob"}), (Ids{public_image.id, own_public.id, own_private.id}));
  EXPECT_EQ(ids({.visible_to = "carol"}), (Ids{public_image.id, own_public.id}));
  EXPECT_EQ(ids({.owner = "alice", .visible_to = "bob"}), Ids{public_image.id});
  EXPECT_EQ(ids({.visibility = Visibility::kPrivate, .visible_to = "bob"}), Ids{own_private.id});
  EXPECT_EQ(ids({.visibility = Visibility::kPublic, .visible_to = "bob"}),
            (Ids{public_image.id, own_public.id}));
}

TEST_F(CatalogContract, WordsWithNulDoNotMixWithOthers) {
  Image plain = maker_.make("alice", "1");
  plain.tags = {"a"};
  Image tricky = maker_.make("alice", "2");
  tricky.tags = {std::string("a\0", 2) + plain.id.text().substr(0, 35)};
  put(plain), put(tricky);
  EXPECT_EQ(ids({.tag = "a"}), Ids{plain.id});
  EXPECT_EQ(ids({.tag = tricky.tags[0]}), Ids{tricky.id});
}

TEST_F(CatalogContract, PagesSeeEachImageOnceWhileOthersCome) {
  std::set<ImageId> before;
  for (int i = 0; i < 25; ++i) {
    Image image = maker_.make(i % 2 == 0 ? "bob" : "alice", std::to_string(i));
    if (i % 3 == 0) image.visibility = Visibility::kPublic;
    put(image);
    before.insert(image.id);
  }
  for (const ImageFilter& filter : {ImageFilter{}, ImageFilter{.visible_to = "bob"}}) {
    std::vector<ImageId> expected = ids(filter), seen;
    std::optional<std::string> cursor;
    do {
      const auto page = *catalog_->list(filter, 4, cursor);
      EXPECT_LE(page.images.size(), 4u);
      for (const Image& image : page.images) seen.push_back(image.id);
      cursor = page.cursor;
      if (seen.size() < 12) expected.push_back(put(maker_.make("bob", "later")).id);
    } while (cursor);
    EXPECT_EQ(seen, expected);
  }
}

TEST_F(CatalogContract, LastPageHasNoCursorAndNonsenseIsRefused) {
  for (int i = 0; i < 4; ++i) put(maker_.make("alice", std::to_string(i)));
  EXPECT_FALSE(catalog_->list({}, 4, std::nullopt)->cursor);
  const auto page = *catalog_->list({}, 3, std::nullopt);
  ASSERT_TRUE(page.cursor);
  EXPECT_EQ(catalog_->list({}, 3, page.cursor)->images.size(), 1u);
  EXPECT_EQ(catalog_->list({}, 3, "nonsense").error().code(), Errc::kMalformed);
}

TEST_F(CatalogContract, FindsTheBlobOfTheSameOwnerDigestAndSize) {
  const Image image = put(maker_.make("alice", "bytes"));
  const DigestSet& stored = image.content.stored;
  EXPECT_EQ(*catalog_->find_blob("alice", stored.sha256, 5), image.blob);
  EXPECT_FALSE(*catalog_->find_blob("bob", stored.sha256, 5));
  EXPECT_FALSE(*catalog_->find_blob("alice", stored.sha256, 6));
  EXPECT_FALSE(*catalog_->find_blob("alice", Sha256Digest{}, 5));
}

TEST_F(CatalogContract, BlobAwaitsRemovalWhenItsLastImageGoes) {
  const Image first = put(maker_.make("alice", "bytes"));
  Image second = maker_.make("alice", "bytes");
  second.blob = first.blob;
  put(second);
  EXPECT_EQ(catalog_->images_of_blob(first.blob)->size(), 2u);
  ASSERT_TRUE(catalog_->remove(first.id, false, 100));
  EXPECT_TRUE(catalog_->removals()->empty());
  ASSERT_TRUE(catalog_->remove(second.id, false, 200));
  ASSERT_EQ(catalog_->removals()->size(), 1u);
  EXPECT_EQ(catalog_->removals()->front().blob, first.blob);
  EXPECT_EQ(catalog_->removals()->front().since, 200);
  // Still there to be adopted, until it is said to be gone.
  const auto find = [&] { return *catalog_->find_blob("alice", first.content.stored.sha256, 5); };
  EXPECT_EQ(find(), first.blob);
  reopen();
  ASSERT_TRUE(catalog_->removed(first.blob));
  EXPECT_TRUE(catalog_->removals()->empty());
  EXPECT_FALSE(find());
  EXPECT_EQ(*catalog_->count(), 0u);
}

TEST_F(CatalogContract, AdoptionTakesABlobOffTheRemovalList) {
  const Image image = put(maker_.make("alice", "bytes"));
  ASSERT_TRUE(catalog_->remove(image.id, false, 100));
  Image again = maker_.make("alice", "bytes");
  again.blob = image.blob;
  put(again);
  EXPECT_TRUE(catalog_->removals()->empty());
  EXPECT_TRUE(catalog_->removed(image.blob));  // too late: nothing happens
  EXPECT_EQ(*catalog_->find_blob("alice", image.content.stored.sha256, 5), image.blob);
}

TEST_F(CatalogContract, RemovedKeepsTheNewerBlobOfTheSameContent) {
  const Image old = put(maker_.make("alice", "bytes"));
  ASSERT_TRUE(catalog_->remove(old.id, false, 100));
  const Image again = put(maker_.make("alice", "bytes"));  // another blob
  ASSERT_TRUE(catalog_->removed(old.blob));
  EXPECT_EQ(*catalog_->find_blob("alice", old.content.stored.sha256, 5), again.blob);
}

TEST_F(CatalogContract, AddRemovalIsForBlobsWithoutImages) {
  const Image image = put(maker_.make("alice", "bytes"));
  EXPECT_EQ(catalog_->add_removal(image.blob, 1).error().code(), Errc::kInUse);
  const BlobId orphan = BlobId::generate(maker_.random());
  ASSERT_TRUE(catalog_->add_removal(orphan, 10));
  ASSERT_TRUE(catalog_->add_removal(orphan, 20));
  ASSERT_EQ(catalog_->removals()->size(), 1u);
  EXPECT_EQ(catalog_->removals()->front().since, 10);
  ASSERT_TRUE(catalog_->removed(orphan));
  EXPECT_TRUE(catalog_->removals()->empty());
}

TEST_F(CatalogContract, ImagesOfContentAreThoseOfAnyEncodingAndOwner) {
  const Image a = put(maker_.make("alice", "x"));
  const Image b = put(maker_.make("bob", "x.gz", "x"));
  put(maker_.make("bob", "x.gz", "y"));
  const auto images = *catalog_->images_of_content(a.content.decoded.sha256);
  EXPECT_EQ(images, (std::vector<Image>{a, b}));
}

TEST_F(CatalogContract, EachChangeRaisesTheRegistration) {
  const Image image = put(maker_.make("alice", "x"), false);
  EXPECT_FALSE(*catalog_->registration(image.content.decoded.sha256));
  put(image, true);
  EXPECT_EQ(registration(image).wanted, 1u);
  EXPECT_EQ(registration(image).done, 0u);
  EXPECT_EQ(registration(image).state, State::kPending);
  EXPECT_EQ(registration(image).content, image.content.decoded.sha256);
  put(maker_.make("bob", "x.gz", "x"), true);
  EXPECT_EQ(registration(image).wanted, 2u);
  ASSERT_TRUE(catalog_->remove(image.id, true, 5));
  EXPECT_EQ(registration(image).wanted, 3u);
  EXPECT_EQ(*catalog_->outbox_depth(), 1u);
  reopen();
  EXPECT_EQ(registration(image).wanted, 3u);
  EXPECT_EQ(*catalog_->outbox_depth(), 1u);
}

TEST_F(CatalogContract, DueRegistrationsComeInOrderOfTimeAndNotBefore) {
  std::vector<Image> images;
  for (const char* bytes : {"a", "b", "c"}) images.push_back(put(maker_.make("o", bytes), true));
  const auto due = [&](UnixMillis now, std::size_t limit = 10) {
    std::vector<Sha256Digest> contents;
    const auto registrations = *catalog_->due_registrations(now, limit);
    for (const Registration& one : registrations) {
      contents.push_back(one.content);
    }
    return contents;
  };
  EXPECT_EQ(due(0).size(), 3u);
  EXPECT_EQ(due(0, 2).size(), 2u);
  for (std::size_t i = 0; i < 3; ++i) {
    Registration later = registration(images[i]);
    later.next_attempt = 3000 - static_cast<UnixMillis>(i) * 1000;
    later.attempts = 1;
    later.error = "the registry is down";
    ASSERT_TRUE(catalog_->update_registration(later));
    EXPECT_EQ(registration(images[i]), later);
  }
  EXPECT_EQ(*catalog_->outbox_depth(), 3u);
  EXPECT_TRUE(due(999).empty());
  EXPECT_EQ(due(2000),
            (std::vector{images[2].content.decoded.sha256, images[1].content.decoded.sha256}));
  reopen();
  EXPECT_EQ(due(3000).size(), 3u);
}

TEST_F(CatalogContract, DoneRegistrationLeavesTheOutbox) {
  const Image image = put(maker_.make("o", "a"), true);
  Registration done = registration(image);
  done.done = done.wanted;
  done.state = State::kRegistered;
  done.entry_url = "http://r/metadata/x";
  done.document = std::string(100'000, 'd');
  done.last_created = 12345;
  ASSERT_TRUE(catalog_->update_registration(done));
  EXPECT_EQ(registration(image), done);
  EXPECT_TRUE(catalog_->due_registrations(1'000'000, 10)->empty());
  EXPECT_EQ(*catalog_->outbox_depth(), 0u);
  // Asked again: there is nothing to do.
  ASSERT_TRUE(catalog_->retry_registration(done.content));
  EXPECT_EQ(registration(image), done);
  // A change: it waits again and keeps what it knows of the last one.
  put(image, true);
  Registration again = registration(image);
  EXPECT_EQ(again.state, State::kPending);
  EXPECT_EQ(again.wanted, done.wanted + 1);
  EXPECT_EQ(again.done, done.done);
  EXPECT_EQ(again.entry_url, done.entry_url);
  EXPECT_EQ(again.document, done.document);
  EXPECT_EQ(again.last_created, done.last_created);
  EXPECT_EQ(*catalog_->outbox_depth(), 1u);
}

TEST_F(CatalogContract, ChangeWhileTheWorkerIsAtItIsNotLost) {
  const Image image = put(maker_.make("o", "a"), true);
  for (const State outcome : {State::kRegistered, State::kFailed, State::kPending}) {
    Registration progress = registration(image);
    put(image, true);  // meanwhile
    progress.done = outcome == State::kRegistered ? progress.wanted : progress.done;
    progress.state = outcome;
    progress.next_attempt = 5000;
    ASSERT_TRUE(catalog_->update_registration(progress));
    const Registration now = registration(image);
    EXPECT_EQ(now.wanted, progress.wanted + 1);
    EXPECT_EQ(now.done, progress.done);
    EXPECT_EQ(now.state, State::kPending);
    // What is through is due for the change at once; what could not be reached keeps waiting.
    EXPECT_EQ(now.next_attempt, outcome == State::kPending ? 5000 : 0);
    EXPECT_EQ(*catalog_->outbox_depth(), 1u);
  }
}

TEST_F(CatalogContract, FailedRegistrationWaitsForARetryOrAChange) {
  const Image image = put(maker_.make("o", "a"), true);
  const auto fail = [&] {
    Registration failed = registration(image);
    failed.state = State::kFailed;
    failed.error = "refused";
    failed.attempts = 3;
    failed.next_attempt = 777;
    ASSERT_TRUE(catalog_->update_registration(failed));
    EXPECT_EQ(registration(image), failed);
    EXPECT_TRUE(catalog_->due_registrations(1'000'000, 10)->empty());
    EXPECT_EQ(*catalog_->outbox_depth(), 0u);
  };
  fail();
  ASSERT_TRUE(catalog_->retry_registration(image.content.decoded.sha256));
  EXPECT_EQ(catalog_->due_registrations(0, 10)->size(), 1u);
  EXPECT_EQ(registration(image).attempts, 0u);
  fail();
  put(image, true);
  EXPECT_EQ(catalog_->due_registrations(0, 10)->size(), 1u);
}

TEST_F(CatalogContract, RetryCreatesAndMakesAWaitingOneDue) {
  const Image image = put(maker_.make("o", "a"), false);
  ASSERT_TRUE(catalog_->retry_registration(image.content.decoded.sha256));
  Registration waiting = registration(image);
  EXPECT_EQ(waiting.wanted, 1u);
  waiting.next_attempt = 9'000'000;
  ASSERT_TRUE(catalog_->update_registration(waiting));
  EXPECT_TRUE(catalog_->due_registrations(0, 10)->empty());
  ASSERT_TRUE(catalog_->retry_registration(image.content.decoded.sha256));
  EXPECT_EQ(catalog_->due_registrations(0, 10)->size(), 1u);
  EXPECT_EQ(*catalog_->outbox_depth(), 1u);
}

TEST_F(CatalogContract, ManyThreadsLoseNoChange) {
  constexpr std::uint64_t kThreads = 4, kEach = 10;
  const Image shared = maker_.make("o", "shared");
  std::vector<std::vector<Image>> images(kThreads);
  for (auto& own : images) {
    for (std::uint64_t i = 0; i < kEach; ++i) own.push_back(maker_.make("o", "shared"));
  }
  {
    std::vector<std::jthread> threads;
    for (auto& own : images) {
      threads.emplace_back([this, &own] {
        for (const Image& image : own) {
          EXPECT_TRUE(catalog_->put(image, true));
          EXPECT_TRUE(catalog_->list({.owner = "o"}, 1000, std::nullopt));
        }
      });
    }
  }
  EXPECT_EQ(registration(shared).wanted, kThreads * kEach);
  EXPECT_EQ(ids({.owner = "o"}).size(), kThreads * kEach);
  EXPECT_EQ(*catalog_->count(), kThreads * kEach);
}

}  // namespace
}  // namespace strata::catalog
