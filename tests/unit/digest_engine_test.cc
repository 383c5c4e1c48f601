#include "strata/digest/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
#include <future>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/digest/kernels.h"
#include "storage/digest/lane_plan.h"
#include "storage/digest/two_threads.h"

namespace strata::digest {
namespace {

std::shared_ptr<const io::Block> block_of(std::string_view bytes) {
  auto block = std::make_shared<io::Block>();
  std::ranges::copy(std::as_bytes(std::span(bytes)), block->data());
  block->set_size(bytes.size());
  return block;
}

class DigestEngine : public testing::Test {
 protected:
  DigestEngine() { std::fprintf(stderr, "seed %u\n", seed_); }

  std::string random_text(std::size_t size) {
    std::string text(size, '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(random_()); });
    return text;
  }
  std::size_t random_below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  [[nodiscard]] std::uint64_t digested(const std::string& way) {
    return metrics_.counter("strata_digest_bytes_total", "", "way=\"" + way + "\"").value();
  }
  [[nodiscard]] std::uint64_t count(const char* name) { return metrics_.counter(name, "").value(); }

  // A stream with what it was given, whose digests can be asked for.
  struct Stream {
    Stream(const Engine& engine, std::unique_ptr<Hasher> h)
        : hasher(std::move(h)), queue(engine, hasher) {}
    void give(std::string_view bytes) {
      given += bytes;
      queue.update(block_of(bytes));
    }
    [[nodiscard]] std::future<DigestSet> finish() {
      auto found = std::make_shared<std::promise<DigestSet>>();
      queue.post([found, h = hasher] { found->set_value(h->finish()); });
      return found->get_future();
    }
    std::shared_ptr<Hasher> hasher;
    Engine::Queue queue;
    std::string given;
  };

  // While it exists, no thread of the pool gets to anything else.
  class Hold {
   public:
    explicit Hold(io::WorkerPool& pool) : release_(promise_.get_future()) {
      const auto held =
          std::make_shared<std::barrier<>>(static_cast<std::ptrdiff_t>(pool.threads() + 1));
      for (std::size_t i = 0; i < pool.threads(); ++i) {
        pool.post([held, release = release_] {
          held->arrive_and_wait();
          release.wait();
        });
      }
      held->arrive_and_wait();
    }
    ~Hold() { promise_.set_value(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    std::promise<void> promise_;
    std::shared_future<void> release_;
  };

  const unsigned seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  Metrics metrics_;
};

TEST_F(DigestEngine, ManyStreamsFromManyThreadsGetTheirOwnDigests) {
  io::WorkerPool pool("test", 3);
  Engine engine(pool, metrics_);
  constexpr std::size_t kThreads = 4, kStreams = 10;
  std::vector<std::vector<std::string>> pieces(kThreads * kStreams);
  for (auto& list : pieces) {
    for (std::size_t i = random_below(12); i > 0; --i) {
      list.push_back(random_text(random_below(3) == 0 ? random_below(io::kBlockBytes) + 1
                                                      : random_below(9000) + 1));
    }
  }
  std::vector<DigestSet> found(pieces.size());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Stream> streams;
      streams.reserve(kStreams);
      for (std::size_t s = 0; s < kStreams; ++s) {
        // Some keep their state, some are OpenSSL's, which have no lanes.
        streams.emplace_back(engine, s == 0 ? make_openssl_hasher(Algorithms::kAll)
                                            : make_resumable_hasher(Algorithms::kAll));
      }
      for (std::size_t i = 0; i < 12; ++i) {
        for (std::size_t s = 0; s < kStreams; ++s) {
          const auto& list = pieces[t * kStreams + s];
          if (i < list.size()) streams[s].give(list[i]);
        }
      }
      for (std::size_t s = 0; s < kStreams; ++s) {
        found[t * kStreams + s] = streams[s].finish().get();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string whole = std::accumulate(pieces[i].begin(), pieces[i].end(), std::string());
    EXPECT_EQ(found[i], digest_of(whole)) << "stream " << i << ", seed " << seed_;
  }
}

TEST_F(DigestEngine, StreamsThatWaitTogetherShareTheLanes) {
  io::WorkerPool pool("test", 1);
  Engine engine(pool, metrics_);
  std::vector<Stream> streams;
  std::vector<std::future<DigestSet>> found;
  {
    const Hold hold(pool);
    for (std::size_t i = 0; i < kLanesMax; ++i) {
      streams.emplace_back(engine, make_resumable_hasher(Algorithms::kAll));
      streams.back().give(random_text(300'000));
      found.push_back(streams.back().finish());
    }
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].get(), digest_of(streams[i].given)) << "stream " << i;
  }
  EXPECT_EQ(digested("together"), kLanesMax * 300'000);
  EXPECT_EQ(digested("alone"), 0U);
  EXPECT_EQ(count("strata_digest_turns_total"), 1U);
  // As many lanes as the plan for so many streams has, which depends on what kernels cost here.
  std::uint64_t filled = 0, lanes = 0;
  const auto add = [&](const auto& turns) {
    for (const auto& turn : turns) {
      if (turn.kernel == nullptr) continue;
      filled += turn.streams;
      lanes += turn.kernel->lanes;
    }
  };
  const LanePlan& plan = lane_plans(Algorithms::kAll)[kLanesMax];
  add(plan.sha1);
  add(plan.sha256);
  add(plan.sha512);
  constexpr std::uint64_t kWholeBlocks = 300'000 / 128 * 128;
  EXPECT_EQ(count("strata_digest_lane_filled_bytes_total"), filled * kWholeBlocks);
  EXPECT_EQ(count("strata_digest_lane_bytes_total"), lanes * kWholeBlocks);
}

TEST_F(DigestEngine, StreamsTakeTurns) {
  io::WorkerPool pool("test", 1);
  Engine engine(pool, metrics_);
  std::vector<Stream> streams;
  std::vector<std::size_t> order;  // of the only thread
  std::vector<std::future<DigestSet>> found;
  constexpr std::size_t kStreams = 20, kBlocks = 4;
  {
    const Hold hold(pool);
    for (std::size_t i = 0; i < kStreams; ++i) {
      streams.emplace_back(engine, make_resumable_hasher(Algorithms::kAll));
      for (std::size_t b = 0; b < kBlocks; ++b) {
        streams[i].give(random_text(100'000));
        streams[i].queue.post([&order, i] { order.push_back(i); });
      }
      found.push_back(streams[i].finish());
    }
  }
  for (auto& future : found) (void)future.get();
  // Whatever their number in a turn, nobody gets ahead of another by more than a block.
  std::vector<std::size_t> done(kStreams);
  for (const std::size_t stream : order) {
    ++done[stream];
    const auto [least, most] = std::ranges::minmax(done);
    ASSERT_LE(most, least + 2) << "stream " << stream;
  }
  EXPECT_EQ(order.size(), kStreams * kBlocks);
}

// Short blocks beside long ones are not kept waiting for these.
TEST_F(DigestEngine, AShortBlockIsDoneWithTheFirstPieceOfALongOne) {
  io::WorkerPool pool("test", 1);
  Engine engine(pool, metrics_);
  Stream slow(engine, make_resumable_hasher(Algorithms::kAll));
  Stream quick(engine, make_resumable_hasher(Algorithms::kAll));
  std::vector<std::string> order;
  std::future<DigestSet> slow_found, quick_found;
  {
    const Hold hold(pool);
    slow.give(random_text(io::kBlockBytes));
    slow.queue.post([&] { order.emplace_back("long"); });
    slow_found = slow.finish();
    for (int i = 0; i < 3; ++i) {
      quick.give(random_text(1000));
      quick.queue.post([&] { order.emplace_back("short"); });
    }
    quick_found = quick.finish();
  }
  EXPECT_EQ(slow_found.get(), digest_of(slow.given));
  EXPECT_EQ(quick_found.get(), digest_of(quick.given));
  EXPECT_EQ(order, (std::vector<std::string>{"short", "short", "short", "long"}));
}

TEST_F(DigestEngine, AStreamByItselfUsesASecondThreadWhileOneIsFree) {
  io::WorkerPool pool("test", 2);
  Engine engine(pool, metrics_);
  Stream stream(engine, make_resumable_hasher(Algorithms::kAll));
  stream.give(random_text(17));  // the blocks that follow begin within one of SHA-512
  for (int i = 0; i < 20; ++i) stream.give(random_text(io::kBlockBytes));
  EXPECT_EQ(stream.finish().get(), digest_of(stream.given));
  if (best_kernel(Algorithms::kSha1Sha256) == nullptr) {
    EXPECT_EQ(digested("two-threads"), 0U);
  } else {
    EXPECT_GT(digested("two-threads"), 0U);  // whether a thread is free changes from turn to turn
  }
}

TEST_F(DigestEngine, AStreamByItselfNeedsNoSecondThread) {
  io::WorkerPool pool("test", 1);
  Engine engine(pool, metrics_);
  Stream stream(engine, make_resumable_hasher(Algorithms::kAll));
  for (int i = 0; i < 3; ++i) stream.give(random_text(io::kBlockBytes));
  EXPECT_EQ(stream.finish().get(), digest_of(stream.given));
  EXPECT_EQ(digested("alone"), 3 * io::kBlockBytes);
}

// A full pool: the second part's task begins before, while or after the first thread needs it.
TEST_F(DigestEngine, ATaskThatBeginsTooLateIsDoneByTheFirstThread) {
  if (best_kernel(Algorithms::kSha1Sha256) == nullptr) {
    const auto hasher = make_resumable_hasher(Algorithms::kAll);
    const std::string text = random_text(100'000);
    EXPECT_FALSE(update_on_two_threads(*hasher, std::as_bytes(std::span(text)), [](auto) {}));
    return;
  }
  std::vector<std::function<void()>> late;
  const auto hasher = make_resumable_hasher(Algorithms::kAll);
  std::string given = random_text(77);  // what follows begins within a block
  hasher->update(std::as_bytes(std::span(given)));
  const auto add = [&](const Start& start) {
    const std::string text = random_text(random_below(100'000) + 70'000);
    given += text;
    EXPECT_TRUE(update_on_two_threads(*hasher, std::as_bytes(std::span(text)), start));
  };
  add([&](std::function<void()> task) { late.push_back(std::move(task)); });
  add([&](const std::function<void()>& task) { task(); });
  std::vector<std::jthread> threads;
  for (int i = 0; i < 20; ++i) {
    add([&](std::function<void()> task) { threads.emplace_back(std::move(task)); });
  }
  // The bytes and the stream's state are others by now: the late ones must touch neither.
  for (const auto& task : late) task();
  EXPECT_EQ(hasher->finish(), digest_of(given)) << "seed " << seed_;
}

TEST_F(DigestEngine, OnlyAllAlgorithmsOfOurOwnGoOverTwoThreads) {
  const std::string text = random_text(100'000);
  const auto none = [](const std::function<void()>&) { FAIL() << "a task was started"; };
  for (const auto& hasher : {std::shared_ptr<Hasher>(make_resumable_hasher(Algorithms::kSha512)),
                             std::shared_ptr<Hasher>(make_openssl_hasher(Algorithms::kAll))}) {
    EXPECT_FALSE(update_on_two_threads(*hasher, std::as_bytes(std::span(text)), none));
  }
  const auto all = make_resumable_hasher(Algorithms::kAll);
  EXPECT_FALSE(update_on_two_threads(*all, std::as_bytes(std::span(text)).first(60'000), none));
  EXPECT_EQ(all->finish().bytes, 0U);
}

// As uploads and `strata digest` use it: on some machines a stream has two parts.
TEST_F(DigestEngine, ThePartsOfAStreamJoinToTheWhole) {
  io::WorkerPool pool("test", 2);
  Engine engine(pool, metrics_);
  for (const auto& parts : {engine_parts(), std::span<const Algorithms>(kSplit)}) {
    std::vector<Stream> streams;
    for (const Algorithms part : parts) streams.emplace_back(engine, make_lane_hasher(part));
    const std::string text = random_text(700'000);
    const auto block = block_of(text);
    for (Stream& stream : streams) stream.queue.update(block);
    std::vector<DigestSet> found;
    for (Stream& stream : streams) found.push_back(stream.finish().get());
    EXPECT_EQ(join(found), digest_of(text));
  }
}

// More threads than this machine has processors, and more or fewer streams than threads.
TEST_F(DigestEngine, ManyThreadsAndAnyNumberOfStreams) {
  io::WorkerPool pool("test", 8);
  Engine engine(pool, metrics_);
  for (const std::size_t count : {1, 2, 5, 7, 8, 9, 30, 150}) {
    std::vector<Stream> streams;
    std::vector<std::future<DigestSet>> found;
    for (std::size_t i = 0; i < count; ++i) {
      streams.emplace_back(engine, make_lane_hasher(Algorithms::kAll));
      for (int b = 0; b < 3; ++b) streams.back().give(random_text(random_below(60'000) + 1));
      found.push_back(streams.back().finish());
    }
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(found[i].get(), digest_of(streams[i].given)) << i << " of " << count;
    }
  }
}

TEST_F(DigestEngine, WorkIsDoneAlthoughItsQueueAndTheEngineAreGone) {
  io::WorkerPool pool("test", 1);
  std::future<DigestSet> found;
  {
    const Hold hold(pool);
    Engine engine(pool, metrics_);
    Stream stream(engine, make_resumable_hasher(Algorithms::kAll));
    stream.give("abc");
    found = stream.finish();
  }
  EXPECT_EQ(found.get(), digest_of("abc"));
}

TEST_F(DigestEngine, ABlockIsReleasedBehindItsTurn) {
  io::WorkerPool pool("test", 1);
  Engine engine(pool, metrics_);
  io::BlockPool blocks(2);
  std::promise<void> released;
  Engine::Queue queue(engine, make_resumable_hasher(Algorithms::kAll));
  auto block =
      blocks.take([](void* promise) { static_cast<std::promise<void>*>(promise)->set_value(); },
                  std::shared_ptr<void>(&released, [](void*) {}));
  block->set_size(1000);
  queue.update(std::move(block));
  EXPECT_EQ(released.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST_F(DigestEngine, ATaskMayGiveItsOwnStreamMore) {
  io::WorkerPool pool("test", 1);
  Engine engine(pool, metrics_);
  Stream stream(engine, make_resumable_hasher(Algorithms::kAll));
  std::promise<DigestSet> found;
  stream.queue.post([&] {
    stream.give("abc");
    stream.queue.post([&] { found.set_value(stream.hasher->finish()); });
  });
  EXPECT_EQ(found.get_future().get(), digest_of("abc"));
}

}  // namespace
}  // namespace strata::digest
