#include "storage/service/sequential_reads.h"

#include <gtest/gtest.h>

namespace strata::storage {
namespace {

TEST(SequentialReads, AReaderThatGoesOnIsKnown) {
  SequentialReads reads;
  EXPECT_EQ(reads.note(0, 10), 0u);
  EXPECT_EQ(reads.note(10, 10), 10u);
  EXPECT_EQ(reads.note(20, 5), 20u);
  EXPECT_EQ(reads.note(26, 5), 0u);
  EXPECT_EQ(reads.note(25, 5), 25u);
}

TEST(SequentialReads, ReadersBesideEachOtherAreToldApart) {
  SequentialReads reads;
  for (std::uint64_t i = 0; i < 100; ++i) {
    for (std::uint64_t reader = 0; reader < 4; ++reader) {
      EXPECT_EQ(reads.note(reader * 1'000'000 + i * 100, 100), i * 100);
    }
  }
}

TEST(SequentialReads, JumpsPushOnlyTheOldestOut) {
  SequentialReads reads;
  EXPECT_EQ(reads.note(0, 10), 0u);
  for (std::uint64_t i = 0; i < 15; ++i) EXPECT_EQ(reads.note(1000 + i * 7, 1), 0u);
  EXPECT_EQ(reads.note(10, 10), 10u);
  for (std::uint64_t i = 0; i < 16; ++i) EXPECT_EQ(reads.note(2000 + i * 7, 1), 0u);
  EXPECT_EQ(reads.note(20, 10), 0u);
}

}  // namespace
}  // namespace strata::storage
