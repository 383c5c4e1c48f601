// ImageStore over the memory blob store and RocksDB in memory. Power cuts: tests/crash.
#include "storage/catalog/image_store.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "storage/blob/memory_blob_store.h"
#include "storage/catalog/rocksdb_catalog.h"
#include "tests/support/images.h"

namespace strata::catalog {
namespace {

using std::chrono::seconds;

constexpr seconds kGrace{600};
constexpr int kThreads = 4;

class ImageStoreTest : public ::testing::Test {
 protected:
  ImageStoreTest() { lose_catalog(); }

  void lose_catalog() {
    images_.reset();
    catalog_.reset();
    env_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
    catalog_ = std::move(*open_rocksdb_catalog("/catalog", env_.get()));
    images_ = std::make_unique<ImageStore>(*blobs_, *catalog_, maker_.clock(),
                                           [this](const Image& image) { return registers(image); });
  }
  [[nodiscard]] bool registers(const Image& image) const {
    return !public_only_ || image.visibility == Visibility::kPublic;
  }
  std::unique_ptr<blob::BlobWriter> written(const std::string& bytes) {
    auto writer = std::move(*blobs_->begin({}));
    EXPECT_TRUE(writer->append(std::as_bytes(std::span(bytes))));
    return writer;
  }
  Image publish(const std::string& owner, const std::string& bytes) {
    auto image = images_->publish(written(bytes), maker_.make(owner, bytes),
                                  test::properties_of(bytes, bytes));
    EXPECT_TRUE(image);
    return *image;
  }
  std::vector<Image> annotated(const BlobId& blob) {
    const auto info = *blobs_->info(blob);
    return *images_from_annotation(info.annotation, blob, info.properties);
  }
  std::size_t collect_later(seconds later) {
    const UnixMillis now = maker_.clock().now() + std::chrono::milliseconds(later).count();
    return *images_->collect_removals(now, kGrace);
  }
  std::uint64_t wanted(const Image& image) {
    const auto found = *catalog_->registration(image.content.decoded.sha256);
    return found ? found->wanted : 0;
  }

  test::ImageMaker maker_;
  bool public_only_ = false;
  std::unique_ptr<blob::BlobStore> blobs_ = blob::make_memory_blob_store(maker_.random());
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<ImageStore> images_;
};

TEST_F(ImageStoreTest, PublishWritesBothPlaces) {
  const Image image = publish("alice", "bytes");
  EXPECT_EQ(*catalog_->get(image.id), image);
  EXPECT_EQ(annotated(image.blob), std::vector<Image>{image});
  EXPECT_EQ((*blobs_->open(image.blob))->size(), 5u);
  EXPECT_EQ(wanted(image), 1u);
}

TEST_F(ImageStoreTest, SameBytesOfOneOwnerAreKeptOnce) {
  const Image first = publish("alice", "bytes");
  const Image second = publish("alice", "bytes");
  const Image foreign = publish("bob", "bytes");
  EXPECT_EQ(second.blob, first.blob);
  EXPECT_NE(second.id, first.id);
  EXPECT_NE(foreign.blob, first.blob);  // owners do not learn of each other by their bytes
  EXPECT_EQ(blobs_->list()->size(), 2u);
  EXPECT_EQ(annotated(first.blob), (std::vector<Image>{first, second}));
  EXPECT_EQ(wanted(first), 3u);  // one registration for the content of all three
}

TEST_F(ImageStoreTest, PublishesOfTheSameBytesAtOnceShareOneBlob) {
  for (int round = 0; round < 20; ++round) {
    const std::string bytes = std::to_string(round);
    std::vector<Image> made;
    for (int t = 0; t < kThreads; ++t) made.push_back(maker_.make("alice", bytes));
    std::latch start(kThreads);
    {
      std::vector<std::jthread> threads;
      for (const Image& image : made) {
        threads.emplace_back([&, writer = written(bytes)]() mutable {
          start.arrive_and_wait();
          EXPECT_TRUE(
              images_->publish(std::move(writer), image, test::properties_of(bytes, bytes)));
        });
      }
    }
    const BlobId blob = catalog_->get(made.front().id)->blob;
    EXPECT_EQ(annotated(blob).size(), made.size());
    EXPECT_EQ(catalog_->images_of_blob(blob)->size(), made.size());
  }
  EXPECT_EQ(blobs_->list()->size(), 20u);
}

TEST_F(ImageStoreTest, PublishDoesNotAdoptABlobThatIsGone) {
  const Image first = publish("alice", "bytes");
  ASSERT_TRUE(blobs_->remove(first.blob));
  const Image second = publish("alice", "bytes");
  EXPECT_NE(second.blob, first.blob);
  EXPECT_EQ((*blobs_->open(second.blob))->size(), 5u);
  EXPECT_EQ(publish("alice", "bytes").blob, second.blob);
}

TEST_F(ImageStoreTest, PublishWithAWrongSizeChangesNothing) {
  const auto failed = images_->publish(written("bytes"), maker_.make("alice", "more bytes"),
                                       test::properties_of("more bytes", "more bytes"));
  EXPECT_EQ(failed.error().code(), Errc::kSizeMismatch);
  EXPECT_EQ(*catalog_->count(), 0u);
  EXPECT_TRUE(blobs_->list()->empty());
}

TEST_F(ImageStoreTest, UpdateChangesTheWordsAndNothingElse) {
  const Image image = publish("alice", "bytes");
  maker_.clock().advance(5000);
  const auto updated = images_->update(image.id, [&](Image& current) {
    EXPECT_EQ(current, image);
    current.name = "new";
    current.tags = {"a"};
    current.owner = "mallory";
    current.blob = BlobId();
    current.content = {};
    current.id = ImageId();
    current.created = 0;
    return Status();
  });
  Image expected = image;
  expected.name = "new";
  expected.tags = {"a"};
  expected.updated = maker_.clock().now();
  ASSERT_TRUE(updated);
  EXPECT_EQ(*updated, expected);
  EXPECT_EQ(*catalog_->get(image.id), expected);
  EXPECT_EQ(annotated(image.blob), std::vector<Image>{expected});
}

TEST_F(ImageStoreTest, RefusedUpdateChangesNothing) {
  const Image image = publish("alice", "bytes");
  const auto refused = images_->update(image.id, [](Image& current) -> Status {
    current.name = "new";
    return Error(Errc::kPreconditionFailed, "no");
  });
  EXPECT_EQ(refused.error().code(), Errc::kPreconditionFailed);
  EXPECT_EQ(*catalog_->get(image.id), image);
  EXPECT_EQ(images_->update(ImageId(), [](Image&) { return Status(); }).error().code(),
            Errc::kNotFound);
}

TEST_F(ImageStoreTest, UpdatesAtOnceLoseNoChange) {
  constexpr std::size_t kEach = 50;
  // Two images of one blob: their changes meet in one annotation.
  const Image images[] = {publish("alice", "bytes"), publish("alice", "bytes")};
  std::latch start(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (std::size_t i = 0; i < kEach; ++i) {
          EXPECT_TRUE(images_->update(images[t % 2].id, [&](Image& current) {
            current.tags.push_back(std::to_string(t) + "-" + std::to_string(i));
            return Status();
          }));
        }
      });
    }
  }
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(catalog_->get(images[i].id)->tags.size(), kThreads / 2 * kEach);
    EXPECT_EQ(annotated(images[i].blob)[i].tags.size(), kThreads / 2 * kEach);
  }
}

TEST_F(ImageStoreTest, RegistersWhatIsOrWasAnnounced) {
  public_only_ = true;
  const Image image = publish("alice", "bytes");
  EXPECT_EQ(wanted(image), 0u);
  const auto set = [&](Visibility visibility) {
    EXPECT_TRUE(images_->update(image.id, [&](Image& current) {
      current.visibility = visibility;
      return Status();
    }));
  };
  set(Visibility::kPublic);
  EXPECT_EQ(wanted(image), 1u);
  set(Visibility::kPrivate);  // its location is to be withdrawn
  EXPECT_EQ(wanted(image), 2u);
  set(Visibility::kPrivate);
  EXPECT_EQ(wanted(image), 2u);
  ASSERT_TRUE(images_->remove(image.id));
  EXPECT_EQ(wanted(image), 2u);
}

TEST_F(ImageStoreTest, BytesGoAfterTheGracePeriodOfTheLastImage) {
  const Image first = publish("alice", "bytes"), second = publish("alice", "bytes");
  ASSERT_TRUE(images_->remove(first.id));
  EXPECT_EQ(images_->remove(first.id).error().code(), Errc::kNotFound);
  EXPECT_EQ(annotated(first.blob), std::vector<Image>{second});
  EXPECT_EQ(collect_later(seconds(10'000)), 0u);
  ASSERT_TRUE(images_->remove(second.id));
  EXPECT_EQ(collect_later(seconds(599)), 0u);
  EXPECT_TRUE(blobs_->open(first.blob));
  EXPECT_EQ(collect_later(seconds(600)), 1u);
  EXPECT_EQ(blobs_->open(first.blob).error().code(), Errc::kNotFound);
  EXPECT_TRUE(catalog_->removals()->empty());
  EXPECT_EQ(collect_later(seconds(600)), 0u);
}

TEST_F(ImageStoreTest, UploadWithinTheGracePeriodKeepsTheBytes) {
  const Image first = publish("alice", "bytes");
  ASSERT_TRUE(images_->remove(first.id));
  const Image second = publish("alice", "bytes");
  EXPECT_EQ(second.blob, first.blob);
  EXPECT_EQ(collect_later(seconds(10'000)), 0u);
  EXPECT_EQ((*blobs_->open(second.blob))->size(), 5u);
}

TEST_F(ImageStoreTest, CollectionAndAdoptionAtOnceNeverLoseBytes) {
  for (int round = 0; round < 30; ++round) {
    ASSERT_TRUE(images_->remove(publish("alice", "bytes").id));
    std::optional<Image> adopted;
    {
      std::jthread collector([&] { (void)collect_later(seconds(10'000)); });
      adopted = publish("alice", "bytes");
    }
    ASSERT_TRUE(blobs_->open(adopted->blob));
    EXPECT_EQ(annotated(adopted->blob), std::vector<Image>{*adopted});
    ASSERT_TRUE(images_->remove(adopted->id));
    (void)collect_later(seconds(10'000));
    EXPECT_TRUE(blobs_->list()->empty());
  }
}

TEST_F(ImageStoreTest, LostCatalogueIsRebuilt) {
  const Image a = publish("alice", "x"), b = publish("alice", "x"), c = publish("bob", "y");
  const Image gone = publish("bob", "z");
  ASSERT_TRUE(images_->remove(gone.id));
  lose_catalog();
  const auto recovery = images_->recover();
  ASSERT_TRUE(recovery);
  EXPECT_EQ(recovery->inserted, 3u);
  EXPECT_EQ(recovery->unused, 1u);
  EXPECT_EQ(recovery->removed + recovery->damaged + recovery->leftovers, 0u);
  EXPECT_EQ(catalog_->list({}, 10, std::nullopt)->images, (std::vector<Image>{a, b, c}));
  EXPECT_EQ(wanted(a), 2u);
  EXPECT_EQ(publish("alice", "x").blob, a.blob);  // found again by its bytes
  EXPECT_EQ(collect_later(seconds(10'000)), 1u);
  EXPECT_EQ(blobs_->open(gone.blob).error().code(), Errc::kNotFound);
}

TEST_F(ImageStoreTest, RecoveryChangesNothingWhenBothPlacesAgree) {
  const Image image = publish("alice", "x");
  const auto recovery = images_->recover();
  ASSERT_TRUE(recovery);
  EXPECT_EQ(recovery->inserted + recovery->removed + recovery->unused + recovery->damaged, 0u);
  EXPECT_EQ(wanted(image), 1u);
}

TEST_F(ImageStoreTest, RecoveryLeavesTheBytesOfKeptWriters) {
  const auto kept = written("kept"), forgotten = written("forgotten");
  for (blob::BlobWriter* writer : {kept.get(), forgotten.get()}) writer->keep();
  EXPECT_EQ(images_->recover({kept->id()})->leftovers, 1u);
  EXPECT_EQ(blobs_->resume(forgotten->id(), 0).error().code(), Errc::kNotFound);
  const auto image =
      images_->publish(std::move(*blobs_->resume(kept->id(), 4)), maker_.make("alice", "kept"),
                       test::properties_of("kept", "kept"));
  ASSERT_TRUE(image);
  EXPECT_EQ(image->blob, kept->id());
  EXPECT_EQ(images_->recover()->leftovers, 0u);
}

TEST_F(ImageStoreTest, AnnotationsWinOverTheCatalogue) {
  Image image = publish("alice", "x");
  const Image other = publish("alice", "x"), removed = publish("bob", "y");
  image.name = "as annotated";
  ASSERT_TRUE(blobs_->annotate(image.blob, to_annotation({image, other})));
  ASSERT_TRUE(blobs_->annotate(removed.blob, to_annotation({})));
  const auto recovery = images_->recover();
  ASSERT_TRUE(recovery);
  EXPECT_EQ(recovery->inserted, 1u);
  EXPECT_EQ(recovery->removed, 1u);
  EXPECT_EQ(recovery->unused, 1u);
  EXPECT_EQ(*catalog_->get(image.id), image);
  EXPECT_EQ(catalog_->get(removed.id).error().code(), Errc::kNotFound);
  EXPECT_EQ(wanted(removed), 2u);  // to be deprecated
  EXPECT_EQ(collect_later(seconds(10'000)), 1u);
}

TEST_F(ImageStoreTest, ImageWithoutItsBlobIsKeptAndReported) {
  const Image image = publish("alice", "x");
  ASSERT_TRUE(blobs_->remove(image.blob));
  const auto recovery = images_->recover();
  ASSERT_TRUE(recovery);
  EXPECT_EQ(recovery->damaged, 1u);
  EXPECT_EQ(*catalog_->get(image.id), image);
  ASSERT_TRUE(images_->remove(image.id));  // its owner may still let go of it
  EXPECT_EQ(collect_later(seconds(10'000)), 1u);
  EXPECT_EQ(images_->recover()->damaged, 0u);
}

TEST_F(ImageStoreTest, BlobWithAnAnnotationOfANewerVersionIsLeftAlone) {
  const Image image = publish("alice", "x");
  ASSERT_TRUE(blobs_->annotate(image.blob, "{\"version\":2}"));
  EXPECT_EQ(images_->recover()->damaged, 1u);
  EXPECT_EQ(*catalog_->get(image.id), image);
  EXPECT_EQ(images_->update(image.id, [](Image&) { return Status(); }).error().code(),
            Errc::kCorruptData);
  ASSERT_TRUE(images_->remove(image.id));
  EXPECT_EQ(collect_later(seconds(10'000)), 0u);
  EXPECT_TRUE(blobs_->open(image.blob));
}

}  // namespace
}  // namespace strata::catalog
