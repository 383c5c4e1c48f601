#include "strata/io/block.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace strata::io {
namespace {

TEST(Block, IsAlignedForDirectWritesAndWritableToItsEnd) {
  Block block;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.data()) % kBlockAlignment, 0u);
  EXPECT_EQ(block.bytes().size(), 0u);
  ASSERT_EQ(block.free_space().size(), kBlockBytes);
  block.free_space().back() = std::byte{7};
  block.set_size(kBlockBytes);
  EXPECT_EQ(block.bytes().back(), std::byte{7});
  EXPECT_TRUE(block.free_space().empty());
}

TEST(BlockPool, HandsReturnedBlocksOutAgainAndEmpty) {
  BlockPool pool(1);
  auto block = pool.take();
  const std::byte* const memory = block->data();
  block->set_size(100);
  block.reset();
  block = pool.take();
  EXPECT_EQ(block->data(), memory);
  EXPECT_EQ(block->size(), 0u);
}

TEST(BlockPool, KeepsNoMoreThanItMay) {
  BlockPool pool(1);
  auto first = pool.take();
  auto second = pool.take();
  const std::byte* const kept = first->data();
  first.reset();
  second.reset();  // the pool is full: freed
  EXPECT_EQ(pool.take()->data(), kept);
}

TEST(BlockPool, TellsTheTakerWhenTheLastSharerIsDone) {
  BlockPool pool(4);
  auto released = std::make_shared<int>(0);
  auto block = pool.take([](void* count) { ++*static_cast<int*>(count); }, released);
  auto sharer = block;
  block.reset();
  EXPECT_EQ(*released, 0);
  sharer.reset();
  EXPECT_EQ(*released, 1);
}

TEST(BlockPool, MayDieBeforeItsBlocksDo) {
  std::shared_ptr<Block> block;
  {
    BlockPool pool(1);
    block = pool.take();
  }
  block->data()[0] = std::byte{1};
  EXPECT_EQ(block->data()[0], std::byte{1});
}

TEST(BlockPool, ServesManyThreads) {
  BlockPool pool(2);
  std::atomic<int> clean = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&pool, &clean, t] {
        for (int i = 0; i < 100; ++i) {
          const auto block = pool.take();
          const auto mark = std::byte(t);
          block->data()[0] = mark;
          std::this_thread::yield();
          if (block->size() == 0 && block->data()[0] == mark) ++clean;
          block->set_size(1);
        }
      });
    }
  }
  EXPECT_EQ(clean, 400);  // no block was in two hands at a time
}

}  // namespace
}  // namespace strata::io
