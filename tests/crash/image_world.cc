#include "tests/crash/image_world.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <set>

#include "storage/blob/local_blob_store.h"
#include "storage/catalog/rocksdb_catalog.h"

namespace strata::test {
namespace {

using catalog::Image;
using Leaves = FaultyFileSystem::Leaves;

constexpr UnixMillis kHour = 3'600'000;
constexpr std::uint32_t kSeeds = 4;
constexpr std::size_t kPiece = 3000;  // of an upload: several appends, none aligned

// Which blob an unacknowledged image got is nobody's business.
Image without_blob(Image image) {
  image.blob = BlobId();
  return image;
}

}  // namespace

std::vector<Ending> all_endings() {
  std::vector<Ending> endings = {
      {Leaves::kNothing, 0, false}, {Leaves::kNothing, 0, true}, {Leaves::kEverything, 0, false}};
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
    endings.push_back({Leaves::kSome, seed, seed % 2 == 1});
  }
  return endings;
}

std::string describe(const Ending& ending) {
  return "leaves " + std::to_string(static_cast<int>(ending.leaves)) + ", seed " +
         std::to_string(ending.seed) + (ending.write_takes_effect ? ", write takes effect" : "");
}

ImageWorld::ImageWorld(const Ending& ending)
    : ending_(ending), fs_(std::make_unique<FaultyFileSystem>(plan_)) {
  open_catalog();
  EXPECT_TRUE(start());
}

ImageWorld::~ImageWorld() = default;

void ImageWorld::open_catalog() {
  images_.reset();
  catalog_.reset();
  inner_.reset();
  env_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  inner_ = std::move(*catalog::open_rocksdb_catalog("/catalog", env_.get()));
}

void ImageWorld::lose_catalog() {
  open_catalog();
}

Status ImageWorld::start() {
  images_.reset();
  catalog_ = std::make_unique<FaultyCatalog>(*inner_, plan_, ending_.write_takes_effect);
  STRATA_TRY(blobs_, blob::open_local_blob_store(*fs_, "/store", maker_.random()));
  images_ = std::make_unique<catalog::ImageStore>(*blobs_, *catalog_, clock(),
                                                  [](const Image&) { return true; });
  STRATA_TRY(const auto recovery, images_->recover());
  EXPECT_EQ(recovery.damaged, 0u);  // a power cut damages no blob
  return {};
}

void ImageWorld::reboot() {
  images_.reset();
  blobs_.reset();
  // Another fate for each moment, and the same in each run of the test.
  const auto seed = ending_.seed * 7919 + static_cast<std::uint32_t>(plan_.calls());
  plan_.reset();
  fs_ = fs_->reboot(ending_.leaves, seed);
}

Result<Image> ImageWorld::publish(const Image& image, const std::string& bytes) {
  STRATA_TRY(auto writer, blobs_->begin({bytes.size() + 1}));
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const std::string piece = bytes.substr(at, kPiece);
    const auto data = std::as_bytes(std::span(piece));
    if (auto appended = writer->append(data); !appended) return appended.error();
    if (at == 0) {
      if (auto synced = writer->sync(); !synced) return synced.error();
    }
  }
  return images_->publish(std::move(writer), image, properties_of(bytes, bytes));
}

ImageWorld::Upload ImageWorld::upload(const std::string& owner, const std::string& bytes) {
  Image image = maker_.make(owner, bytes);
  image.blob = BlobId();
  model_[image.id] = {{std::nullopt, image}, bytes};
  const auto published = publish(image, bytes);
  if (!published) return {image.id, published.error()};
  EXPECT_EQ(without_blob(*published), image);
  model_[image.id].allowed = {image};
  return {image.id, {}};
}

Status ImageWorld::update(const ImageId& id, const std::function<void(Image&)>& change) {
  clock().advance(1000);
  Expected& expected = model_.at(id);
  Image after = *expected.allowed.front();
  change(after);
  after.updated = clock().now();
  expected.allowed.emplace_back(after);
  const auto updated = images_->update(id, [&](Image& image) {
    change(image);
    return Status();
  });
  if (!updated) return updated.error();
  EXPECT_EQ(without_blob(*updated), after);
  expected.allowed = {after};
  return {};
}

Status ImageWorld::remove(const ImageId& id) {
  Expected& expected = model_.at(id);
  expected.allowed.emplace_back(std::nullopt);
  if (auto removed = images_->remove(id); !removed) return removed;
  expected.allowed = {std::nullopt};
  return {};
}

Status ImageWorld::collect() {
  clock().advance(kHour);
  STRATA_TRY([[maybe_unused]] const auto count,
             images_->collect_removals(clock().now(), std::chrono::seconds(600)));
  return {};
}

void ImageWorld::verify() {
  std::uint64_t there = 0;
  for (const auto& [id, expected] : model_) {
    verify_image(id, expected);
    if (catalog_->get(id)) ++there;
  }
  EXPECT_EQ(*catalog_->count(), there) << "images that nobody made";
  EXPECT_EQ(catalog_->list({}, 1000, std::nullopt)->images.size(), there);
  verify_disk();
  // The store works: a new image with new bytes, one that shares them, and both go.
  const auto first = upload("carol", "afterwards");
  const auto second = upload("carol", "afterwards");
  EXPECT_TRUE(first.status);
  EXPECT_TRUE(second.status);
  EXPECT_EQ(catalog_->get(first.id)->blob, catalog_->get(second.id)->blob);
  EXPECT_TRUE(remove(first.id));
  verify_image(second.id, model_.at(second.id));
  EXPECT_TRUE(remove(second.id));
  EXPECT_TRUE(collect());
  verify_disk();
}

void ImageWorld::verify_image(const ImageId& id, const Expected& expected) {
  const auto image = catalog_->get(id);
  std::optional<Image> found;
  if (image) found = without_blob(*image);
  if (!image) {
    EXPECT_EQ(image.error().code(), Errc::kNotFound);
  }
  const bool allowed =
      std::find(expected.allowed.begin(), expected.allowed.end(), found) != expected.allowed.end();
  EXPECT_TRUE(allowed) << id.text()
                       << (found ? " is there, but not as it may be"
                                 : " is lost: " + image.error().message());
  if (image) verify_bytes(*image, expected.bytes);
}

void ImageWorld::verify_bytes(const Image& image, const std::string& bytes) {
  const auto reader = blobs_->open(image.blob);
  ASSERT_TRUE(reader) << reader.error().message();
  std::string found(static_cast<std::size_t>((*reader)->size()), '?');
  EXPECT_TRUE((*reader)->read_at(0, std::as_writable_bytes(std::span(found))));
  EXPECT_EQ(found, bytes);
  const auto info = blobs_->info(image.blob);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->properties, image.content);
  EXPECT_EQ(info->properties.stored, digest::digest_of(bytes));
  // The next rebuild would find it.
  const auto annotated =
      catalog::images_from_annotation(info->annotation, image.blob, info->properties);
  ASSERT_TRUE(annotated);
  EXPECT_NE(std::find(annotated->begin(), annotated->end(), image), annotated->end());
  // It is announced, or waits to be: the outbox was raised in the same write.
  const auto registration = catalog_->registration(image.content.decoded.sha256);
  ASSERT_TRUE(registration && *registration);
  EXPECT_GE((*registration)->wanted, 1u);
}

// Nothing in staging; blobs are whole; after collection each of them has an image.
void ImageWorld::verify_disk() {
  EXPECT_EQ(*fs_->list("/store/staging"), std::vector<std::string>());
  EXPECT_TRUE(collect());
  EXPECT_TRUE(catalog_->removals()->empty());
  std::set<std::string> files;
  for (const std::string& file : fs_->all_files()) {
    if (file.starts_with("/store/blobs/")) files.insert(file);
  }
  for (const std::string& file : files) {
    const bool sidecar = file.ends_with(".json");
    const std::string other = sidecar ? file.substr(0, file.size() - 5) : file + ".json";
    EXPECT_TRUE(files.contains(other)) << file << " stands alone";
  }
  const auto blobs = blobs_->list();
  ASSERT_TRUE(blobs);
  EXPECT_EQ(files.size(), 2 * blobs->size());
  for (const BlobId& blob : *blobs) {
    EXPECT_FALSE(catalog_->images_of_blob(blob)->empty()) << blob.text() << " is kept for nobody";
  }
}

void ImageWorld::expect_not_uploaded(const ImageId& id) {
  EXPECT_EQ(catalog_->get(id).error().code(), Errc::kNotFound);
  model_.at(id).allowed = {std::nullopt};
}

}  // namespace strata::test
