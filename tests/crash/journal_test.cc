// Cuts the power in, or fails, every call of a journal's life: start, appends, rewrites, healing.
// After each the next start finds what was acknowledged, and of the rest a prefix of whole appends.
#include "storage/upload/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <future>

#include "tests/support/faulty_file_system.h"
#include "tests/support/journals.h"

namespace strata::test {
namespace {

using Slot = Journal::Slot;
using Changes = std::vector<Journal::Change>;
using Leaves = FaultyFileSystem::Leaves;

struct Ending {
  Leaves leaves;
  std::uint32_t seed;
};

std::vector<Ending> all_endings() {
  std::vector<Ending> endings{{Leaves::kNothing, 0}, {Leaves::kEverything, 0}};
  for (std::uint32_t seed = 0; seed < 12; ++seed) endings.push_back({Leaves::kSome, seed});
  return endings;
}

// A journal on a disk that can fail, and what the next start may find.
class World {
 public:
  World() : fs_(std::make_unique<FaultyFileSystem>(plan_)) {}

  FaultPlan& plan() { return plan_; }
  Journal& journal() { return *journal_; }
  const JournalModel& durable() const { return durable_; }

  // A process that starts; and that a start on a well disk finds what it may. What it found is what
  // every later one must find, until something is appended.
  Status start() {
    journal_.reset();
    auto opened = Journal::open(*fs_, {.directory = "/data/uploads", .rewrite_bytes_min = 700});
    if (!opened) return opened.error();
    journal_ = *std::move(opened);
    if (plan_.power_is_off()) return Error(Errc::kIo, "the power is off");
    const JournalModel found = contents(*journal_);
    JournalModel allowed = durable_;
    bool known = found == allowed;
    for (auto changes = failed_.begin(); !known && changes != failed_.end(); ++changes) {
      apply_changes(*changes, allowed);
      known = found == allowed;
    }
    EXPECT_TRUE(known) << failed_.size() << " appends without an answer or refused";
    if (!journal_->healthy()) return Error(Errc::kIo, "not healthy");
    durable_ = found;
    failed_.clear();
    return {};
  }
  void die() { journal_.reset(); }
  void reboot(const Ending& ending) {
    die();
    fs_ = fs_->reboot(ending.leaves, ending.seed);
    plan_.reset();
  }

  // One append after another, or all at once; what this process sees is what succeeded.
  Status append(const Changes& changes) { return append_all({changes}).front(); }
  std::vector<Status> append_all(const std::vector<Changes>& all) {
    std::vector<std::promise<Status>> told(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      journal_->append(all[i], [&told, i](const Status& status) { told[i].set_value(status); });
    }
    std::vector<Status> statuses;
    for (std::size_t i = 0; i < all.size(); ++i) {
      statuses.push_back(told[i].get_future().get());
      if (statuses.back()) {
        apply_changes(all[i], durable_);
        failed_.clear();
      } else {
        failed_.push_back(all[i]);
      }
    }
    return statuses;
  }
  Status heal() {
    if (!journal_) return start();
    auto status = journal_->heal();
    if (status) failed_.clear();
    return status;
  }

 private:
  FaultPlan plan_;
  std::unique_ptr<FaultyFileSystem> fs_;
  std::unique_ptr<Journal> journal_;
  JournalModel durable_;
  std::vector<Changes> failed_;  // since the last success
};

// Long enough for several rewrites; goes on after a failure, as a server would.
void live(World& world) {
  if (!world.start()) return;
  for (unsigned i = 0; i < 12; ++i) {
    const std::string value(20 + 13 * i, static_cast<char>('a' + i));
    (void)world.append({put(i % 3, Slot::kSession, value), put(i % 3, Slot::kOutcome, "o")});
    (void)world.append_all({{put(1, Slot::kCheckpoint, value)},
                            {put(2, Slot::kCheckpoint, value), put(5, Slot::kSession, "five")},
                            {remove_session(5)}});
    if (i % 4 == 3) (void)world.append({remove_session(i % 3)});
    if (i % 5 == 2) (void)world.heal();
    if (i == 6 && !world.start()) return;
  }
}

// That the journal is as good as any: takes appends that survive a power cut.
void expect_usable(World& world) {
  for (const char* value : {"one", "two"}) {
    ASSERT_TRUE(world.append({put(9, Slot::kSession, value)}));
    world.reboot({Leaves::kNothing, 0});
    const Status started = world.start();
    ASSERT_TRUE(started) << started.error().message();
  }
}

TEST(JournalPowerCut, InEveryCall) {
  for (const Ending& ending : all_endings()) {
    std::uint64_t k = 0;
    for (bool finished = false; !finished; ++k) {
      SCOPED_TRACE("leaves " + std::to_string(static_cast<int>(ending.leaves)) + " seed " +
                   std::to_string(ending.seed) + ", cut after call " + std::to_string(k));
      World world;
      world.plan().cut_power_after(k);
      live(world);
      finished = !world.plan().power_is_off();
      world.reboot(ending);
      if (k % 2 == 1) {  // and once more, in the recovery
        world.plan().cut_power_after(k / 2 % 8);
        (void)world.start();
        world.reboot(ending);
      }
      const Status started = world.start();
      ASSERT_TRUE(started) << started.error().message();
      expect_usable(world);
      if (testing::Test::HasFailure()) return;  // one report is enough
    }
    EXPECT_GT(k, 60U);
  }
}

// A server that lives on a failing disk: before the power goes it heals, or dies, or neither.
enum class Then { kHeals, kDies, kLosesPower };

void fail_in_every_call(Errc code, FaultPlan::Then then, Then afterwards, const Ending& ending) {
  std::uint64_t k = 0;
  for (bool finished = false; !finished; ++k) {
    SCOPED_TRACE("error " + std::to_string(static_cast<int>(code)) + " in call " +
                 std::to_string(k) + (then == FaultPlan::Then::kRecover ? " once" : " and after") +
                 ", afterwards " + std::to_string(static_cast<int>(afterwards)) + ", leaves " +
                 std::to_string(static_cast<int>(ending.leaves)));
    World world;
    ASSERT_TRUE(world.start());
    ASSERT_TRUE(world.append({put(7, Slot::kSession, "from before")}));
    world.plan().fail_after(k, code, then);
    live(world);
    finished = world.plan().calls() <= k;
    world.plan().reset();
    if (afterwards == Then::kHeals && world.heal()) {
      EXPECT_EQ(contents(world.journal()), world.durable());
      expect_usable(world);
    } else if (afterwards == Then::kDies) {
      world.die();  // the page cache shows the next process what the disk may not have
      ASSERT_TRUE(world.start());
      expect_usable(world);
    }
    world.reboot(ending);
    const Status started = world.start();
    ASSERT_TRUE(started) << started.error().message();
    EXPECT_EQ(*world.journal().read(numbered_id(7), Slot::kSession), "from before");
    expect_usable(world);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(k, 5U);
}

// After healing or another start everything is durable, and how the power cut ends hardly matters.
TEST(JournalDiskError, InEveryCall) {
  const std::vector<Ending> endings = {
      {Leaves::kNothing, 0}, {Leaves::kSome, 3}, {Leaves::kEverything, 0}, {Leaves::kSome, 4}};
  for (const auto then : {FaultPlan::Then::kRecover, FaultPlan::Then::kKeepFailing}) {
    for (std::size_t i = 0; i < endings.size() && !testing::Test::HasFailure(); ++i) {
      fail_in_every_call(Errc::kIo, then, Then::kLosesPower, endings[i]);
      fail_in_every_call(Errc::kNoSpace, then, Then::kLosesPower, endings[i]);
      if (i >= 2) continue;
      fail_in_every_call(Errc::kIo, then, Then::kHeals, endings[i]);
      fail_in_every_call(Errc::kIo, then, Then::kDies, endings[i]);
    }
  }
}

}  // namespace
}  // namespace strata::test
