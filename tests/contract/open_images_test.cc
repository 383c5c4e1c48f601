// The cache of open images, over the real catalogue and an in-memory blob store.
#include "storage/service/open_images.h"

#include <gtest/gtest.h>

#include "storage/blob/memory_blob_store.h"
#include "storage/service/services.h"
#include "storage/service/view_blocks.h"
#include "strata/digest/hasher.h"
#include "tests/support/codec_forge.h"
#include "tests/support/seek_world.h"
#include "tests/support/temporary_directory.h"

namespace strata::storage {
namespace {

class OpenImagesTest : public testing::Test {
 protected:
  OpenImagesTest() : catalog_(*catalog::open_rocksdb_catalog(folder_.path() + "/catalog")) {}

  std::string upload(const std::string& bytes, catalog::Visibility visibility) {
    blob::BlobProperties properties;
    properties.stored = properties.decoded = digest::digest_of(bytes);
    return publish(bytes, visibility, properties, {});
  }
  // A gzip image of 65 000 bytes, with the index that it has, or one of other bytes.
  std::string upload_gzip(char fill, bool own_index) {
    const std::string plain(65'000, fill);
    test::SeekWorld world;
    EXPECT_TRUE(world.make(test::forge_gzip({.data = plain})));
    blob::BlobProperties properties;
    properties.stored = digest::digest_of(world.stored);
    properties.decoded = digest::digest_of(plain);
    properties.encoding = codec::Encoding::kGzip;
    std::uint64_t states_bytes = 0;
    for (const auto& block : world.index.blocks) states_bytes += block.data_bytes;
    if (own_index) world.index.stored_sha256 = properties.stored.sha256;
    return publish(world.stored, catalog::Visibility::kPublic, properties,
                   world.index_file.substr(0, static_cast<std::size_t>(states_bytes)) +
                       codec::to_bytes(world.index, states_bytes));
  }
  std::string publish(const std::string& bytes, catalog::Visibility visibility,
                      const blob::BlobProperties& properties, const std::string& index) {
    auto writer = *blobs_->begin({});
    EXPECT_TRUE(writer->append(std::as_bytes(std::span(bytes))));
    if (!index.empty()) {
      auto side = *writer->begin_side(blob::Side::kSeekIndex);
      EXPECT_TRUE(side->append(std::as_bytes(std::span(index))));
      EXPECT_TRUE(side->commit());
    }
    catalog::Image image;
    image.id = ImageId::generate(clock_, random_);
    image.name = "disk";
    image.owner = "owner";
    image.visibility = visibility;
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
  policy::PolicyHolder policy_{""};
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
  upload::Reindexer reindexer_{
      config_.limits, {disk_, compute_, digests_, blocks_, decoding_}, *blobs_};
  Services services_{config_,      clock_,     random_,  disk_,     compute_, digests_,
                     blocks_,      decoding_,  *blobs_,  *catalog_, images_,  open_,
                     view_blocks_, reindexer_, metrics_, counts_,   policy_,  "token"};
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

TEST_F(OpenImagesTest, AnImageIsOpenedWithItsIndex) {
  const std::string id = upload_gzip('a', true);
  const auto opened = open_.open(services_, id, owner_);
  ASSERT_TRUE(opened);
  ASSERT_NE((*opened)->seek, nullptr);
  EXPECT_EQ((*opened)->seek->index().decoded_bytes, 65'000u);
  const auto identity = open_.open(services_, upload("abc", catalog::Visibility::kPublic), owner_);
  EXPECT_EQ((*identity)->seek, nullptr);
}

TEST_F(OpenImagesTest, AnIndexOfOtherBytesIsNotBelieved) {
  const auto opened = open_.open(services_, upload_gzip('a', false), owner_);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->seek, nullptr);
}

TEST_F(OpenImagesTest, IndexesAreBoundedInMemory) {
  OpenImages few({.images_max = 100, .index_bytes_max = 1});
  const std::string a = upload_gzip('a', true);
  const std::string b = upload_gzip('b', true);
  const std::string plain = upload("plain", catalog::Visibility::kPublic);
  ASSERT_TRUE(few.open(services_, a, owner_));
  EXPECT_NE(few.find(a, owner_), nullptr);  // the newest is kept with any
  ASSERT_TRUE(few.open(services_, b, owner_));
  EXPECT_EQ(few.find(a, owner_), nullptr);
  EXPECT_NE(few.find(b, owner_), nullptr);
  few.forget(b);
  ASSERT_TRUE(few.open(services_, plain, owner_));
  ASSERT_TRUE(few.open(services_, upload("plain 2", catalog::Visibility::kPublic), owner_));
  EXPECT_NE(few.find(plain, owner_), nullptr);
}

}  // namespace
}  // namespace strata::storage
