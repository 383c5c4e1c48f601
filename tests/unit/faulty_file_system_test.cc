#include "tests/support/faulty_file_system.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace strata::test {
namespace {

using io::OpenMode;
using Leaves = FaultyFileSystem::Leaves;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class FaultyFileSystemTest : public ::testing::Test {
 protected:
  FaultyFileSystemTest() : fs_(std::make_unique<FaultyFileSystem>(plan_)) {
    EXPECT_TRUE(fs_->make_directories("/d"));
    plan_.reset();
  }
  std::unique_ptr<io::File> create(const std::string& path, std::string_view contents) {
    auto file = std::move(*fs_->open(path, OpenMode::kCreateNew));
    EXPECT_TRUE(file->write_at(0, bytes_of(contents)));
    return file;
  }
  // What is at `path` after a power cut; "-" = no such file.
  std::string after_cut(const std::string& path, Leaves leaves, std::uint32_t seed = 0) {
    const auto next = fs_->reboot(leaves, seed);
    return read_file(*next, path, 1 << 20).value_or("-");
  }

  FaultPlan plan_;
  std::unique_ptr<FaultyFileSystem> fs_;
};

TEST_F(FaultyFileSystemTest, BehavesLikeAFileSystem) {
  const auto file = create("/d/a", "hello");
  ASSERT_TRUE(file->write_at(7, bytes_of("!")));
  EXPECT_EQ(*file->size(), 8u);
  EXPECT_EQ(fs_->open("/d/a", OpenMode::kCreateNew).error().code(), Errc::kConflict);
  EXPECT_EQ(fs_->open("/d/b", OpenMode::kRead).error().code(), Errc::kNotFound);
  EXPECT_EQ(fs_->open("/e/b", OpenMode::kCreateNew).error().code(), Errc::kNotFound);
  ASSERT_TRUE(fs_->link("/d/a", "/d/b"));
  EXPECT_EQ(fs_->link("/d/a", "/d/b").error().code(), Errc::kConflict);
  ASSERT_TRUE(fs_->rename("/d//b", "/d/c"));
  EXPECT_EQ(*fs_->list("/d/"), (std::vector<std::string>{"a", "c"}));
  ASSERT_TRUE(fs_->remove("/d/a"));
  EXPECT_EQ(fs_->remove("/d/a").error().code(), Errc::kNotFound);
  EXPECT_EQ(*io::read_file(*fs_, "/d/c", 100), std::string("hello\0\0!", 8));
  ASSERT_TRUE(file->truncate(2));  // still open, still the same file
  EXPECT_EQ(*io::read_file(*fs_, "/d/c", 100), "he");
  fs_->set_free_bytes(10);
  EXPECT_EQ(*fs_->free_bytes("/d"), 10u);
  EXPECT_EQ(file->reserve(11).error().code(), Errc::kNoSpace);
  EXPECT_TRUE(file->reserve(10));
}

TEST_F(FaultyFileSystemTest, BytesLastAfterSyncAndNamesAfterDirectorySync) {
  const auto file = create("/d/a", "synced");
  ASSERT_TRUE(file->sync_data());
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "-");
  EXPECT_EQ(after_cut("/d/a", Leaves::kEverything), "synced");
  ASSERT_TRUE(fs_->sync_directory("/d"));
  ASSERT_TRUE(file->write_at(6, bytes_of(" and more")));
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "synced");
  EXPECT_EQ(after_cut("/d/a", Leaves::kEverything), "synced and more");
  ASSERT_TRUE(fs_->remove("/d/a"));
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "synced");
  EXPECT_EQ(after_cut("/d/a", Leaves::kEverything), "-");
}

TEST_F(FaultyFileSystemTest, NameWithoutSyncedBytesIsAnEmptyFile) {
  create("/d/a", "never synced");
  ASSERT_TRUE(fs_->sync_directory("/d"));
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "");
}

TEST_F(FaultyFileSystemTest, RenameIsDurableOnlyWithItsDirectory) {
  ASSERT_TRUE(write_file_durably(*fs_, "/d/a", "/d/t", "old"));
  const auto file = create("/d/t", "new");
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(fs_->rename("/d/t", "/d/a"));
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "old");
  ASSERT_TRUE(fs_->sync_directory("/d"));
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "new");
}

TEST_F(FaultyFileSystemTest, SeedsCoverDroppedTornAndKept) {
  const auto file = create("/d/a", "");
  ASSERT_TRUE(fs_->sync_directory("/d"));
  ASSERT_TRUE(file->write_at(0, bytes_of("first")));
  ASSERT_TRUE(file->write_at(5, bytes_of("second")));
  create("/d/b", "");
  std::set<std::string> seen_a, seen_b;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    seen_a.insert(after_cut("/d/a", Leaves::kSome, seed));
    seen_b.insert(after_cut("/d/b", Leaves::kSome, seed));
    EXPECT_EQ(after_cut("/d/a", Leaves::kSome, seed), after_cut("/d/a", Leaves::kSome, seed));
  }
  EXPECT_TRUE(seen_a.contains(""));
  EXPECT_TRUE(seen_a.contains("firstsecond"));
  EXPECT_TRUE(seen_a.contains("fi"));                                 // torn
  EXPECT_TRUE(seen_a.contains(std::string("\0\0\0\0\0second", 11)));  // out of order
  EXPECT_EQ(seen_b, (std::set<std::string>{"", "-"}));
}

TEST_F(FaultyFileSystemTest, HolesReadAsZerosAndLastAfterSync) {
  const auto file = create("/d/a", "abcdef");
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(fs_->sync_directory("/d"));
  ASSERT_TRUE(*file->punch_hole(1, 2));
  ASSERT_TRUE(*file->punch_hole(5, 10));  // up to the end, not beyond
  ASSERT_TRUE(*file->punch_hole(20, 1));
  const std::string holes("a\0\0de\0", 6);
  EXPECT_EQ(*io::read_file(*fs_, "/d/a", 100), holes);
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "abcdef");
  EXPECT_EQ(after_cut("/d/a", Leaves::kEverything), holes);
  std::set<std::string> seen;
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    seen.insert(after_cut("/d/a", Leaves::kSome, seed));
  }
  EXPECT_TRUE(seen.contains("abcdef"));
  EXPECT_TRUE(seen.contains(std::string("a\0\0def", 6)));  // one without the other
  EXPECT_TRUE(seen.contains(std::string("a\0cdef", 6)));   // torn
  ASSERT_TRUE(file->truncate(8));
  ASSERT_TRUE(file->sync_data());
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), holes + std::string(2, '\0'));
  EXPECT_EQ(fs_->bytes_written(), 6u);
}

TEST_F(FaultyFileSystemTest, HolesFailAndMayNotExist) {
  const auto file = create("/d/a", "abc");
  plan_.fail_after(0, Errc::kIo);
  EXPECT_EQ(file->punch_hole(0, 3).error().code(), Errc::kIo);
  fs_->set_punches_holes(false);
  EXPECT_FALSE(*file->punch_hole(0, 3));
  EXPECT_EQ(*io::read_file(*fs_, "/d/a", 100), "abc");
  EXPECT_EQ(plan_.calls(), 2u);
}

TEST_F(FaultyFileSystemTest, HardLinksStayOneFile) {
  const auto file = create("/d/a", "x");
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(fs_->link("/d/a", "/d/b"));
  ASSERT_TRUE(fs_->sync_directory("/d"));
  const auto next = fs_->reboot(Leaves::kNothing);
  const auto again = std::move(*next->open("/d/a", OpenMode::kReadWrite));
  ASSERT_TRUE(again->write_at(0, bytes_of("y")));
  EXPECT_EQ(*io::read_file(*next, "/d/b", 100), "y");
}

TEST_F(FaultyFileSystemTest, FailsTheChosenCallOnce) {
  plan_.fail_after(2, Errc::kNoSpace);
  auto file = create("/d/a", "x");  // open, write
  EXPECT_EQ(file->sync().error().code(), Errc::kNoSpace);
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(plan_.calls(), 4u);
}

TEST_F(FaultyFileSystemTest, KeepsFailingWhenAskedTo) {
  plan_.fail_after(1, Errc::kIo, FaultPlan::Then::kKeepFailing);
  auto file = std::move(*fs_->open("/d/a", OpenMode::kCreateNew));
  EXPECT_EQ(file->write_at(0, bytes_of("abcd")).error().code(), Errc::kIo);
  EXPECT_EQ(file->sync().error().code(), Errc::kIo);
  EXPECT_EQ(*io::read_file(*fs_, "/d/a", 10), "ab");  // half of the write went down; reads work
  plan_.reset();
  EXPECT_TRUE(file->sync());
}

TEST_F(FaultyFileSystemTest, PowerCutStopsEverything) {
  auto file = create("/d/a", "x");
  plan_.cut_power_after(1);
  ASSERT_TRUE(file->sync());
  EXPECT_FALSE(plan_.power_is_off());
  EXPECT_EQ(fs_->sync_directory("/d").error().code(), Errc::kIo);
  EXPECT_TRUE(plan_.power_is_off());
  EXPECT_FALSE(fs_->list("/d"));
  EXPECT_FALSE(fs_->exists("/d/a"));
  EXPECT_FALSE(fs_->open("/d/a", OpenMode::kRead));
  EXPECT_FALSE(file->size());
  EXPECT_FALSE(file->write_at(0, bytes_of("y")));
  plan_.reset();
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "-");
}

TEST_F(FaultyFileSystemTest, CallInWhichThePowerWentMayHaveTakenEffect) {
  plan_.cut_power_after(0);
  EXPECT_FALSE(fs_->open("/d/a", OpenMode::kCreateNew));
  plan_.reset();
  EXPECT_EQ(after_cut("/d/a", Leaves::kNothing), "-");
  EXPECT_EQ(after_cut("/d/a", Leaves::kEverything), "");
}

}  // namespace
}  // namespace strata::test
