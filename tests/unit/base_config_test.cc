#include "strata/base/config.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(ConfigFile, ReadsWhatIsAskedFor) {
  auto file = ConfigFile::parse("a = \"x\"\n[b]\nc = 5\nd = true\ne = [\"1\", \"2\"]\n", "f");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->text("a"), "x");
  EXPECT_EQ(file->integer("b.c"), 5);
  EXPECT_EQ(file->boolean("b.d"), true);
  EXPECT_EQ(file->texts("b.e"), (std::vector<std::string>{"1", "2"}));
  EXPECT_FALSE(file->text("absent"));
  EXPECT_TRUE(file->finish());
}

TEST(ConfigFile, WhatNobodyAskedForIsUnknown) {
  auto file = ConfigFile::parse("a = 1\n[b]\nc = 5\n", "f");
  EXPECT_EQ(file->integer("a"), 1);
  const Status status = file->finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), Errc::kUsage);
  EXPECT_EQ(status.error().detail(), "f:3: unknown key 'b.c'");
}

// A list that seems to be there and is not must not pass.
TEST(ConfigFile, AQuotedKeyWithADotIsUnknown) {
  auto file = ConfigFile::parse("\"b.c\" = 5\n", "f");
  EXPECT_FALSE(file->integer("b.c"));
  EXPECT_EQ(file->finish().error().detail(), "f:1: unknown key 'b.c'");
}

TEST(ConfigFile, AnEmptySectionThatNobodyAskedForIsUnknown) {
  auto file = ConfigFile::parse("[b]\n[d]\n", "f");
  EXPECT_FALSE(file->integer("b.c"));
  EXPECT_EQ(file->finish().error().detail(), "f:2: unknown key 'd'");
}

TEST(ConfigFile, WrongTypesAndRangesAreProblems) {
  auto file = ConfigFile::parse("a = 1\nb = \"x\"\nc = -1\nd = [1]\n", "f");
  EXPECT_FALSE(file->text("a"));
  EXPECT_FALSE(file->boolean("b"));
  EXPECT_FALSE(file->integer("c"));
  EXPECT_TRUE(file->texts("d").empty());
  const std::string all = file->finish().error().detail();
  for (const char* line : {"f:1: ", "f:2: ", "f:3: ", "f:4: "}) {
    EXPECT_NE(all.find(line), std::string::npos) << all;
  }
}

TEST(ConfigFile, AFolderIsNoEmptyFile) {
  EXPECT_EQ(ConfigFile::load("/").error().code(), Errc::kUsage);
}

TEST(ConfigFile, SyntaxErrorsNameTheirLine) {
  const auto file = ConfigFile::parse("a = 1\nb = \n", "f");
  ASSERT_FALSE(file);
  EXPECT_TRUE(file.error().detail().starts_with("f:2: ")) << file.error().detail();
}

TEST(ConfigFile, LimitsAreOverridden) {
  auto file = ConfigFile::parse("[limits]\nstored_bytes_max = 9\nrate_window = 3\n", "f");
  Limits limits;
  file->read_limits(limits);
  EXPECT_TRUE(file->finish());
  EXPECT_EQ(limits.stored_bytes_max, 9u);
  EXPECT_EQ(limits.rate_window, std::chrono::seconds(3));
  EXPECT_EQ(limits.decoded_bytes_max, Limits{}.decoded_bytes_max);
}

}  // namespace
}  // namespace strata
