// The cache of open images, over the real catalogue and an in-memory blob store.
#include "storage/service/open_images.h"

#include <gtest/gtest.h>

#include "storage/blob/memory_blob_store.h"
#include "storage/service/services.h"
#include "storage/service/view_blocks.h"
#include "strata/digest/hasher.h"
#include "tests/support/temporary_directory.h"

namespace strata::storage {
namespace {

class OpenImagesTest : public testing::Test {
 protected:
  OpenImagesTest() : catalog_(*catalog::open_rocksdb_catalog(folder_.path() + "/catalog")) {}

  std::string upload(const std::string& bytes, catalog::Visibility visibility) {
    auto writer = *blobs_->begin({});
    EXPECT_TRUE(writer->append(std::as_bytes(std::span(bytes.data(), bytes.size()))));
    catalog::Image image;
    image.id = ImageId::generate(clock_, random_);
    image.name = "disk";
    image.owner = "owner";
    image.visibility = visibility;
    blob::BlobProperties properties;
    properties.stored = properties.decoded = digest::digest_of(bytes);
    auto published = images_.publish(std::move(writer), image, properties);
    EXPECT_TRUE(published) << published.error().message();
    return published->id.text();
  }

  test::TemporaryDirectory folder_;
  Config config_;
  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  ServiceMetrics counts_{metrics_};
  std::unique_ptr<blob::BlobStore> blobs_ = blob::make_memory_blob_store(random_);
  std::unique_ptr<catalog::Catalog> catalog_;
  catalog::ImageStore images_{*blobs_, *catalog_, clock_,
                              [](const catalog::Image&) { return false; }};
  io::WorkerPool disk_{"disk", 1};
  io::WorkerPool compute_{"compute", 1};
  digest::Engine digests_{compute_, metrics_};
  io::BlockPool blocks_{1};
  codec::ParallelDecoding decoding_{compute_, {.bytes_max = 1}};
  OpenImages open_{{.images_max = 2, .index_bytes_max = 1 << 20}};
  ViewBlocks view_blocks_{config_.limits, disk_, compute_, metrics_};
  Services services_{config_, clock_,    random_, disk_, compute_,     digests_, blocks_, decoding_,
                     *blobs_, *catalog_, images_, open_, view_blocks_, metrics_, counts_, "token"};
  const Principal owner_{"owner", "owner", false};
  const Principal stranger_{"stranger", "stranger", false};
};

TEST_F(OpenImagesTest, KeepsWhatWasOpened) {
  const std::string id = upload("abc", catalog::Visibility::kPublic);
  EXPECT_EQ(open_.find(id, owner_), nullptr);
  const auto opened = open_.open(services_, id, owner_);
  ASSERT_TRUE(opened);
  EXPECT_EQ(open_.find(id, owner_), *opened);
  EXPECT_EQ((*opened)->reader->size(), 3u);
}

TEST_F(OpenImagesTest, AForeignPrivateImageIsNotThere) {
  const std::string id = upload("abc", catalog::Visibility::kPrivate);
  ASSERT_TRUE(open_.open(services_, id, owner_));
  EXPECT_NE(open_.find(id, owner_), nullptr);
  EXPECT_EQ(open_.find(id, stranger_), nullptr);
  const auto refused = open_.open(services_, id, stranger_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kNotFound);
}

TEST_F(OpenImagesTest, ForgetsAndDropsTheLeastRecentlyUsed) {
  const std::string a = upload("a", catalog::Visibility::kPublic);
  const std::string b = upload("b", catalog::Visibility::kPublic);
  const std::string c = upload("c", catalog::Visibility::kPublic);
  ASSERT_TRUE(open_.open(services_, a, owner_));
  ASSERT_TRUE(open_.open(services_, b, owner_));
  EXPECT_NE(open_.find(a, owner_), nullptr);  // now b is the older one
  ASSERT_TRUE(open_.open(services_, c, owner_));
  EXPECT_EQ(open_.find(b, owner_), nullptr);
  EXPECT_NE(open_.find(a, owner_), nullptr);
  open_.forget(a);
  EXPECT_EQ(open_.find(a, owner_), nullptr);
}

TEST_F(OpenImagesTest, ADeletedImageIsGoneAfterForget) {
  const std::string id = upload("abc", catalog::Visibility::kPublic);
  const auto opened = open_.open(services_, id, owner_);
  ASSERT_TRUE(images_.remove(*ImageId::parse(id)));
  open_.forget(id);
  EXPECT_EQ(open_.find(id, owner_), nullptr);
  EXPECT_FALSE(open_.open(services_, id, owner_));
  std::byte byte{};  // what is being sent is still readable
  EXPECT_TRUE((*opened)->reader->read_at(0, {&byte, 1}));
}

}  // namespace
}  // namespace strata::storage
