#include <gtest/gtest.h>

#include "storage/upload/checkpoint.h"

namespace strata::upload {
namespace {

Checkpoint full() {
  Checkpoint checkpoint{1000, 1'700'000'000'000, std::nullopt, std::nullopt};
  checkpoint.stored = DigestStage::Saved{900, {"one", std::string("t\0wo", 4)}, "probe"};
  checkpoint.decoding =
      DecodeStage::Saved{800, "decoder", DigestStage::Saved{70'000, {"three"}, ""}};
  return checkpoint;
}

TEST(Checkpoint, RoundTrip) {
  for (int has = 0; has < 4; ++has) {
    Checkpoint checkpoint = full();
    if ((has & 1) == 0) checkpoint.stored.reset();
    if ((has & 2) == 0) checkpoint.decoding.reset();
    const auto read = checkpoint_from_bytes(to_bytes(checkpoint));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, checkpoint);
  }
}

// The journal's checksum guards the bytes; what comes through is refused or means what it says.
TEST(Checkpoint, DamageIsRefusedOrHasOneMeaning) {
  const std::string good = to_bytes(full());
  for (std::size_t at = 0; at < good.size(); ++at) {
    EXPECT_EQ(checkpoint_from_bytes(good.substr(0, at)).error().code(), Errc::kCorruptData);
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
      const auto read = checkpoint_from_bytes(bad);
      if (read) {
        EXPECT_EQ(to_bytes(*read), bad);
      } else {
        EXPECT_EQ(read.error().code(), Errc::kCorruptData);
      }
    }
  }
  EXPECT_FALSE(checkpoint_from_bytes(good + '\0'));
}

TEST(Checkpoint, StatesBehindTheOffsetAreRefused) {
  Checkpoint checkpoint = full();
  checkpoint.stored->bytes = 1001;
  EXPECT_FALSE(checkpoint_from_bytes(to_bytes(checkpoint)));
  checkpoint = full();
  checkpoint.decoding->consumed = 1001;
  EXPECT_FALSE(checkpoint_from_bytes(to_bytes(checkpoint)));
}

}  // namespace
}  // namespace strata::upload
