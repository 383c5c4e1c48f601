#include <gtest/gtest.h>

#include <random>

#include "storage/upload/journal.h"
#include "storage/upload/journal_format.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/journals.h"

// Random operations against a map, with starts in between.
namespace strata::test {
namespace {

using Changes = std::vector<Journal::Change>;

Changes random_changes(std::mt19937& random, std::size_t value_bytes_max) {
  Changes changes;
  for (std::size_t n = 1 + random() % 4; n > 0; --n) {
    const auto session = static_cast<unsigned>(random() % 6);
    if (random() % 5 == 0) {
      changes.push_back(remove_session(session));
      continue;
    }
    const auto slot = static_cast<Journal::Slot>(1 + random() % Journal::kSlots);
    std::string value(random() % value_bytes_max, '\0');
    for (char& c : value) c = static_cast<char>(random());
    changes.push_back(put(session, slot, std::move(value)));
  }
  return changes;
}

std::uint64_t live_bytes(const JournalModel& model) {
  std::uint64_t sum = 0;
  for (const auto& [session, slots] : model) {
    for (const auto& [slot, value] : slots) sum += upload::kPutBytes + value.size();
  }
  return sum;
}

TEST(JournalProperty, AgreesWithAMap) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::size_t value_bytes_max = seed % 4 == 0 ? 50'000 : 200;
    const Journal::Options options{.directory = "/uploads",
                                   .rewrite_bytes_min = 1 + random() % 20'000};
    FaultPlan plan;
    FaultyFileSystem fs(plan);
    JournalModel model;
    auto journal = *Journal::open(fs, options);
    for (int step = 0; step < 120; ++step) {
      const Changes changes = random_changes(random, value_bytes_max);
      // Sometimes without waiting: the next one that waits comes behind it.
      if (random() % 3 == 0) {
        journal->append(changes, [](const Status& status) { EXPECT_TRUE(status); });
      } else {
        ASSERT_TRUE(journal->append_and_wait(changes));
      }
      apply_changes(changes, model);
      if (step % 20 != 19) continue;
      if (random() % 2 == 0) {
        journal.reset();
        journal = *Journal::open(fs, options);
      }
      ASSERT_TRUE(journal->append_and_wait({}));
      ASSERT_EQ(contents(*journal), model);
      ASSERT_EQ(journal->figures().live_bytes, live_bytes(model));
    }
    const auto figures = journal->figures();
    EXPECT_LE(figures.groups, figures.appends);
    journal.reset();
    EXPECT_EQ(contents(**Journal::open(fs, options)), model);
  }
}

}  // namespace
}  // namespace strata::test
