#include "storage/service/config.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace strata::storage {
namespace {

class StorageConfigTest : public testing::Test {
 protected:
  Result<CommandLine> parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "strata-storage");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    return parse_command_line(static_cast<int>(argv.size()), argv.data());
  }
  std::string file(const std::string& text) {
    const std::string path = folder_.path() + "/strata.toml";
    std::ofstream(path) << text;
    return path;
  }
  void expect_usage(const Result<CommandLine>& line, const std::string& words) {
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().code(), Errc::kUsage);
    EXPECT_NE(line.error().detail().find(words), std::string::npos) << line.error().detail();
  }
  test::TemporaryDirectory folder_;
};

TEST_F(StorageConfigTest, DefaultsAreOnLoopback) {
  const auto line = parse({});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->config.host, "127.0.0.1");
  EXPECT_EQ(line->config.port, 8080);
  EXPECT_EQ(line->config.register_mode, RegisterMode::kAll);
}

TEST_F(StorageConfigTest, FlagsWinOverTheFile) {
  const std::string path = file(R"(
listen = "127.0.0.1:1000"
data = "/from/file"
public_url = "https://images.example/"
[registry]
url = "http://127.0.0.1:2000/"
register = "public"
[limits]
stored_bytes_max = 12345
removal_grace = 7
)");
  const auto line = parse({"--config", path, "--data", "/from/flag"});
  ASSERT_TRUE(line) << line.error().detail();
  EXPECT_EQ(line->config.port, 1000);
  EXPECT_EQ(line->config.data, "/from/flag");
  EXPECT_EQ(line->config.public_url, "https://images.example");
  EXPECT_EQ(line->config.registry_url, "http://127.0.0.1:2000");
  EXPECT_EQ(line->config.register_mode, RegisterMode::kPublic);
  EXPECT_EQ(line->config.limits.stored_bytes_max, 12345u);
  EXPECT_EQ(line->config.limits.removal_grace, std::chrono::seconds(7));
}

TEST_F(StorageConfigTest, UnknownKeysAreRefusedWithTheirLine) {
  expect_usage(parse({"--config", file("data = \"/d\"\n[registry]\nurll = \"x\"\n")}),
               "strata.toml:3: unknown key 'registry.urll'");
  expect_usage(parse({"--config", file("[limits]\nstored_bytes = 1\n")}), "limits.stored_bytes");
}

TEST_F(StorageConfigTest, EveryProblemIsReportedAtOnce) {
  const auto line = parse({"--config", file("data = 5\nlisten = true\nwhat = 1\n")});
  expect_usage(line, "'data' must be a string");
  expect_usage(line, "'listen' must be a string");
  expect_usage(line, "unknown key 'what'");
}

TEST_F(StorageConfigTest, RefusesWhatWouldBeUnsafeOrNonsense) {
  expect_usage(parse({"--listen", "0.0.0.0:8080"}), "without authentication");
  expect_usage(parse({"--listen", "[::]:8080"}), "without authentication");
  EXPECT_TRUE(parse({"--listen", "[::1]:8080"}));
  EXPECT_TRUE(parse({"--listen", "0.0.0.0:1", "--config", file("[auth]\nrequired = true\n")}));
  expect_usage(parse({"--listen", "8080"}), "HOST:PORT");
  expect_usage(parse({"--listen", "127.0.0.1:65536"}), "HOST:PORT");
  expect_usage(parse({"--register", "some"}), "all, public or none");
  expect_usage(parse({"--public-url", "images.example"}), "images.example");
  expect_usage(parse({"--endorser-key", "key.pem"}), "together");
  expect_usage(parse({"--config", file("[log]\nlevel = \"loud\"\n")}), "log.level");
  expect_usage(parse({"--config", file("data = \n")}), "strata.toml:1");
  expect_usage(parse({"--config", "/nothing/here.toml"}), "/nothing/here.toml");
  EXPECT_FALSE(parse({"--colour", "red"}));
}

}  // namespace
}  // namespace strata::storage
