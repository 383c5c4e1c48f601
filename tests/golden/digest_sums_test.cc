#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "storage/digest/lanes.h"
#include "storage/digest/resumable_hasher.h"
#include "strata/digest/hasher.h"
#include "tests/support/digest_states.h"
#include "tests/support/lane_plans.h"
#include "tests/support/random_data.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

// Files of every length up to 8192 and of some more, digested by sha1sum, sha256sum and sha512sum
// now and here, and by us.
namespace strata::digest {
namespace {

struct Sample {
  std::string name;  // of the file: its length
  std::vector<std::byte> content;
  std::string sha1, sha256, sha512;  // by the tools
};

// Made once for all tests.
struct Samples {
  Samples() {
    std::vector<std::size_t> lengths = {65'537, 1'000'003, (std::size_t{1} << 20) + 3};
    for (std::size_t length = 0; length <= 8192; ++length) lengths.push_back(length);
    const test::TemporaryDirectory folder;
    for (const std::size_t length : lengths) {
      list.push_back({std::to_string(length), random.bytes(length), {}, {}, {}});
      std::ofstream(folder.path() + "/" + list.back().name, std::ios::binary)
          .write(reinterpret_cast<const char*>(list.back().content.data()),
                 static_cast<std::streamsize>(length));
    }
    add_sums("sha1sum", folder.path(), &Sample::sha1);
    add_sums("sha256sum", folder.path(), &Sample::sha256);
    add_sums("sha512sum", folder.path(), &Sample::sha512);
    // Not in order of length: streams that go on together should differ.
    std::ranges::shuffle(list, random.engine());
  }

  test::RandomData random;
  std::vector<Sample> list;

 private:
  // From the tool's lines "HEX  NAME".
  void add_sums(const std::string& tool, const std::string& folder, std::string Sample::*sum) {
    std::istringstream lines(test::run_tool("cd '" + folder + "' && " + tool + " *"));
    std::map<std::string, std::string> found;
    for (std::string hex, name; lines >> hex >> name;) found[name] = hex;
    check(found.size() == list.size(), "lines of " + tool);
    for (Sample& sample : list) sample.*sum = found.at(sample.name);
  }
};

Samples& samples() {
  static Samples made;
  return made;
}

void expect_sums(const Sample& sample, const DigestSet& found,
                 Algorithms algorithms = Algorithms::kAll) {
  const std::string why = sample.name + " bytes, seed " + std::to_string(samples().random.seed());
  EXPECT_EQ(std::to_string(found.bytes), sample.name);
  if (has(algorithms, Algorithms::kSha1)) {
    EXPECT_EQ(found.sha1.hex(), sample.sha1) << why;
  }
  if (has(algorithms, Algorithms::kSha256)) {
    EXPECT_EQ(found.sha256.hex(), sample.sha256) << why;
  }
  if (has(algorithms, Algorithms::kSha512)) {
    EXPECT_EQ(found.sha512.hex(), sample.sha512) << why;
  }
}

TEST(DigestSums, InOnePass) {
  for (const Sample& sample : samples().list) expect_sums(sample, digest_of(sample.content));
}

TEST(DigestSums, ByOpenssl) {
  for (const Sample& sample : samples().list) {
    const auto hasher = make_openssl_hasher(Algorithms::kAll);
    hasher->update(sample.content);
    expect_sums(sample, hasher->finish());
  }
}

// All lengths about the block sizes, and a tenth of the others: there are many ways.
TEST(DigestSums, ByEveryWayThroughOurKernels) {
  for (const auto& way : test::every_way(Algorithms::kAll)) {
    SCOPED_TRACE(way.name);
    for (const Sample& sample : samples().list) {
      if (sample.content.size() > 300 && samples().random.below(10) > 0) continue;
      const auto hasher = make_resumable_hasher(Algorithms::kAll, way.run);
      hasher->update(sample.content);
      expect_sums(sample, hasher->finish());
    }
  }
}

TEST(DigestSums, JoinedFromTheSplit) {
  for (const Sample& sample : samples().list) {
    const auto first = make_hasher(kSplit[0]);
    const auto second = make_hasher(kSplit[1]);
    first->update(sample.content);
    second->update(sample.content);
    expect_sums(sample, join(first->finish(), second->finish()));
  }
}

// All samples by `update`, 1 to 40 at a time.
template <typename Update>
void expect_sums_together(Algorithms algorithms, const Update& update) {
  for (std::span<const Sample> rest = samples().list; !rest.empty();) {
    const auto group = rest.first(std::min(rest.size(), 1 + samples().random.below(40)));
    rest = rest.subspan(group.size());
    std::vector<std::unique_ptr<ResumableHasher>> hashers;
    for (std::size_t i = 0; i < group.size(); ++i) {
      hashers.push_back(make_resumable_hasher(algorithms));
    }
    update(hashers, group);
    for (std::size_t i = 0; i < group.size(); ++i) {
      expect_sums(group[i], hashers[i]->finish(), algorithms);
    }
  }
}

TEST(DigestSums, OfStreamsSideBySide) {
  expect_sums_together(Algorithms::kAll, [](const auto& hashers, std::span<const Sample> group) {
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < group.size(); ++i) {
      pieces.push_back({hashers[i].get(), group[i].content});
    }
    update_together(pieces);
  });
}

TEST(DigestSums, OfStreamsSideBySideInEveryKernelForLanes) {
  for (const auto& forced : test::forced_plans()) {
    SCOPED_TRACE(forced.name);
    expect_sums_together(forced.algorithm, [&](const auto& hashers, std::span<const Sample> group) {
      std::vector<LaneInput> inputs;
      for (std::size_t i = 0; i < group.size(); ++i) {
        inputs.push_back({hashers[i]->stream(), group[i].content});
      }
      update_in_lanes(inputs, forced.plans);
    });
  }
}

}  // namespace
}  // namespace strata::digest
