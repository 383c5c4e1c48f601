// What is of RocksDB in the catalogue: format versions, one process at a time, damage.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "storage/catalog/catalog.h"
#include "storage/catalog/records.h"
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
