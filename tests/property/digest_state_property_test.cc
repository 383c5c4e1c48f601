#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "storage/digest/resumable_hasher.h"
#include "tests/support/digest_states.h"

// A stream that is saved by one set of kernels and continued by another ends as an uninterrupted
// one, wherever it is cut. The parameter is the set of algorithms, as bits.
namespace strata::digest {
namespace {

class DigestState : public testing::TestWithParam<unsigned> {
 protected:
  DigestState() { std::fprintf(stderr, "seed %u\n", seed_); }

  [[nodiscard]] static Algorithms algorithms() { return static_cast<Algorithms>(GetParam()); }
  std::string random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    std::ranges::generate(bytes, [&] { return static_cast<char>(random_()); });
    return bytes;
  }
  [[nodiscard]] static DigestSet expected(std::string_view message) {
    const auto oracle = make_openssl_hasher(algorithms());
    oracle->update(test::bytes_of(message));
    return oracle->finish();
  }
  // The state after each number of bytes, taken in one by one.
  [[nodiscard]] static std::vector<std::string> states(const BlockFunctions& run,
                                                       std::string_view message) {
    const auto hasher = make_resumable_hasher(algorithms(), run);
    std::vector<std::string> list = {hasher->save()};
    for (const std::byte& byte : test::bytes_of(message)) {
      hasher->update({&byte, 1});
      list.push_back(hasher->save());
    }
    EXPECT_EQ(hasher->finish(), expected(message));
    return list;
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  const std::vector<test::NamedFunctions> ways_ = test::every_way(algorithms());
};

TEST_P(DigestState, SavedAtEveryByteByAnyKernelGoesOnInAnyOther) {
  const std::string message = random_bytes(400);
  const DigestSet wanted = expected(message);
  for (const auto& saver : ways_) {
    const auto saved = states(saver.run, message);
    for (const auto& restorer : ways_) {
      for (std::size_t cut = 0; cut <= message.size(); ++cut) {
        auto hasher = restore_hasher(test::bytes_of(saved[cut]), restorer.run);
        ASSERT_TRUE(hasher) << hasher.error().message();
        ASSERT_EQ((*hasher)->bytes(), cut);
        ASSERT_EQ((*hasher)->algorithms(), algorithms());
        ASSERT_EQ((*hasher)->save(), saved[cut]);
        (*hasher)->update(test::bytes_of(message).subspan(cut));
        ASSERT_EQ((*hasher)->finish(), wanted)
            << saver.name << " to " << restorer.name << ", cut " << cut << ", seed " << seed_;
      }
    }
  }
}

// FORMAT.md: equal streams give equal bytes.
TEST_P(DigestState, IsTheSameBytesWhateverComputedIt) {
  const std::string message = random_bytes(400);
  const auto first = states(ways_.front().run, message);
  for (const auto& way : ways_) {
    EXPECT_EQ(states(way.run, message), first) << way.name << ", seed " << seed_;
  }
}

TEST_P(DigestState, GoesThroughManyHandsOnItsWay) {
  const std::string message = random_bytes(std::size_t{1} << 20);
  const DigestSet wanted = expected(message);
  for (int round = 0; round < 8; ++round) {
    auto hasher = make_resumable_hasher(algorithms());
    std::string story;
    for (auto rest = test::bytes_of(message); !rest.empty();) {
      const std::size_t piece = std::min<std::size_t>(rest.size(), random_() % 100'000);
      hasher->update(rest.first(piece));
      rest = rest.subspan(piece);
      story += std::to_string(piece);
      if (random_() % 3 == 0) continue;
      const auto& way = ways_[random_() % ways_.size()];
      story += " saved, then " + way.name + " ";
      auto restored = restore_hasher(test::bytes_of(hasher->save()), way.run);
      ASSERT_TRUE(restored) << restored.error().message();
      hasher = std::move(*restored);
    }
    ASSERT_EQ(hasher->finish(), wanted) << "seed " << seed_ << ": " << story;
  }
}

// By the public functions alone; and saving is not an end.
TEST_P(DigestState, SavingLeavesTheStreamAsItWas) {
  const std::string message = random_bytes(5000);
  const auto first = make_resumable_hasher(algorithms());
  first->update(test::bytes_of(message).first(3001));
  const auto second = restore_hasher(test::bytes_of(first->save()));
  ASSERT_TRUE(second);
  for (const auto& hasher : {first.get(), (*second).get()}) {
    hasher->update(test::bytes_of(message).subspan(3001));
    EXPECT_EQ(hasher->finish(), expected(message)) << "seed " << seed_;
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, DigestState, testing::Range(1U, 8U));

TEST(DigestStateWays, AreAllWaysOfThisMachine) {
  // Without a processor's own kernels there is one way: the portable one.
  std::size_t own = 0;
  for (const Kernel& kernel : kernels()) own += kernel.supported ? 1 : 0;
  EXPECT_GE(own, 3U);
  EXPECT_EQ(test::every_way(Algorithms::kAll).size() > 1, own > 3);
  for (const auto& way : test::every_way(Algorithms::kSha512)) {
    EXPECT_NE(way.run.sha512, nullptr) << way.name;
  }
}

}  // namespace
}  // namespace strata::digest
