#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "strata/io/block.h"
#include "strata/io/file_system.h"
#include "tests/support/temporary_directory.h"

namespace strata::io {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

bool is_direct(const File& file) {
  return (fcntl(file.descriptor(), F_GETFL) & O_DIRECT) != 0;
}

class PosixFileSystemTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const {
    return directory_.path() + "/" + name;
  }
  std::unique_ptr<File> create(const std::string& name, std::string_view contents = {}) {
    auto file = std::move(*fs_->open(path(name), OpenMode::kCreateNew));
    EXPECT_TRUE(file->write_at(0, bytes_of(contents)));
    return file;
  }
  [[nodiscard]] std::string contents(const std::string& name) {
    return *read_file(*fs_, path(name), 1 << 24);
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<FileSystem> fs_ = make_posix_file_system();
};

TEST_F(PosixFileSystemTest, WritesAndReadsAtOffsets) {
  const auto file = create("f", "hello");
  ASSERT_TRUE(file->write_at(8, bytes_of("world")));
  EXPECT_EQ(*file->size(), 13u);
  std::string back(20, 'x');
  EXPECT_EQ(*file->read_at(0, std::as_writable_bytes(std::span(back))), 13u);  // ends with the file
  EXPECT_EQ(back, std::string("hello\0\0\0world", 13) + "xxxxxxx");
  EXPECT_EQ(*file->read_at(13, std::as_writable_bytes(std::span(back))), 0u);
  ASSERT_TRUE(file->truncate(3));
  EXPECT_TRUE(file->sync_data());
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(contents("f"), "hel");
}

TEST_F(PosixFileSystemTest, OpenSaysWhatIsWrong) {
  create("f");
  EXPECT_EQ(fs_->open(path("f"), OpenMode::kCreateNew).error().code(), Errc::kConflict);
  EXPECT_EQ(fs_->open(path("g"), OpenMode::kRead).error().code(), Errc::kNotFound);
  EXPECT_EQ(fs_->open(path("g"), OpenMode::kReadWrite).error().code(), Errc::kNotFound);
  const auto read_only = std::move(*fs_->open(path("f"), OpenMode::kRead));
  EXPECT_EQ(read_only->write_at(0, bytes_of("x")).error().code(), Errc::kIo);
  // Error texts may reach clients: the name, never the path.
  EXPECT_EQ(fs_->open(path("g"), OpenMode::kRead).error().detail().find(directory_.path()),
            std::string::npos);
}

TEST_F(PosixFileSystemTest, FilesAreClosedOnExecAndForTheOwnerOnly) {
  const auto file = create("f");
  EXPECT_NE(fcntl(file->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
  struct stat status {};
  ASSERT_EQ(stat(path("f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(PosixFileSystemTest, DirectWritesFallBackForWhatIsNotAligned) {
  const auto file = create("f");
  if (!file->set_direct(true)) {
    EXPECT_FALSE(is_direct(*file));
    return;  // this file system has no O_DIRECT; the next test covers that
  }
  EXPECT_TRUE(is_direct(*file));
  Block block;
  std::memset(block.data(), 'a', kBlockBytes);
  ASSERT_TRUE(file->write_at(0, {block.data(), kBlockBytes}));
  EXPECT_TRUE(is_direct(*file));  // whole and aligned: it stayed direct
  ASSERT_TRUE(file->write_at(kBlockBytes, bytes_of("tail")));
  EXPECT_FALSE(is_direct(*file));
  EXPECT_EQ(contents("f"), std::string(kBlockBytes, 'a') + "tail");
}

TEST_F(PosixFileSystemTest, DirectReadsFallBackForWhatIsNotAligned) {
  const auto file = create("f", std::string(10'000, 'b'));
  (void)file->set_direct(true);
  std::string back(3, 'x');
  EXPECT_EQ(*file->read_at(5'001, std::as_writable_bytes(std::span(back))), 3u);
  EXPECT_EQ(back, "bbb");
  (void)file->set_direct(true);
  Block block;  // aligned, but the file ends inside a sector
  EXPECT_EQ(*file->read_at(8192, {block.data(), 4096}), 10'000u - 8192u);
}

TEST_F(PosixFileSystemTest, ReserveKeepsTheSizeAndRefusesWhatCannotFit) {
  const auto file = create("f", "12345");
  EXPECT_TRUE(file->reserve(1 << 20));
  EXPECT_TRUE(file->reserve(0));
  EXPECT_EQ(*file->size(), 5u);
  struct stat status {};
  ASSERT_EQ(fstat(file->descriptor(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, 1 << 20);
  EXPECT_EQ(file->reserve(std::uint64_t{1} << 62).error().code(), Errc::kNoSpace);
}

TEST_F(PosixFileSystemTest, HolesTakeNoSpace) {
  constexpr std::uint64_t kMiB = 1 << 20;
  const auto file = create("f", std::string(kMiB, 'x'));
  const auto allocated = [&] {
    struct stat status {};
    EXPECT_TRUE(file->sync());
    EXPECT_EQ(fstat(file->descriptor(), &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  };
  ASSERT_TRUE(file->reserve(8 * kMiB));
  ASSERT_TRUE(file->truncate(8 * kMiB));
  EXPECT_GE(allocated(), 8 * kMiB);
  const auto punched = file->punch_hole(8192, 8 * kMiB - 8192);
  ASSERT_TRUE(punched);
  EXPECT_TRUE(*file->punch_hole(0, 0));
  if (*punched) {
    EXPECT_LT(allocated(), kMiB / 2);
    EXPECT_EQ(contents("f"), std::string(8192, 'x') + std::string(8 * kMiB - 8192, '\0'));
  }
  EXPECT_EQ(*file->size(), 8 * kMiB);
  const auto read_only = std::move(*fs_->open(path("f"), OpenMode::kRead));
  EXPECT_EQ(read_only->punch_hole(0, 4096).error().code(), Errc::kIo);
}

TEST_F(PosixFileSystemTest, FullDiskIsNoSpace) {
  const auto full = fs_->open("/dev/full", OpenMode::kReadWrite);
  ASSERT_TRUE(full);
  EXPECT_EQ((*full)->write_at(0, bytes_of("x")).error().code(), Errc::kNoSpace);
}

TEST_F(PosixFileSystemTest, LinksRenamesAndRemoves) {
  create("a", "A");
  create("b", "B");
  EXPECT_EQ(fs_->link(path("a"), path("b")).error().code(), Errc::kConflict);
  ASSERT_TRUE(fs_->link(path("a"), path("c")));
  ASSERT_TRUE(fs_->rename(path("c"), path("d")));
  ASSERT_TRUE(fs_->rename(path("b"), path("e")));
  EXPECT_EQ(*fs_->list(directory_.path()), (std::vector<std::string>{"a", "d", "e"}));
  EXPECT_EQ(contents("d"), "A");
  ASSERT_TRUE(fs_->remove(path("a")));
  EXPECT_EQ(fs_->remove(path("a")).error().code(), Errc::kNotFound);
  EXPECT_FALSE(*fs_->exists(path("a")));
  EXPECT_TRUE(*fs_->exists(path("d")));
  EXPECT_EQ(fs_->rename(path("a"), path("z")).error().code(), Errc::kNotFound);
}

TEST_F(PosixFileSystemTest, MakesDirectoriesWithTheirParents) {
  ASSERT_TRUE(fs_->make_directories(path("x/y/z")));
  ASSERT_TRUE(fs_->make_directories(path("x/y/z")));
  EXPECT_TRUE(fs_->sync_directory(path("x/y")));
  EXPECT_EQ(*fs_->list(path("x")), (std::vector<std::string>{"y"}));
  create("file");
  EXPECT_FALSE(fs_->make_directories(path("file/below")));
  EXPECT_FALSE(fs_->sync_directory(path("file")));
  EXPECT_EQ(fs_->list(path("none")).error().code(), Errc::kNotFound);
  EXPECT_GT(*fs_->free_bytes(directory_.path()), 0u);
}

TEST_F(PosixFileSystemTest, ReadFileIsBounded) {
  create("f", "12345");
  EXPECT_EQ(*read_file(*fs_, path("f"), 5), "12345");
  EXPECT_EQ(read_file(*fs_, path("f"), 4).error().code(), Errc::kTooLarge);
  EXPECT_EQ(read_file(*fs_, path("g"), 4).error().code(), Errc::kNotFound);
}

TEST_F(PosixFileSystemTest, WriteFileDurablyReplacesAndIgnoresALeftover) {
  ASSERT_TRUE(write_file_durably(*fs_, path("f"), path("f.new"), "one"));
  create("f.new", "left behind by a crash, and longer");
  ASSERT_TRUE(write_file_durably(*fs_, path("f"), path("f.new"), "two"));
  EXPECT_EQ(contents("f"), "two");
  EXPECT_EQ(*fs_->list(directory_.path()), (std::vector<std::string>{"f"}));
}

TEST_F(PosixFileSystemTest, WriteFileDurablyLeavesTheOldFileWhenItFails) {
  ASSERT_TRUE(write_file_durably(*fs_, path("f"), path("f.new"), "old"));
  EXPECT_FALSE(write_file_durably(*fs_, path("none/f"), path("f.new"), "new"));
  EXPECT_EQ(contents("f"), "old");
  EXPECT_FALSE(*fs_->exists(path("f.new")));
}

TEST(PosixFileSystem, FileSystemWithoutDirectIoSaysSo) {
  const test::TemporaryDirectory memory("/dev/shm");  // tmpfs: O_DIRECT refused before Linux 6.6
  const auto fs = make_posix_file_system();
  const auto file = std::move(*fs->open(memory.path() + "/f", OpenMode::kCreateNew));
  const bool direct = file->set_direct(true);
  EXPECT_EQ(is_direct(*file), direct);
  ASSERT_TRUE(file->write_at(0, bytes_of("unaligned")));
  EXPECT_EQ(*read_file(*fs, memory.path() + "/f", 100), "unaligned");
}

// With a timer that interrupts whatever blocks.
TEST(PosixFileSystem, InterruptedCallsAreRepeated) {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART: calls return EINTR
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  const itimerval every_millisecond{{0, 500}, {0, 500}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &every_millisecond, nullptr), 0);
  const test::TemporaryDirectory directory;
  const auto fs = make_posix_file_system();
  const auto file = std::move(*fs->open(directory.path() + "/f", OpenMode::kCreateNew));
  const std::string data(1 << 22, 'q');
  Status status;
  for (int i = 0; i < 8 && status; ++i) {
    status = file->write_at(0, bytes_of(data));
    if (status) status = file->reserve(1 << 24);
    if (status) status = file->sync();
  }
  const itimerval off{};
  setitimer(ITIMER_REAL, &off, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  EXPECT_TRUE(status);
  EXPECT_EQ(*read_file(*fs, directory.path() + "/f", data.size()), data);
}

}  // namespace
}  // namespace strata::io
