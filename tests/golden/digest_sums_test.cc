#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "storage/digest/resumable_hasher.h"
#include "strata/digest/hasher.h"
#include "tests/support/digest_states.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

// Files of many lengths, digested by sha1sum, sha256sum and sha512sum now and here, and by us.
namespace strata::digest {
namespace {

std::vector<std::size_t> lengths() {
  std::vector<std::size_t> list = {0, 1, 4095, 65'537, 1'000'003, (std::size_t{1} << 20) + 3};
  for (std::size_t length = 55; length <= 129; ++length) list.push_back(length);
  return list;
}

class DigestSums : public testing::Test {
 protected:
  // File name -> content; the name is the length.
  using Files = std::map<std::string, std::string>;

  void SetUp() override {
    std::fprintf(stderr, "seed %u\n", seed_);
    for (const std::size_t length : lengths()) {
      std::string& content = files_[std::to_string(length)];
      content.resize(length);
      std::ranges::generate(content, [&] { return static_cast<char>(random_()); });
      std::ofstream(folder_.path() + "/" + std::to_string(length), std::ios::binary) << content;
    }
    sha1_ = sums("sha1sum");
    sha256_ = sums("sha256sum");
    sha512_ = sums("sha512sum");
  }

  void expect_sums(const std::string& name, const DigestSet& found) const {
    EXPECT_EQ(std::to_string(found.bytes), name);
    EXPECT_EQ(found.sha1.hex(), sha1_.at(name)) << name << " bytes, seed " << seed_;
    EXPECT_EQ(found.sha256.hex(), sha256_.at(name)) << name << " bytes, seed " << seed_;
    EXPECT_EQ(found.sha512.hex(), sha512_.at(name)) << name << " bytes, seed " << seed_;
  }

  Files files_;

 private:
  // File name -> hex digest, from the tool's lines "HEX  NAME".
  [[nodiscard]] Files sums(const std::string& tool) const {
    std::istringstream lines(test::run_tool("cd '" + folder_.path() + "' && " + tool + " *"));
    Files result;
    for (std::string hex, name; lines >> hex >> name;) result[name] = hex;
    EXPECT_EQ(result.size(), files_.size()) << tool;
    return result;
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  test::TemporaryDirectory folder_;
  Files sha1_, sha256_, sha512_;
};

TEST_F(DigestSums, InOnePass) {
  for (const auto& [name, content] : files_) expect_sums(name, digest_of(content));
}

TEST_F(DigestSums, ByOpenssl) {
  for (const auto& [name, content] : files_) {
    const auto hasher = make_openssl_hasher(Algorithms::kAll);
    hasher->update(std::as_bytes(std::span(content)));
    expect_sums(name, hasher->finish());
  }
}

TEST_F(DigestSums, ByEveryWayThroughOurKernels) {
  for (const auto& way : test::every_way(Algorithms::kAll)) {
    for (const auto& [name, content] : files_) {
      const auto hasher = make_resumable_hasher(Algorithms::kAll, way.run);
      hasher->update(std::as_bytes(std::span(content)));
      SCOPED_TRACE(way.name);
      expect_sums(name, hasher->finish());
    }
  }
}

TEST_F(DigestSums, JoinedFromTheSplit) {
  for (const auto& [name, content] : files_) {
    const auto first = make_hasher(kSplit[0]);
    const auto second = make_hasher(kSplit[1]);
    first->update(std::as_bytes(std::span(content)));
    second->update(std::as_bytes(std::span(content)));
    expect_sums(name, join(first->finish(), second->finish()));
  }
}

}  // namespace
}  // namespace strata::digest
