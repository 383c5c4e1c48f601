#include "storage/service/secret_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace strata::storage {
namespace {

TEST(SecretFile, IsWrittenOnceAndForItsOwnerOnly) {
  const test::TemporaryDirectory folder;
  const std::string path = folder.path() + "/token";
  std::ofstream(path + ".new") << "half of one, from a start that was cut off";
  ASSERT_TRUE(write_secret(path, "secret\n"));
  EXPECT_EQ(read_secret(path), "secret");
  struct stat found {};
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  EXPECT_EQ(write_secret(path, "other\n").error().code(), Errc::kConflict);
  EXPECT_EQ(read_secret(path), "secret");
}

// A file without its contents would keep every later start from making a good one.
TEST(SecretFile, AWriteThatFailsLeavesNoFile) {
  const test::TemporaryDirectory folder;
  const std::string path = folder.path() + "/token";
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit nothing{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &nothing), 0);
  const Status written = write_secret(path, "secret\n");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(written);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_TRUE(write_secret(path, "secret\n"));
}

}  // namespace
}  // namespace strata::storage
