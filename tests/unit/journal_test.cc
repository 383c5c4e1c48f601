#include "storage/upload/journal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "storage/upload/journal_format.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/gated_file_system.h"
#include "tests/support/journals.h"

namespace strata::upload {
namespace {

using test::contents;
using test::numbered_id;
using test::put;
using test::remove_session;
using Slot = Journal::Slot;

class JournalTest : public testing::Test {
 protected:
  JournalTest() { reopen(); }
  void reopen() {
    journal_.reset();
    auto opened = Journal::open(gated_, options_);
    ASSERT_TRUE(opened) << opened.error().message();
    journal_ = *std::move(opened);
  }
  // What append_and_wait would answer, later; in the order of the calls.
  void append(std::vector<Journal::Change> changes) {
    const std::size_t number = called_++;
    journal_->append(std::move(changes), [this, number](const Status& status) {
      const std::lock_guard lock(mutex_);
      told_.emplace_back(number, status);
    });
  }
  [[nodiscard]] std::vector<std::pair<std::size_t, Status>> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

  test::FaultPlan plan_;
  test::FaultyFileSystem fs_{plan_};
  test::GatedFileSystem gated_{fs_};
  Journal::Options options_{.directory = "/data/uploads"};
  std::size_t called_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::pair<std::size_t, Status>> told_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalTest, StartsEmpty) {
  EXPECT_TRUE(journal_->healthy());
  EXPECT_TRUE(journal_->sessions().empty());
  EXPECT_EQ(journal_->read(numbered_id(1), Slot::kSession).error().code(), Errc::kNotFound);
  EXPECT_EQ(fs_.all_files(), std::vector<std::string>{"/data/uploads/journal"});
}

TEST_F(JournalTest, KeepsTheLastValueOfEachSlot) {
  ASSERT_TRUE(journal_->append_and_wait({put(2, Slot::kSession, "s"), put(1, Slot::kOutcome, "")}));
  ASSERT_TRUE(journal_->append_and_wait({put(2, Slot::kCheckpoint, "c1")}));
  ASSERT_TRUE(journal_->append_and_wait({put(2, Slot::kCheckpoint, "c2")}));
  for (int round = 0; round < 2; ++round, reopen()) {
    EXPECT_EQ(*journal_->read(numbered_id(2), Slot::kSession), "s");
    EXPECT_EQ(*journal_->read(numbered_id(2), Slot::kCheckpoint), "c2");
    EXPECT_EQ(*journal_->read(numbered_id(1), Slot::kOutcome), "");
    EXPECT_EQ(journal_->read(numbered_id(1), Slot::kSession).error().code(), Errc::kNotFound);
    EXPECT_EQ(journal_->sessions(), (std::vector{numbered_id(1), numbered_id(2)}));
  }
}

TEST_F(JournalTest, RemovesAllOfASession) {
  ASSERT_TRUE(journal_->append_and_wait(
      {put(1, Slot::kSession, "a"), put(1, Slot::kOutcome, "b"), put(2, Slot::kSession, "c")}));
  ASSERT_TRUE(journal_->append_and_wait({remove_session(1), remove_session(7)}));
  EXPECT_EQ(journal_->sessions(), std::vector{numbered_id(2)});
  EXPECT_EQ(journal_->figures().live_bytes, kPutBytes + 1);
  reopen();
  EXPECT_EQ(journal_->sessions(), std::vector{numbered_id(2)});
  EXPECT_EQ(journal_->read(numbered_id(1), Slot::kOutcome).error().code(), Errc::kNotFound);
}

TEST_F(JournalTest, TakesValuesUpToTheLimitAndNoLonger) {
  const std::string largest(Journal::kValueBytesMax, 'v');
  ASSERT_TRUE(journal_->append_and_wait({put(1, Slot::kSession, largest),
                                         put(1, Slot::kCheckpoint, largest),
                                         put(1, Slot::kOutcome, largest)}));
  EXPECT_EQ(journal_->append_and_wait({put(1, Slot::kSession, largest + "v")}).error().code(),
            Errc::kTooLarge);
  std::vector<Journal::Change> many(4, put(1, Slot::kSession, largest));
  EXPECT_EQ(journal_->append_and_wait(std::move(many)).error().code(), Errc::kTooLarge);
  EXPECT_TRUE(journal_->healthy());
  reopen();
  EXPECT_EQ(*journal_->read(numbered_id(1), Slot::kOutcome), largest);
}

TEST_F(JournalTest, AppendsDuringASyncShareTheNext) {
  gated_.close_gate();
  append({put(0, Slot::kSession, "first")});
  gated_.wait_for_sync();
  for (unsigned i = 1; i <= 50; ++i) append({put(i, Slot::kSession, "later")});
  EXPECT_TRUE(told().empty());
  EXPECT_TRUE(journal_->sessions().empty()) << "seen before it is durable";
  gated_.open_gate();
  ASSERT_TRUE(journal_->append_and_wait({}));  // a barrier, which needs no sync of its own
  EXPECT_EQ(gated_.syncs(), 2U);
  const auto figures = journal_->figures();
  EXPECT_EQ(figures.appends, 51U);
  EXPECT_EQ(figures.groups, 2U);
  ASSERT_EQ(told().size(), 51U);
  for (std::size_t i = 0; i < 51; ++i) {
    EXPECT_EQ(told()[i].first, i);
    EXPECT_TRUE(told()[i].second);
  }
}

TEST_F(JournalTest, WhatIsQueuedIsWrittenBeforeTheEnd) {
  gated_.close_gate();
  for (unsigned i = 1; i <= 3; ++i) append({put(i, Slot::kSession, "v")});
  gated_.open_gate();
  reopen();
  EXPECT_EQ(told().size(), 3U);
  EXPECT_EQ(journal_->sessions().size(), 3U);
}

TEST_F(JournalTest, AFailureFailsWhatIsQueuedBehindItAndTheNextWritesANewFile) {
  ASSERT_TRUE(journal_->append_and_wait({put(1, Slot::kSession, "old")}));
  gated_.close_gate();
  append({put(1, Slot::kSession, "new")});
  gated_.wait_for_sync();
  append({put(2, Slot::kSession, "queued")});
  plan_.fail_after(0, Errc::kIo);
  gated_.open_gate();
  while (told().size() < 2) std::this_thread::yield();
  EXPECT_FALSE(told()[0].second);
  EXPECT_FALSE(told()[1].second);
  EXPECT_FALSE(journal_->healthy());
  EXPECT_EQ(*journal_->read(numbered_id(1), Slot::kSession), "old");
  ASSERT_TRUE(journal_->append_and_wait({put(3, Slot::kSession, "next")}));
  EXPECT_TRUE(journal_->healthy());
  EXPECT_EQ(journal_->figures().rewrites, 2U);
  reopen();
  EXPECT_EQ(*journal_->read(numbered_id(1), Slot::kSession), "old");
  EXPECT_EQ(journal_->sessions(), (std::vector{numbered_id(1), numbered_id(3)}));
}

TEST_F(JournalTest, HealsWithoutAnAppend) {
  EXPECT_TRUE(journal_->heal());
  plan_.fail_after(0, Errc::kNoSpace, test::FaultPlan::Then::kKeepFailing);
  EXPECT_EQ(journal_->append_and_wait({put(1, Slot::kSession, "v")}).error().code(),
            Errc::kNoSpace);
  EXPECT_EQ(journal_->heal().error().code(), Errc::kNoSpace);
  EXPECT_FALSE(journal_->healthy());
  plan_.reset();
  EXPECT_TRUE(journal_->heal());
  EXPECT_TRUE(journal_->healthy());
  EXPECT_TRUE(journal_->sessions().empty());
}

TEST_F(JournalTest, LeavesTheReserveOfTheDisk) {
  options_.disk_reserve_bytes = 1000;
  reopen();
  fs_.set_free_bytes(1000 + kPutBytes + 10);
  ASSERT_TRUE(journal_->append_and_wait({put(1, Slot::kSession, std::string(10, 'v'))}));
  EXPECT_EQ(
      journal_->append_and_wait({put(2, Slot::kSession, std::string(11, 'v'))}).error().code(),
      Errc::kNoSpace);
  EXPECT_TRUE(journal_->healthy()) << "nothing was written";
  fs_.set_free_bytes(0);
  EXPECT_TRUE(journal_->append_and_wait({remove_session(1)}));
  EXPECT_TRUE(journal_->sessions().empty());
}

TEST_F(JournalTest, WritesAMostlyDeadFileAnew) {
  options_.rewrite_bytes_min = 10'000;
  reopen();
  ASSERT_TRUE(journal_->append_and_wait({put(1, Slot::kSession, std::string(500, 's'))}));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(journal_->append_and_wait({put(1, Slot::kCheckpoint, std::string(300, 'c'))}));
    EXPECT_LE(journal_->figures().file_bytes, 11'000U);
  }
  EXPECT_GE(journal_->figures().rewrites, 6U);
  EXPECT_LE(journal_->figures().rewrites, 10U);
  EXPECT_EQ(*journal_->read(numbered_id(1), Slot::kSession), std::string(500, 's'));
  EXPECT_EQ(fs_.all_files().size(), 1U);
}

TEST_F(JournalTest, AFailedRewriteCostsNothing) {
  options_.rewrite_bytes_min = 1'000;
  reopen();
  while (journal_->figures().file_bytes < 800) {
    ASSERT_TRUE(journal_->append_and_wait({put(1, Slot::kCheckpoint, std::string(100, 'c'))}));
  }
  // The append (write, sync) works, then the new file can not be made.
  plan_.fail_after(2, Errc::kNoSpace, test::FaultPlan::Then::kKeepFailing);
  ASSERT_TRUE(journal_->append_and_wait({put(1, Slot::kCheckpoint, std::string(200, 'c'))}));
  ASSERT_TRUE(journal_->append_and_wait({}));
  EXPECT_GT(plan_.calls(), 2U);
  EXPECT_TRUE(journal_->healthy());
  plan_.reset();
  EXPECT_TRUE(journal_->append_and_wait({put(1, Slot::kCheckpoint, "last")}));
  reopen();
  EXPECT_EQ(*journal_->read(numbered_id(1), Slot::kCheckpoint), "last");
}

TEST_F(JournalTest, DamageIsNeverAValueAlsoNotInTheNextFile) {
  ASSERT_TRUE(
      journal_->append_and_wait({put(1, Slot::kSession, "good"), put(2, Slot::kSession, "v")}));
  fs_.flip_bit("/data/uploads/journal", kJournalHeadBytes + 4 + kRecordHeaderBytes);
  EXPECT_EQ(journal_->read(numbered_id(1), Slot::kSession).error().code(), Errc::kCorruptData);
  plan_.fail_after(0, Errc::kIo);
  EXPECT_FALSE(journal_->append_and_wait({put(3, Slot::kSession, "v")}));
  ASSERT_TRUE(journal_->heal());
  reopen();
  EXPECT_EQ(journal_->read(numbered_id(1), Slot::kSession).error().code(), Errc::kCorruptData);
  EXPECT_EQ(*journal_->read(numbered_id(2), Slot::kSession), "v");
}

TEST_F(JournalTest, RefusesOtherVersionsAndDamagedHeads) {
  journal_.reset();
  for (const std::string head : {"", "strata-upload-journal 1\n", "strata-upload-journal 2\n...",
                                 "strata-upload-journal x\n", "something else\n"}) {
    ASSERT_TRUE(io::write_new_file(fs_, "/data/uploads/journal", head));
    const auto opened = Journal::open(fs_, options_);
    ASSERT_FALSE(opened) << head;
    EXPECT_EQ(opened.error().code(), Errc::kCorruptData);
  }
}

TEST_F(JournalTest, AStartOnAFullDiskCanReadAndHealsLater) {
  ASSERT_TRUE(journal_->append_and_wait({put(1, Slot::kSession, "v")}));
  journal_.reset();
  plan_.fail_after(1, Errc::kNoSpace, test::FaultPlan::Then::kKeepFailing);
  reopen();
  EXPECT_FALSE(journal_->healthy());
  EXPECT_EQ(*journal_->read(numbered_id(1), Slot::kSession), "v");
  EXPECT_FALSE(journal_->append_and_wait({remove_session(1)}));
  plan_.reset();
  EXPECT_TRUE(journal_->append_and_wait({put(1, Slot::kOutcome, "o")}));
  EXPECT_EQ(*journal_->read(numbered_id(1), Slot::kSession), "v");
}

// Threads that append, read and list while files change under them.
TEST_F(JournalTest, ManyThreads) {
  options_.rewrite_bytes_min = 2'000;
  reopen();
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      for (const auto& [session, slots] : contents(*journal_)) {
        for (const auto& [slot, value] : slots) ASSERT_EQ(value.front(), value.back());
      }
      (void)journal_->figures();
    }
  });
  std::vector<std::thread> writers;
  for (unsigned writer = 1; writer <= 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 200; ++i) {
        const std::string value(1 + static_cast<std::size_t>(i) % 90,
                                static_cast<char>('a' + i % 26));
        ASSERT_TRUE(journal_->append_and_wait({put(writer, Slot::kCheckpoint, value)}));
        ASSERT_EQ(*journal_->read(numbered_id(writer), Slot::kCheckpoint), value);
      }
    });
  }
  for (auto& writer : writers) writer.join();
  stop = true;
  reader.join();
  EXPECT_EQ(journal_->figures().appends, 800U);
  EXPECT_GT(journal_->figures().rewrites, 3U);
}

}  // namespace
}  // namespace strata::upload
