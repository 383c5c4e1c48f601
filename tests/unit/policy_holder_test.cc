#include "registry/policy/holder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/temporary_directory.h"

namespace strata::policy {
namespace {

using testing::HasSubstr;

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

TEST(PolicyHolder, WithoutAPathThereIsNoPolicy) {
  EXPECT_EQ(PolicyHolder("").get(), nullptr);
}

TEST(PolicyHolder, AFileThatBecomesBrokenOrGoesDeniesEverything) {
  const test::TemporaryDirectory folder;
  const std::string path = folder.path() + "/policy.toml";
  write(path, "endorsers.allow = ['a@x.example']");
  PolicyHolder holder(path);
  const auto before = holder.get();
  ASSERT_FALSE(before->denied());
  write(path, "endorsers.allow = 'a@x.example'");
  holder.reload(path);
  ASSERT_TRUE(holder.get()->denied());
  EXPECT_THAT(*holder.get()->denied(), HasSubstr("endorsers.allow"));
  EXPECT_FALSE(before->denied()) << "who judges by it keeps it";
  write(path, "");
  holder.reload(path);
  EXPECT_FALSE(holder.get()->denied());
  std::remove(path.c_str());
  holder.reload(path);
  EXPECT_TRUE(holder.get()->denied());
}

TEST(PolicyHolder, TheNameSaysTheForm) {
  const test::TemporaryDirectory folder;
  const std::string toml = "[endorsers]\nallow = []\n";
  write(folder.path() + "/policy.cfg", toml);
  EXPECT_THAT(*PolicyHolder(folder.path() + "/policy.cfg").get()->denied(),
              HasSubstr("ends in .toml"));
  write(folder.path() + "/policy.toml", "[endorsers]\nwhitelistendorsers=\n");
  EXPECT_TRUE(PolicyHolder(folder.path() + "/policy.toml").get()->denied());
}

TEST(PolicyHolder, IsReloadedWhileItIsRead) {
  const test::TemporaryDirectory folder;
  const std::string path = folder.path() + "/policy.toml";
  write(path, "");
  PolicyHolder holder(path);
  std::atomic<bool> end{false};
  std::thread reader([&] {
    while (!end) EXPECT_NE(holder.get(), nullptr);
  });
  for (int i = 0; i < 200; ++i) holder.reload(path);
  end = true;
  reader.join();
}

}  // namespace
}  // namespace strata::policy
