#include "storage/codec/block_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>

namespace strata::codec {
namespace {

using Bytes = BlockCache::Bytes;
using Key = BlockCache::Key;

Bytes bytes_of(std::size_t size, unsigned fill = 0) {
  return std::make_shared<const std::vector<std::byte>>(size, static_cast<std::byte>(fill));
}

// Loads that end when the test says so.
class Loads {
 public:
  BlockCache::Load load() {
    return [this](const Key& key, BlockCache::Done done) {
      ++started_;
      waiting_[key.block] = std::move(done);
    };
  }
  void end(std::uint64_t block, const Result<Bytes>& result) {
    const auto node = waiting_.extract(block);
    node.mapped()(result);
  }
  [[nodiscard]] int started() const { return started_; }

 private:
  int started_ = 0;
  std::map<std::uint64_t, BlockCache::Done> waiting_;
};

class BlockCacheTest : public testing::Test {
 protected:
  // A load of `size` bytes that ends at once.
  BlockCache::Load loads(std::size_t size) {
    return [this, size](const Key& key, const BlockCache::Done& done) {
      ++loaded_;
      done(bytes_of(size, static_cast<unsigned>(key.block)));
    };
  }
  void put(std::uint64_t block, std::size_t size) {
    cache_.get({view_, block}, loads(size), [](const Result<Bytes>& bytes) { EXPECT_TRUE(bytes); });
  }
  [[nodiscard]] bool has(std::uint64_t block) { return cache_.find({view_, block}) != nullptr; }
  [[nodiscard]] std::string metric(const std::string& name) const {
    const std::string text = metrics_.render();
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "none";
    const std::size_t value = at + name.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }

  Metrics metrics_;
  BlockCache cache_{{.bytes_max = 100, .ahead_max = 2}, metrics_};
  const std::uint64_t view_ = cache_.new_view();
  int loaded_ = 0;
};

TEST_F(BlockCacheTest, KeepsWhatWasLoaded) {
  put(1, 10);
  put(1, 10);
  EXPECT_EQ(loaded_, 1);
  const Bytes found = cache_.find({view_, 1});
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*found, *bytes_of(10, 1));
  EXPECT_FALSE(has(2));
  EXPECT_EQ(metric("strata_block_cache_requests_total{result=\"miss\"}"), "1");
  EXPECT_EQ(metric("strata_block_cache_requests_total{result=\"hit\"}"), "2");
}

TEST_F(BlockCacheTest, IsBoundedInBytesAndDropsTheLeastRecentlyUsed) {
  put(1, 40);
  put(2, 40);
  EXPECT_TRUE(has(1));  // now 2 is the older one
  put(3, 20);
  EXPECT_EQ(metric("strata_block_cache_bytes"), "100");
  put(4, 1);
  EXPECT_FALSE(has(2));
  EXPECT_TRUE(has(1));
  EXPECT_TRUE(has(3));
  EXPECT_TRUE(has(4));
  EXPECT_EQ(metric("strata_block_cache_bytes"), "61");
}

TEST_F(BlockCacheTest, ABlockLargerThanTheCacheIsGivenAndNotKept) {
  put(1, 60);
  std::size_t got = 0;
  cache_.get({view_, 2}, loads(101), [&](const Result<Bytes>& bytes) { got = (*bytes)->size(); });
  EXPECT_EQ(got, 101u);
  EXPECT_FALSE(has(2));
  EXPECT_TRUE(has(1));
}

TEST_F(BlockCacheTest, ReadersOfOneBlockShareItsLoad) {
  Loads held;
  int got = 0;
  const auto done = [&](const Result<Bytes>& bytes) { got += bytes ? 1 : 0; };
  cache_.get({view_, 1}, held.load(), done);
  cache_.get({view_, 1}, held.load(), done);
  cache_.prefetch({view_, 1}, held.load());
  EXPECT_EQ(held.started(), 1);
  EXPECT_EQ(got, 0);
  held.end(1, bytes_of(5));
  EXPECT_EQ(got, 2);
  EXPECT_TRUE(has(1));
  EXPECT_EQ(metric("strata_block_cache_requests_total{result=\"joined\"}"), "1");
}

TEST_F(BlockCacheTest, ErrorsAreToldToAllAndNotKept) {
  Loads held;
  int failed = 0;
  const auto done = [&](const Result<Bytes>& bytes) {
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code(), Errc::kCorruptData);
    ++failed;
  };
  cache_.get({view_, 1}, held.load(), done);
  cache_.get({view_, 1}, held.load(), done);
  held.end(1, Error(Errc::kCorruptData, "damaged"));
  EXPECT_EQ(failed, 2);
  put(1, 10);
  EXPECT_EQ(loaded_, 1);
  EXPECT_TRUE(has(1));
}

TEST_F(BlockCacheTest, AReaderMayAskAgainFromItsCallback) {
  Loads held;
  int got = 0;
  cache_.get({view_, 1}, held.load(), [&](const Result<Bytes>&) {
    cache_.get({view_, 1}, held.load(), [&](const Result<Bytes>&) { ++got; });
  });
  held.end(1, Error(Errc::kIo, "once"));
  EXPECT_EQ(held.started(), 2);
  held.end(1, bytes_of(1));
  EXPECT_EQ(got, 1);
}

TEST_F(BlockCacheTest, ReadAheadIsBounded) {
  Loads held;
  for (std::uint64_t block = 1; block <= 5; ++block) cache_.prefetch({view_, block}, held.load());
  EXPECT_EQ(held.started(), 2);
  held.end(1, bytes_of(5));
  cache_.prefetch({view_, 1}, held.load());  // is there
  cache_.prefetch({view_, 2}, held.load());  // is under way
  EXPECT_EQ(held.started(), 2);
  cache_.prefetch({view_, 3}, held.load());
  EXPECT_EQ(held.started(), 3);
  // Somebody waits for 2 now, so that it is no read-ahead any more.
  cache_.get({view_, 2}, held.load(), [](const Result<Bytes>&) {});
  cache_.prefetch({view_, 4}, held.load());
  EXPECT_EQ(held.started(), 4);
  cache_.prefetch({view_, 5}, held.load());
  EXPECT_EQ(held.started(), 4);
  held.end(2, bytes_of(1));
  held.end(3, Error(Errc::kIo, "gone"));
  held.end(4, bytes_of(1));
  EXPECT_FALSE(has(3));
  EXPECT_TRUE(has(4));
}

TEST_F(BlockCacheTest, ReadAheadThatNobodyUsedIsCounted) {
  cache_.prefetch({view_, 1}, loads(50));
  cache_.prefetch({view_, 2}, loads(50));
  EXPECT_TRUE(has(1));
  put(3, 100);
  EXPECT_EQ(metric("strata_block_cache_read_ahead_total{result=\"started\"}"), "2");
  EXPECT_EQ(metric("strata_block_cache_read_ahead_total{result=\"unused\"}"), "1");
}

TEST_F(BlockCacheTest, AClosedViewLeavesNothing) {
  const std::uint64_t other = cache_.new_view();
  EXPECT_NE(other, view_);
  put(1, 10);
  cache_.get({other, 1}, loads(20), [](const Result<Bytes>&) {});
  Loads held;
  bool told = false;
  cache_.get({view_, 2}, held.load(),
             [&](const Result<Bytes>& bytes) { told = bytes.has_value(); });
  cache_.forget(view_);
  EXPECT_FALSE(has(1));
  EXPECT_NE(cache_.find({other, 1}), nullptr);
  held.end(2, bytes_of(30));
  EXPECT_TRUE(told);
  EXPECT_FALSE(has(2));
  EXPECT_EQ(metric("strata_block_cache_bytes"), "20");
}

TEST_F(BlockCacheTest, ALoadMayOutliveTheCache) {
  Loads held;
  bool told = false;
  {
    BlockCache shortlived({.bytes_max = 10, .ahead_max = 1}, metrics_);
    shortlived.get({1, 1}, held.load(), [&](const Result<Bytes>&) { told = true; });
  }
  held.end(1, bytes_of(5));
  EXPECT_TRUE(told);
  EXPECT_EQ(metric("strata_block_cache_bytes"), "0");
}

// No block is decoded by two at a time, and everybody gets the bytes that were asked for, while
// views come and go and the cache is far too small.
TEST(BlockCacheThreads, SingleFlightUnderLoad) {
  constexpr unsigned kBlocks = 8;
  constexpr int kThreads = 4;
  constexpr int kRounds = 3000;
  Metrics metrics;
  BlockCache cache({.bytes_max = 3 * 64, .ahead_max = 2}, metrics);
  std::atomic<int> at_work[kBlocks] = {};
  std::atomic<int> together{0};
  std::atomic<int> answers{0};
  std::atomic<int> wrong{0};
  const std::uint64_t view = cache.new_view();
  const auto load = [&](const Key& key, const BlockCache::Done& done) {
    if (++at_work[key.block] > 1) ++together;
    std::this_thread::yield();
    const Bytes bytes = bytes_of(64, static_cast<unsigned>(key.block));
    --at_work[key.block];
    done(bytes);
  };
  const auto work = [&](unsigned seed) {
    std::minstd_rand random(seed);
    for (int i = 0; i < kRounds; ++i) {
      const std::uint64_t block = random() % kBlocks;
      cache.get({view, block}, load, [&, block](const Result<Bytes>& bytes) {
        ++answers;
        if (!bytes || (**bytes)[63] != static_cast<std::byte>(block)) ++wrong;
      });
      cache.prefetch({view, (block + 1) % kBlocks}, load);
      if (i % 100 == 0) cache.forget(cache.new_view());
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, static_cast<unsigned>(i + 1));
  threads.clear();
  EXPECT_EQ(answers, kThreads * kRounds);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(together, 0);
}

}  // namespace
}  // namespace strata::codec
