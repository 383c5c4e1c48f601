// Makes every call of every flow fail, with EIO and with ENOSPC, once or from then on, while the
// process lives: the error is clean, nothing partial is visible, and the store works afterwards.
#include <gtest/gtest.h>

#include "tests/crash/image_world.h"

namespace strata::test {
namespace {

using catalog::Image;

const std::string kBig(10'000, 'b');

struct Failure {
  Errc code;
  FaultPlan::Then then;
  bool write_takes_effect;
};

std::vector<Failure> all_failures() {
  std::vector<Failure> failures;
  for (const Errc code : {Errc::kIo, Errc::kNoSpace}) {
    for (const auto then : {FaultPlan::Then::kRecover, FaultPlan::Then::kKeepFailing}) {
      for (const bool takes_effect : {false, true}) failures.push_back({code, then, takes_effect});
    }
  }
  return failures;
}

// Runs `operation` with its k-th call failing, for each k until none fails; `check` sees its
// outcome when the disk is well again.
void fail_everywhere(
    const std::function<ImageId(ImageWorld&)>& prepare,
    const std::function<Status(ImageWorld&, const ImageId&)>& operation,
    const std::function<void(ImageWorld&, const ImageId&, const Status&, const Failure&)>& check) {
  for (const Failure& failure : all_failures()) {
    std::uint64_t k = 0;
    for (bool finished = false; !finished; ++k) {
      SCOPED_TRACE("error " + std::to_string(static_cast<int>(failure.code)) + " in call " +
                   std::to_string(k) +
                   (failure.then == FaultPlan::Then::kRecover ? " once" : " and after") +
                   (failure.write_takes_effect ? ", write takes effect" : ""));
      ImageWorld world({FaultyFileSystem::Leaves::kEverything, 0, failure.write_takes_effect});
      const ImageId id = prepare(world);
      world.plan().fail_after(k, failure.code, failure.then);
      const Status status = operation(world, id);
      finished = world.plan().calls() <= k;
      if (finished) {
        EXPECT_TRUE(status);
      }
      if (!status) {
        EXPECT_EQ(status.error().code(), failure.code) << status.error().message();
      }
      world.plan().reset();
      check(world, id, status, failure);
      world.reboot();
      ASSERT_TRUE(world.start());
      world.verify();
      if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(k, 3u);
  }
}

TEST(DiskError, InAnUpload) {
  ImageId uploaded;
  fail_everywhere(
      [](ImageWorld& world) { return world.upload("alice", "old").id; },
      [&](ImageWorld& world, const ImageId&) {
        const auto upload = world.upload("alice", kBig);
        uploaded = upload.id;
        return upload.status;
      },
      [&](ImageWorld& world, const ImageId&, const Status& status, const Failure& failure) {
        if (status) return;
        // With a disk that keeps failing, a catalogue write that took effect cannot be undone.
        const bool undone = failure.then == FaultPlan::Then::kRecover;
        if (undone || !failure.write_takes_effect) {
          EXPECT_EQ(world.catalog().get(uploaded).error().code(), Errc::kNotFound);
        }
        if (undone) {
          world.expect_not_uploaded(uploaded);
          EXPECT_TRUE(world.collect());
          EXPECT_EQ(world.blobs().list()->size(), 1u);
        }
        EXPECT_TRUE(world.upload("alice", kBig).status);  // at once, without a restart
      });
}

TEST(DiskError, InAnUploadOfKnownBytes) {
  ImageId uploaded;
  fail_everywhere(
      [](ImageWorld& world) { return world.upload("alice", kBig).id; },
      [&](ImageWorld& world, const ImageId&) {
        const auto upload = world.upload("alice", kBig);
        uploaded = upload.id;
        return upload.status;
      },
      [&](ImageWorld& world, const ImageId&, const Status& status, const Failure& failure) {
        EXPECT_EQ(world.blobs().list()->size(), 1u);
        if (status) return;
        if (failure.then == FaultPlan::Then::kRecover) world.expect_not_uploaded(uploaded);
        EXPECT_TRUE(world.upload("alice", kBig).status);
      });
}

TEST(DiskError, InAPatch) {
  Image before;
  fail_everywhere(
      [&](ImageWorld& world) {
        const ImageId id = world.upload("alice", kBig).id;
        before = *world.catalog().get(id);
        return id;
      },
      [](ImageWorld& world, const ImageId& id) {
        return world.update(id, [](Image& image) { image.name = "renamed"; });
      },
      [&](ImageWorld& world, const ImageId& id, const Status& status, const Failure& failure) {
        if (status) return;
        if (failure.then == FaultPlan::Then::kRecover || !failure.write_takes_effect) {
          EXPECT_EQ(*world.catalog().get(id), before);
        }
        EXPECT_TRUE(world.update(id, [](Image& image) { image.name = "second try"; }));
      });
}

TEST(DiskError, InADeleteAndItsCollection) {
  fail_everywhere([](ImageWorld& world) { return world.upload("alice", kBig).id; },
                  [](ImageWorld& world, const ImageId& id) {
                    const Status removed = world.remove(id);
                    const Status collected = world.collect();
                    return removed ? collected : removed;
                  },
                  [](ImageWorld& world, const ImageId& id, const Status& status, const Failure&) {
                    if (status) return;
                    if (world.catalog().get(id)) {
                      EXPECT_TRUE(world.remove(id));
                    }
                    EXPECT_TRUE(world.collect());
                    EXPECT_EQ(world.catalog().get(id).error().code(), Errc::kNotFound);
                    EXPECT_TRUE(world.blobs().list()->empty());
                  });
}

}  // namespace
}  // namespace strata::test
