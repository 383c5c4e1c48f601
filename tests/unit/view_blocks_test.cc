#include "storage/service/view_blocks.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/support/seekable_fixture.h"

namespace strata::storage {
namespace {

// Holds up the disk pool until it is opened, and counts who is there.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --inside_;
  }
  void wait_for(int inside) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ == inside; });
  }
  [[nodiscard]] int inside() {
    const std::lock_guard lock(mutex_);
    return inside_;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool open_ = false;
};

class ViewBlocksTest : public test::SeekableTest {
 protected:
  void SetUp() override {
    on_read_ = [this] { gate_.pass(); };
    encode(test::xz_of(test::seekable_disk()));
    for (std::size_t i = 0; i < world_.index.blocks.size(); ++i) {
      if (world_.index.blocks[i].kind != codec::SeekBlock::Kind::kZero) blocks_wanted_.push_back(i);
    }
    ASSERT_GT(blocks_wanted_.size(), 4u);
  }
  void get_all() {
    for (const std::size_t block : blocks_wanted_) {
      blocks_->get(view_, block, [this](const Result<ViewBlocks::Bytes>& bytes) {
        if (bytes) {
          ++good_;
        } else if (bytes.error().code() == Errc::kCancelled) {
          ++cancelled_;
        }
      });
    }
  }

  Gate gate_;
  std::vector<std::size_t> blocks_wanted_;
  std::atomic<std::size_t> good_{0};
  std::atomic<std::size_t> cancelled_{0};
};

// However many wait: each load at work holds megabytes.
TEST_F(ViewBlocksTest, FewLoadsAreAtWorkAtATime) {
  start({}, 16, 1);
  get_all();
  gate_.wait_for(4);
  EXPECT_EQ(gate_.inside(), 4);
  gate_.open();
  while (good_ < blocks_wanted_.size()) std::this_thread::yield();
}

TEST_F(ViewBlocksTest, StoppingEndsWhatWaitsAndWaitsForWhatIsAtWork) {
  start({}, 4, 1);
  get_all();
  gate_.wait_for(4);
  std::jthread opener([this] { gate_.open(); });
  blocks_.reset();
  EXPECT_EQ(good_ + cancelled_, blocks_wanted_.size());
  EXPECT_GE(good_, 4u);
  view_.reset();
}

}  // namespace
}  // namespace strata::storage
