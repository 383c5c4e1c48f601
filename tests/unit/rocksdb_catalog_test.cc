// What is of RocksDB in the catalogue: format versions, one process at a time, damage.
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalog/catalog.h"
#include "storage/catalog/records.h"
#include "storage/catalog/rocksdb_catalog.h"
#include "tests/support/images.h"
#include "tests/support/temporary_directory.h"

namespace strata::catalog {
namespace {

class RocksdbCatalogTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return dir_.path() + "/catalog"; }
  // Changes the database behind the catalogue's back.
  template <typename Change>
  void with_rocksdb(Change change) {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path(), &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const auto& name : names) descriptors.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, path(), descriptors, &families, &db).ok());
    change(*db, families);
    for (auto* family : families) (void)db->DestroyColumnFamilyHandle(family);
    delete db;
  }
  test::TemporaryDirectory dir_;
  test::ImageMaker maker_;
};

TEST_F(RocksdbCatalogTest, NewerFormatIsRefusedWithAClearMessage) {
  ASSERT_TRUE(open_rocksdb_catalog(path()));
  with_rocksdb([](rocksdb::DB& db, auto&) { (void)db.Put({}, "format", "2"); });
  const Error error = open_rocksdb_catalog(path()).error();
  EXPECT_EQ(error.code(), Errc::kCorruptData);
  EXPECT_NE(error.detail().find("format version 2"), std::string::npos);
  EXPECT_NE(error.detail().find("newer"), std::string::npos);
  with_rocksdb([](rocksdb::DB& db, auto&) { (void)db.Put({}, "format", "x"); });
  EXPECT_NE(open_rocksdb_catalog(path()).error().detail().find("damaged"), std::string::npos);
}

TEST_F(RocksdbCatalogTest, UnknownKindOfRecordIsANewerFormat) {
  ASSERT_TRUE(open_rocksdb_catalog(path()));
  with_rocksdb([](rocksdb::DB& db, auto&) {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    ASSERT_TRUE(db.CreateColumnFamily({}, "tomorrow", &family).ok());
    (void)db.DestroyColumnFamilyHandle(family);
  });
  const Error error = open_rocksdb_catalog(path()).error();
  EXPECT_EQ(error.code(), Errc::kCorruptData);
  EXPECT_NE(error.detail().find("tomorrow"), std::string::npos);
}

TEST_F(RocksdbCatalogTest, RecordsWithoutAFormatVersionAreRefused) {
  ASSERT_TRUE((*open_rocksdb_catalog(path()))->put(maker_.make("o", "x"), false));
  with_rocksdb([](rocksdb::DB& db, auto&) { (void)db.Delete({}, "format"); });
  EXPECT_EQ(open_rocksdb_catalog(path()).error().code(), Errc::kCorruptData);
}

TEST_F(RocksdbCatalogTest, SecondProcessIsRefused) {
  const auto first = open_rocksdb_catalog(path());
  ASSERT_TRUE(first);
  EXPECT_EQ(open_rocksdb_catalog(path()).error().code(), Errc::kInUse);
}

TEST_F(RocksdbCatalogTest, ErrorsDoNotTellThePath) {
  std::ofstream(dir_.path() + "/file") << "x";
  const Error error = open_rocksdb_catalog(dir_.path() + "/file/below").error();
  EXPECT_EQ(error.detail().find(dir_.path()), std::string::npos);
}

// RocksDB on a disk whose writes fail while `error` is set.
class FailingEnv final : public rocksdb::EnvWrapper {
 public:
  FailingEnv() : EnvWrapper(rocksdb::Env::Default()) {}

  std::optional<rocksdb::Status> error;
  bool only_sync = false;

  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    if (error && !only_sync) return *error;
    const auto status = target()->NewWritableFile(name, file, options);
    if (status.ok()) *file = std::make_unique<File>(std::move(*file), *this);
    return status;
  }

 private:
  class File final : public rocksdb::WritableFileWrapper {
   public:
    File(std::unique_ptr<rocksdb::WritableFile> file, FailingEnv& env)
        : WritableFileWrapper(file.get()), file_(std::move(file)), env_(env) {}
    using WritableFileWrapper::Append;
    rocksdb::Status Append(const rocksdb::Slice& data) override {
      return env_.error && !env_.only_sync ? *env_.error : file_->Append(data);
    }
    rocksdb::Status Sync() override { return env_.error ? *env_.error : file_->Sync(); }

   private:
    std::unique_ptr<rocksdb::WritableFile> file_;
    FailingEnv& env_;
  };
};

class FailingDiskTest : public RocksdbCatalogTest {
 protected:
  FailingEnv env_;
  std::unique_ptr<Catalog> catalog_ = std::move(*open_rocksdb_catalog(path(), &env_));
};

TEST_F(FailingDiskTest, FullDiskIsACleanErrorAndWritesGoOnWhenThereIsRoom) {
  const Image before = maker_.make("o", "before"), refused = maker_.make("o", "refused");
  ASSERT_TRUE(catalog_->put(before, true));
  env_.error = rocksdb::Status::NoSpace();
  EXPECT_EQ(catalog_->put(refused, true).error().code(), Errc::kNoSpace);
  EXPECT_EQ(*catalog_->get(before.id), before);
  EXPECT_EQ(catalog_->get(refused.id).error().code(), Errc::kNotFound);
  EXPECT_EQ(*catalog_->count(), 1u);
  env_.error.reset();
  EXPECT_TRUE(catalog_->put(refused, true));
  EXPECT_EQ(*catalog_->count(), 2u);
  EXPECT_EQ(*catalog_->outbox_depth(), 2u);
}

// The log may hold the whole failed write (only its sync failed): it must not come back.
TEST_F(FailingDiskTest, WriteThatFailedHasNotHappenedWhenWritesGoOn) {
  Image kept = maker_.make("o", "kept");
  const Image refused = maker_.make("o", "refused"), next = maker_.make("o", "next");
  ASSERT_TRUE(catalog_->put(kept, true));
  for (const bool only_sync : {false, true}) {
    env_.error = rocksdb::Status::IOError("made to fail");
    env_.only_sync = only_sync;
    EXPECT_EQ(catalog_->put(refused, true).error().code(), Errc::kIo);
    Image changed = kept;
    changed.name = "changed";
    EXPECT_EQ(catalog_->put(changed, true).error().code(), Errc::kIo);
    EXPECT_EQ(*catalog_->get(kept.id), kept);  // reads go on
    EXPECT_EQ(catalog_->list({}, 10, std::nullopt)->images, std::vector<Image>{kept});
    env_.error.reset();
    ASSERT_TRUE(catalog_->put(next, true));
    EXPECT_EQ(catalog_->get(refused.id).error().code(), Errc::kNotFound);
    EXPECT_FALSE(*catalog_->registration(refused.content.decoded.sha256));
    EXPECT_EQ(*catalog_->get(kept.id), kept);
    EXPECT_EQ(*catalog_->count(), 2u);
    ASSERT_TRUE(catalog_->remove(next.id, true, 1));
  }
  catalog_.reset();
  catalog_ = std::move(*open_rocksdb_catalog(path(), &env_));
  EXPECT_EQ(catalog_->list({}, 10, std::nullopt)->images, std::vector<Image>{kept});
}

TEST(CatalogRecords, AnnotationHoldsTheWordsOfItsImages) {
  test::ImageMaker maker;
  Image a = maker.make("alice", "x.gz", "x"), b = maker.make("alice", "x.gz", "x");
  a.tags = {"t"};
  a.metadata = {{"os", "debian"}};
  a.visibility = Visibility::kPublic;
  b.blob = a.blob;
  const std::string annotation = to_annotation({a, b});
  EXPECT_EQ(*images_from_annotation(annotation, a.blob, a.content), (std::vector<Image>{a, b}));
  EXPECT_TRUE(images_from_annotation(to_annotation({}), a.blob, a.content)->empty());
  // Stated once, in the sidecar.
  EXPECT_EQ(annotation.find(a.content.stored.sha256.hex()), std::string::npos);
}

TEST(CatalogRecords, DamagedOrNewerJsonIsRefused) {
  test::ImageMaker maker;
  const Image image = maker.make("alice", "x");
  const std::string json = to_json(image);
  ASSERT_EQ(*image_from_json(json), image);
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = json;
    text.replace(text.find(from), from.size(), to);
    return image_from_json(text);
  };
  EXPECT_NE(changed("\"version\":1", "\"version\":2").error().detail().find("newer"),
            std::string::npos);
  EXPECT_EQ(changed("\"version\":1", "\"version\":0").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed("\"version\":1", "\"version\":1.5").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed("\"private\"", "\"secret\"").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed("\"tags\":[]", "\"tags\":[1]").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed("\"metadata\":{}", "\"metadata\":[]").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed("\"identity\"", "\"rar\"").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed("\"raw\"", "\"cooked\"").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed("\"bytes\":1", "\"bytes\":-1").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed(image.id.text(), "x").error().code(), Errc::kCorruptData);
  EXPECT_EQ(changed(image.blob.text(), "x").error().code(), Errc::kCorruptData);
  EXPECT_EQ(image_from_json(json.substr(1)).error().code(), Errc::kCorruptData);
  for (const char* missing : {"\"owner\"", "\"created\"", "\"content\"", "\"sha-512\""}) {
    EXPECT_EQ(changed(missing, "\"no\"").error().code(), Errc::kCorruptData) << missing;
  }
  EXPECT_EQ(images_from_annotation("", image.blob, image.content).error().code(),
            Errc::kCorruptData);
  EXPECT_NE(images_from_annotation("{\"version\":2}", image.blob, image.content)
                .error()
                .detail()
                .find("newer"),
            std::string::npos);
}

TEST(CatalogRecords, OutboxKeysSortByTime) {
  Registration early, late;
  early.next_attempt = 255;
  late.next_attempt = 256;
  early.content.bytes[0] = 0xff;
  EXPECT_LT(outbox_key(early), outbox_key(late));
  EXPECT_EQ(outbox_time(outbox_key(late)), 256);
  EXPECT_EQ(outbox_content(outbox_key(early)), early.content.hex());
}

}  // namespace
}  // namespace strata::catalog
