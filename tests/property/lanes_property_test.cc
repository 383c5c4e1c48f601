#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "storage/digest/kernel_hasher.h"
#include "storage/digest/lanes.h"
#include "storage/digest/resumable_hasher.h"
#include "tests/support/digest_states.h"
#include "tests/support/lane_plans.h"
#include "tests/support/random_data.h"

// Streams side by side end as OpenSSL ends each of them by itself: for every length, however the
// streams are cut and whichever go on together, whatever kernels the plan names.
namespace strata::digest {
namespace {

constexpr std::size_t kManyStreams = 40;  // more than two groups of lanes

class Lanes : public testing::Test {
 protected:
  struct Subject {
    Algorithms algorithms;
    std::unique_ptr<Hasher> hasher;
    std::unique_ptr<Hasher> oracle;
    std::string story;
  };

  // Most can go into lanes, by any functions for what is not done there; some cannot.
  Subject random_subject() {
    const auto algorithms =
        random_.below(2) == 0 ? Algorithms::kAll : static_cast<Algorithms>(1 + random_.below(7));
    Subject subject{algorithms, {}, make_openssl_hasher(algorithms), {}};
    const auto& ways = ways_.at(static_cast<std::size_t>(algorithms));
    const auto& way = ways[random_.below(ways.size())];
    switch (random_.below(8)) {
      case 0:
        subject.hasher = make_openssl_hasher(algorithms);
        subject.story = "openssl";
        break;
      case 1:
      case 2:
        subject.hasher = make_hasher(algorithms);
        subject.story = "make_hasher";
        break;
      case 3:
      case 4:
        subject.hasher = make_resumable_hasher(algorithms, way.run);
        subject.story = way.name;
        break;
      default:
        subject.hasher = make_resumable_hasher(algorithms);
        subject.story = "make_resumable_hasher";
    }
    subject.story += " of set " + std::to_string(static_cast<unsigned>(algorithms)) + ":";
    return subject;
  }

  std::size_t random_length() {
    switch (random_.below(8)) {
      case 0:
        return 0;
      case 1:
        return random_.below(4);
      case 2:
        return random_.below(300);
      case 3:
        return 128 * random_.below(5);
      case 4:
        return 4095 + random_.below(3);
      case 5:
        return 8000 + random_.below(9000);  // about the limit of bytes between two algorithms
      case 6:
        return random_.below(8) == 0 ? 40 * 1024 + random_.below(3) : random_.below(1000);
      default:
        return random_.below(5000);
    }
  }

  // A random part of the subjects goes on by a random piece each, in random order.
  LaneUse take_step(std::vector<Subject>& subjects) {
    std::vector<std::vector<std::byte>> data;
    std::vector<Piece> pieces;
    for (Subject& subject : subjects) {
      if (random_.below(3) == 0) continue;
      data.push_back(random_.bytes(random_length()));
      pieces.push_back({subject.hasher.get(), data.back()});
      subject.oracle->update(data.back());
      subject.story += " " + std::to_string(data.back().size());
    }
    std::ranges::shuffle(pieces, random_.engine());
    return update_together(pieces);
  }

  // A hasher that was fed `some` bytes of the message, less than a block, and what is to come.
  struct Begun {
    std::vector<std::byte> message;
    std::unique_ptr<ResumableHasher> hasher;
    std::size_t some;

    [[nodiscard]] LaneInput rest() const {
      return {hasher->stream(), std::span(message).subspan(some)};
    }
    // What goes through whole blocks of the rest in lanes.
    [[nodiscard]] std::size_t laned_bytes() const {
      const std::size_t completing = std::min((128 - some) % 128, message.size() - some);
      return (message.size() - some - completing) / 128 * 128;
    }
  };
  std::vector<Begun> begin(std::size_t count, Algorithms algorithms) {
    std::vector<Begun> list;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t some = random_.below(3) == 0 ? 0 : random_.below(128);
      list.push_back(
          {random_.bytes(some + random_length()), make_resumable_hasher(algorithms), some});
      list.back().hasher->update(std::span(list.back().message).first(some));
    }
    return list;
  }
  LaneUse finish_in_lanes(const std::vector<Begun>& list, const LanePlans& plans) {
    std::vector<LaneInput> inputs;
    for (const Begun& begun : list) inputs.push_back(begun.rest());
    return update_in_lanes(inputs, plans);
  }
  void expect_ends(const std::vector<Begun>& list, const std::string& name) {
    for (const Begun& begun : list) {
      ASSERT_EQ(begun.hasher->finish(), by_openssl(begun.message, begun.hasher->algorithms()))
          << name << ", one of " << list.size() << ", " << begun.some << " bytes of "
          << begun.message.size() << ", seed " << random_.seed();
    }
  }

  [[nodiscard]] static DigestSet by_openssl(std::span<const std::byte> message,
                                            Algorithms algorithms = Algorithms::kAll) {
    const auto oracle = make_openssl_hasher(algorithms);
    oracle->update(message);
    return oracle->finish();
  }

  test::RandomData random_;
  const std::array<std::vector<test::NamedFunctions>, 8> ways_ = [] {
    std::array<std::vector<test::NamedFunctions>, 8> ways;
    for (unsigned set = 1; set < 8; ++set) {
      ways[set] = test::every_way(static_cast<Algorithms>(set));
    }
    return ways;
  }();
};

TEST_F(Lanes, OneToFortyStreamsOfAnySetInAnyOrder) {
  for (std::size_t round = 0; round < 3 * kManyStreams; ++round) {
    const std::size_t count = round % kManyStreams + 1;
    std::vector<Subject> subjects(count);
    std::ranges::generate(subjects, [&] { return random_subject(); });
    for (int step = 0; step < 20; ++step) {
      const LaneUse use = take_step(subjects);
      ASSERT_LE(use.filled_bytes, use.lane_bytes);
    }
    for (const Subject& subject : subjects) {
      ASSERT_EQ(subject.hasher->finish(), subject.oracle->finish())
          << "one of " << count << ", seed " << random_.seed() << ", " << subject.story;
    }
  }
}

TEST_F(Lanes, EveryLengthUpTo8192OfEverySet) {
  std::vector<std::vector<std::byte>> messages;
  std::vector<DigestSet> wanted;
  for (std::size_t length = 0; length <= 8192; ++length) {
    messages.push_back(random_.bytes(length));
    wanted.push_back(by_openssl(messages.back()));
  }
  for (unsigned set = 1; set < 8; ++set) {
    const auto algorithms = static_cast<Algorithms>(set);
    std::vector<std::size_t> left(messages.size());
    std::iota(left.begin(), left.end(), 0);
    std::ranges::shuffle(left, random_.engine());
    while (!left.empty()) {
      const std::size_t count = std::min(left.size(), 1 + random_.below(kManyStreams));
      const auto lengths = std::span(left).last(count);
      std::vector<std::unique_ptr<Hasher>> hashers;
      std::vector<Piece> pieces;
      for (const std::size_t length : lengths) {
        hashers.push_back(make_resumable_hasher(algorithms));
        pieces.push_back({hashers.back().get(), messages[length]});
      }
      update_together(pieces);
      for (std::size_t i = 0; i < count; ++i) {
        DigestSet expected = wanted[lengths[i]];
        if ((set & 1U) == 0) expected.sha1 = {};
        if ((set & 2U) == 0) expected.sha256 = {};
        if ((set & 4U) == 0) expected.sha512 = {};
        ASSERT_EQ(hashers[i]->finish(), expected) << lengths[i] << " bytes, one of " << count
                                                  << ", set " << set << ", seed " << random_.seed();
      }
      left.resize(left.size() - count);
    }
  }
}

// Every kernel with every number of its lanes filled; and the figures of how many were.
TEST_F(Lanes, AnyNumberOfStreamsInEveryKernel) {
  for (const auto& [name, lanes, algorithm, plans] : test::forced_plans()) {
    for (std::size_t count = 1; count <= kLanesMax; ++count) {
      const auto list = begin(count, algorithm);
      const LaneUse use = finish_in_lanes(list, plans);
      std::vector<std::size_t> laned;
      for (const Begun& begun : list) laned.push_back(begun.laned_bytes());
      std::ranges::sort(laned);
      LaneUse wanted;
      for (std::size_t i = 0, before = 0; i < count; before = laned[i++]) {
        const std::size_t together = count - i;
        wanted.filled_bytes += together * (laned[i] - before);
        wanted.lane_bytes += (together + lanes - 1) / lanes * lanes * (laned[i] - before);
      }
      ASSERT_EQ(use.filled_bytes, wanted.filled_bytes) << name << ", " << count;
      ASSERT_EQ(use.lane_bytes, wanted.lane_bytes) << name << ", " << count;
      expect_ends(list, name);
    }
  }
}

// Single functions, stitched ones and kernels for lanes in any mixture.
TEST_F(Lanes, WhateverThePlanSays) {
  for (int round = 0; round < 300; ++round) {
    const auto set = static_cast<Algorithms>(round < 150 ? 7 : 1 + random_.below(7));
    const auto plans = make_lane_plans(test::runnable(test::random_costs(random_)), set);
    const auto list = begin(1 + random_.below(kManyStreams), set);
    finish_in_lanes(list, plans);
    expect_ends(list, "round " + std::to_string(round));
  }
}

// FORMAT.md: equal streams give equal bytes.
TEST_F(Lanes, LeaveTheStatesThatUpdateLeaves) {
  for (const std::size_t count : {1U, 2U, 3U, 5U, 8U, 13U, 16U, 17U, 40U}) {
    std::vector<std::unique_ptr<ResumableHasher>> together, alone;
    for (std::size_t i = 0; i < count; ++i) {
      const auto set = static_cast<Algorithms>(count > 8 && i % 4 == 0 ? 1 + random_.below(7) : 7);
      together.push_back(make_resumable_hasher(set));
      alone.push_back(make_resumable_hasher(set));
    }
    for (int step = 0; step < 10; ++step) {
      std::vector<std::vector<std::byte>> data(count);
      std::vector<Piece> pieces;
      for (std::size_t i = 0; i < count; ++i) {
        data[i] = random_.bytes(random_length());
        pieces.push_back({together[i].get(), data[i]});
        alone[i]->update(data[i]);
      }
      update_together(pieces);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(together[i]->save(), alone[i]->save())
            << "stream " << i << " of " << count << " after " << alone[i]->bytes()
            << " bytes, seed " << random_.seed();
      }
    }
  }
}

// The first part in lanes, saved at every byte, and in lanes again.
TEST_F(Lanes, GoOnFromAStateSavedAtAnyByte) {
  constexpr std::size_t kCuts = 300;
  constexpr std::size_t kSets = 7;
  const auto message = random_.bytes(kCuts + 2000);
  for (std::size_t first = 0, set = 1; set <= kSets;) {
    const auto algorithms = static_cast<Algorithms>(set);
    const DigestSet wanted = by_openssl(message, algorithms);
    const std::size_t count = std::min(kCuts + 1 - first, 1 + random_.below(kManyStreams));
    std::vector<std::unique_ptr<ResumableHasher>> hashers;
    std::vector<Piece> pieces;
    for (std::size_t cut = first; cut < first + count; ++cut) {
      hashers.push_back(make_resumable_hasher(algorithms));
      pieces.push_back({hashers.back().get(), std::span(message).first(cut)});
    }
    update_together(pieces);
    for (std::size_t i = 0; i < count; ++i) {
      auto restored = restore_hasher(test::bytes_of(hashers[i]->save()));
      ASSERT_TRUE(restored) << restored.error().message();
      ASSERT_EQ((*restored)->bytes(), first + i);
      hashers[i] = std::move(*restored);
      pieces[i] = {hashers[i].get(), std::span(message).subspan(first + i)};
    }
    update_together(pieces);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(hashers[i]->finish(), wanted) << "cut " << first + i << ", one of " << count
                                              << ", set " << set << ", seed " << random_.seed();
    }
    first += count;
    if (first > kCuts) first = 0, ++set;
  }
}

TEST_F(Lanes, TakeNoStreamsAndStreamsWithoutBytes) {
  EXPECT_EQ(update_together({}).lane_bytes, 0U);
  const auto first = make_resumable_hasher(Algorithms::kAll);
  const auto second = make_resumable_hasher(Algorithms::kAll);
  const Piece pieces[] = {{first.get(), {}}, {second.get(), {}}};
  EXPECT_EQ(update_together(pieces).lane_bytes, 0U);
  EXPECT_EQ(first->bytes(), 0U);
  EXPECT_EQ(first->finish(), by_openssl({}));
}

}  // namespace
}  // namespace strata::digest
