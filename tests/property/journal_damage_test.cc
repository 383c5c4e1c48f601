#include <gtest/gtest.h>

#include "storage/upload/journal.h"
#include "strata/base/log.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/journal_bytes.h"
#include "tests/support/journals.h"

// A small journal, cut at every byte and with every bit flipped: what stands before the damage is
// there, and nothing else.
namespace strata::test {
namespace {

using Slot = Journal::Slot;

class JournalDamage : public testing::Test {
 protected:
  JournalDamage() {
    const std::vector<std::vector<Journal::Change>> appends = {
        {put(1, Slot::kSession, "a session"), put(2, Slot::kSession, "")},
        {put(1, Slot::kCheckpoint, std::string(70, 'c'))},
        {remove_session(2), put(1, Slot::kOutcome, "done")},
        {put(1, Slot::kCheckpoint, "another")},
        {remove_session(1), put(3, Slot::kSession, "third")}};
    std::vector<std::string> groups;
    states_.push_back({journal_of(groups).size(), {}});
    for (const auto& changes : appends) {
      groups.emplace_back();
      for (const auto& change : changes) {
        if (change.kind == Journal::Change::Kind::kPut) {
          upload::encode_put(change.session, change.slot, change.value, groups.back());
        } else {
          upload::encode_removal(change.session, groups.back());
        }
      }
      JournalModel next = states_.back().second;
      apply_changes(changes, next);
      states_.emplace_back(journal_of(groups).size(), next);
    }
    bytes_ = journal_of(groups);
    log::configure(log::Level::kError, log::Format::kText);  // each start says what it drops
  }
  ~JournalDamage() override { log::configure(log::Level::kInfo, log::Format::kText); }

  // What the first `size` bytes say.
  [[nodiscard]] const JournalModel& state_of(std::size_t size) const {
    std::size_t i = 0;
    while (i + 1 < states_.size() && states_[i + 1].first <= size) ++i;
    return states_[i].second;
  }
  // Opens `bytes`, of which the first `good` are as they were.
  void expect_prefix(const std::string& bytes, std::size_t good) const {
    FaultPlan plan;
    FaultyFileSystem fs(plan);
    ASSERT_TRUE(fs.make_directories("/uploads"));
    ASSERT_TRUE(io::write_new_file(fs, "/uploads/journal", bytes));
    for (int start = 0; start < 2; ++start) {
      const auto journal = Journal::open(fs, {.directory = "/uploads"});
      if (good < upload::kJournalHeadBytes) {
        ASSERT_FALSE(journal);
        ASSERT_EQ(journal.error().code(), Errc::kCorruptData);
        continue;
      }
      ASSERT_TRUE(journal) << journal.error().message();
      ASSERT_TRUE((*journal)->healthy());
      ASSERT_EQ(contents(**journal), state_of(good));
    }
  }

  std::vector<std::pair<std::size_t, JournalModel>> states_;  // after so many bytes
  std::string bytes_;
};

TEST_F(JournalDamage, CutAtEveryByte) {
  for (std::size_t size = 0; size <= bytes_.size(); ++size) {
    SCOPED_TRACE(size);
    ASSERT_NO_FATAL_FAILURE(expect_prefix(bytes_.substr(0, size), size));
    // As a file system may leave it: the size is there, the bytes are not.
    const std::string zeros = bytes_.substr(0, size) + std::string(bytes_.size() - size, '\0');
    std::size_t same = size;
    while (same < bytes_.size() && bytes_[same] == '\0') ++same;
    ASSERT_NO_FATAL_FAILURE(expect_prefix(zeros, same));
  }
}

TEST_F(JournalDamage, EveryBitFlipped) {
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      SCOPED_TRACE(std::to_string(at) + ", bit " + std::to_string(bit));
      std::string damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
      ASSERT_NO_FATAL_FAILURE(expect_prefix(damaged, at));
    }
  }
}

}  // namespace
}  // namespace strata::test
