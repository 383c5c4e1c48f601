#include "tests/support/push_fixture.h"

// Pushes through a server of which nearly half of all requests go wrong, in seeded ways.
namespace strata::client {
namespace {

using test::UploadServer;

class PushChaos : public test::PushFixture {
 protected:
  static Fault choose(std::mt19937& random, std::uint64_t size) {
    const auto below = [&](std::uint64_t end) {
      return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random);
    };
    Fault fault;
    switch (below(12)) {
      case 0:
        return cut(below(size));
      case 1:
        fault = cut(below(size));
        fault.forget = true;
        return fault;
      case 2:
        fault.mute = true;
        return fault;
      case 3:
        fault.keep_only = below(size);
        return fault;
      case 4: {
        const int statuses[] = {408, 409, 423, 429, 500, 502, 503};
        return answer(statuses[below(7)], below(2) == 0 ? "Retry-After: 2\r\n" : "");
      }
      default:
        return fault;
    }
  }
  void start_chaos(unsigned seed) {
    struct Shared {  // by the server's threads
      std::mutex mutex;
      std::mt19937 random;
    };
    auto shared = std::make_shared<Shared>();
    shared->random.seed(seed);
    UploadServer::Settings settings;
    settings.verifying_polls = seed % 3;
    settings.forget_parts = seed % 4 == 1;
    const std::uint64_t size = content_.size();
    settings.fault = [=](const Request& request) {
      const std::lock_guard lock(shared->mutex);
      Fault fault = choose(shared->random, size);
      // These have a meaning for PATCH only; elsewhere they are final.
      const bool conflict = fault.status == 409 || fault.status == 423;
      if (request.method != "PATCH" && conflict) fault.status = 503;
      return fault;
    };
    start(settings);
  }
};

TEST_F(PushChaos, OnePushGetsThrough) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    make_file(seed % 2 == 0 ? 50'000 : 3 * kMiB + 17);
    options_.parallel = 1 + seed % 4;
    start_chaos(seed);
    const auto image = push();
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(server_->images().size(), 1U);
    EXPECT_TRUE(server_->images()[0] == content_);
  }
}

TEST_F(PushChaos, RunsThatEndAtEachErrorGetThroughTogether) {
  for (unsigned seed = 100; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    make_file(seed % 2 == 0 ? 50'000 : 3 * kMiB + 17);
    options_.parallel = 1 + seed % 4;
    options_.retry_for = std::chrono::milliseconds(0);
    start_chaos(seed);
    bool done = false;
    for (int run = 0; run < 500 && !done; ++run) done = push().has_value();
    ASSERT_TRUE(done);
    EXPECT_EQ(server_->images().size(), 1U);
    EXPECT_TRUE(server_->images()[0] == content_);
    EXPECT_TRUE(state_files().empty());
  }
}

}  // namespace
}  // namespace strata::client
