#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>

#include "../support/temporary_directory.h"
#include "registry/entries/rocksdb_store.h"

// The store's format version, changed behind its back.
namespace strata::entries {
namespace {

void write_version(const std::string& folder, char version, bool with_new_family) {
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, folder, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, folder, families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  ASSERT_TRUE(db->Put({}, "format", std::string(7, '\0') + version).ok());
  if (with_new_family) {
    rocksdb::ColumnFamilyHandle* added = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "of the future", &added).ok());
    handles.push_back(added);
  }
  for (auto* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
}

TEST(EntriesFormat, ANewerOneIsRefusedAndNamed) {
  for (const bool with_new_family : {false, true}) {
    const test::TemporaryDirectory folder;
    ASSERT_TRUE(open_rocksdb(folder.path(), Limits()));
    write_version(folder.path(), 3, with_new_family);
    const auto refused = open_rocksdb(folder.path(), Limits());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::kUsage);
    EXPECT_NE(refused.error().detail().find("format 3"), std::string::npos);
    write_version(folder.path(), 2, false);
    EXPECT_TRUE(open_rocksdb(folder.path(), Limits()));
  }
}

TEST(EntriesFormat, AFolderThatCannotBeMadeIsNamed) {
  const auto refused = open_rocksdb("/proc/strata", Limits());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail().find("/proc/strata"), std::string::npos);
}

}  // namespace
}  // namespace strata::entries
