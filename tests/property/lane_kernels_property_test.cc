#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "storage/digest/kernels.h"
#include "storage/digest/lane_kernels.h"
#include "tests/support/random_data.h"

// Each kernel for lanes by itself does to every lane's state what the portable function does: from
// any state, for any number of blocks, at any address.
namespace strata::digest {
namespace {

template <typename State>
struct Subject {
  std::span<const LaneKernel<State>> kernels;
  void (*portable)(State&, const std::byte*, std::size_t);
  std::size_t block_bytes;
};

class LaneKernels : public testing::Test {
 protected:
  template <typename State>
  State random_state() {
    State state;
    for (auto& word : state.h) word = static_cast<std::decay_t<decltype(word)>>(random_.engine()());
    return state;
  }

  // `shared`: every lane reads the first one's data, as those that have no stream do.
  template <typename State>
  void expect_equal(const Subject<State>& subject, bool shared) {
    for (const auto& kernel : subject.kernels) {
      if (!kernel.supported) continue;
      ASSERT_LE(kernel.lanes, kLanesMax);
      for (int round = 0; round < 40; ++round) {
        const std::size_t blocks = round < 4 ? static_cast<std::size_t>(round) : random_.below(71);
        const std::size_t bytes = blocks * subject.block_bytes;
        std::vector<State> found(kernel.lanes);
        std::vector<State*> states;
        std::vector<std::vector<std::byte>> memory;  // ends where the lane's data ends
        std::vector<const std::byte*> data;
        for (State& state : found) {
          state = random_state<State>();
          states.push_back(&state);
          memory.push_back(random_.bytes(random_.below(64) + bytes));
          const auto& mine = memory[shared ? 0 : memory.size() - 1];
          data.push_back(mine.data() + (mine.size() - bytes));
        }
        auto wanted = found;
        for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
          subject.portable(wanted[lane], data[lane], blocks);
        }
        kernel.run(states.data(), data.data(), blocks);
        for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
          ASSERT_EQ(found[lane].h, wanted[lane].h) << kernel.name << ", lane " << lane << ", "
                                                   << blocks << " blocks, seed " << random_.seed();
        }
      }
    }
  }

  const Subject<Sha1State> sha1_ = {sha1_lane_kernels(), sha1_portable, 64};
  const Subject<Sha256State> sha256_ = {sha256_lane_kernels(), sha256_portable, 64};
  const Subject<Sha512State> sha512_ = {sha512_lane_kernels(), sha512_portable, 128};
  test::RandomData random_;
};

TEST_F(LaneKernels, OfSha1DoAsThePortableFunction) {
  expect_equal(sha1_, false);
}

TEST_F(LaneKernels, OfSha256DoAsThePortableFunction) {
  expect_equal(sha256_, false);
}

TEST_F(LaneKernels, OfSha512DoAsThePortableFunction) {
  expect_equal(sha512_, false);
}

TEST_F(LaneKernels, TakeOneStreamsDataInAllLanes) {
  expect_equal(sha1_, true);
  expect_equal(sha256_, true);
  expect_equal(sha512_, true);
}

}  // namespace
}  // namespace strata::digest
