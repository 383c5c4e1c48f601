// Cuts the power in every call of every flow, lets the disk keep as much or as little as it may,
// and compares what the next start finds with a model.
#include <gtest/gtest.h>

#include "tests/crash/image_world.h"

namespace strata::test {
namespace {

using catalog::Image;
using catalog::Registration;
using Flow = std::function<void(ImageWorld&)>;

const std::string kBig(10'000, 'b');

// `prepare` happens in peace, `flow` is cut. Flows go on after a failed operation as a client
// would that does not know why it failed.
void cut_everywhere(const Flow& prepare, const Flow& flow) {
  for (const Ending& ending : all_endings()) {
    std::uint64_t k = 0;
    for (bool finished = false; !finished; ++k) {
      SCOPED_TRACE(describe(ending) + ", cut after call " + std::to_string(k));
      ImageWorld world(ending);
      prepare(world);
      world.plan().cut_power_after(k);
      flow(world);
      finished = !world.plan().power_is_off();
      world.reboot();
      if (k % 2 == 1) {  // and once more, early in the recovery
        world.plan().cut_power_after(k / 2 % 8);
        if (!world.start()) world.reboot();
        world.plan().reset();
      }
      const Status started = world.start();
      ASSERT_TRUE(started) << started.error().message();
      world.verify();
      if (::testing::Test::HasFailure()) return;  // one report is enough
    }
    EXPECT_GT(k, 3u);  // there was something to cut
  }
}

TEST(PowerCut, DuringUploads) {
  cut_everywhere([](ImageWorld& world) { EXPECT_TRUE(world.upload("alice", "old").status); },
                 [](ImageWorld& world) {
                   (void)world.upload("alice", kBig);
                   (void)world.upload("alice", kBig);  // the same content: one blob
                   (void)world.upload("bob", kBig);
                   (void)world.upload("bob", "");
                 });
}

TEST(PowerCut, DuringDeletesAndCollection) {
  std::vector<ImageId> ids;
  cut_everywhere(
      [&](ImageWorld& world) {
        ids.clear();
        for (const auto& bytes : {kBig, kBig, std::string("other")}) {
          ids.push_back(world.upload("alice", bytes).id);
        }
      },
      [&](ImageWorld& world) {
        for (const ImageId& id : ids) (void)world.remove(id);
        (void)world.collect();
      });
}

TEST(PowerCut, WhileABlobAwaitingRemovalIsAdopted) {
  cut_everywhere(
      [](ImageWorld& world) { EXPECT_TRUE(world.remove(world.upload("alice", kBig).id)); },
      [](ImageWorld& world) {
        (void)world.upload("alice", kBig);
        (void)world.collect();
      });
}

TEST(PowerCut, DuringPatches) {
  std::vector<ImageId> ids;
  cut_everywhere(
      [&](ImageWorld& world) {
        ids = {world.upload("alice", kBig).id, world.upload("alice", kBig).id};
      },
      [&](ImageWorld& world) {
        (void)world.update(ids[0], [](Image& image) { image.name = "renamed"; });
        (void)world.update(ids[1], [](Image& image) {
          image.visibility = catalog::Visibility::kPublic;
          image.tags = {"new"};
        });
      });
}

TEST(PowerCut, DuringTheRebuildOfALostCatalogue) {
  cut_everywhere(
      [](ImageWorld& world) {
        const auto gone = world.upload("alice", "deleted");
        EXPECT_TRUE(world.upload("alice", kBig).status);
        EXPECT_TRUE(world.upload("alice", kBig).status);
        EXPECT_TRUE(world.upload("bob", "").status);
        EXPECT_TRUE(world.remove(gone.id));
        world.reboot();
        world.lose_catalog();
      },
      [](ImageWorld& world) { (void)world.start(); });
}

// The outbox: what the worker stored stays, a change that came meanwhile too.
TEST(PowerCut, DuringARegistration) {
  for (const Ending& ending : all_endings()) {
    std::uint64_t k = 0;
    for (bool finished = false; !finished; ++k) {
      SCOPED_TRACE(describe(ending) + ", cut after call " + std::to_string(k));
      ImageWorld world(ending);
      const auto uploaded = world.upload("alice", "x");
      const auto content = world.catalog().get(uploaded.id)->content.decoded.sha256;
      Registration now = **world.catalog().registration(content);
      std::vector<Registration> allowed = {now};
      const auto store = [&](const Registration& next) {
        allowed.push_back(next);
        if (!world.catalog().update_registration(next)) return false;
        allowed = {next};
        now = next;
        return true;
      };
      world.plan().cut_power_after(k);
      Registration next = now;
      next.document = "<signed/>";
      next.document_for = next.wanted;
      next.last_created = 5000;
      if (store(next)) {
        next.attempts = 1;
        next.next_attempt = 1;
        next.error = "the registry is down";
        if (store(next)) {
          next.done = next.document_for;
          next.state = Registration::State::kRegistered;
          next.entry_url = "http://registry/metadata/x";
          (void)store(next);
        }
      }
      finished = !world.plan().power_is_off();
      world.reboot();
      ASSERT_TRUE(world.start());
      const Registration found = **world.catalog().registration(content);
      EXPECT_NE(std::find(allowed.begin(), allowed.end(), found), allowed.end());
      EXPECT_EQ(*world.catalog().outbox_depth(), found.done < found.wanted ? 1u : 0u);
      EXPECT_EQ(world.catalog().due_registrations(1'000'000, 10)->size(),
                *world.catalog().outbox_depth());
      world.verify();
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace strata::test
