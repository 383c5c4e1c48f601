#include "storage/service/seekable_source.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/seekable_fixture.h"

namespace strata::storage {
namespace {

using codec::SeekBlock;
using test::SeekableTest;

class SeekableSourceTest : public SeekableTest {
 protected:
  void check_range(http::ByteRange range) {
    const auto got = request({range});
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_TRUE(*got == expected(range)) << range.first << " + " << range.length;
  }
  void check_all_ranges() {
    const std::uint64_t size = world_.decoded.size();
    check_range({0, size});
    check_range({size - 1, 1});
    for (const SeekBlock& block : world_.index.blocks) {
      check_range({block.decoded_offset, 1});
      if (block.decoded_offset > 0) check_range({block.decoded_offset - 1, 2});
    }
    std::mt19937_64 random(1);
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t first = random() % size;
      check_range({first, 1 + random() % std::min<std::uint64_t>(size - first, 300'000)});
    }
  }
};

TEST_F(SeekableSourceTest, RangesOfGzip) {
  encode(test::gzip_of(test::seekable_disk()));
  EXPECT_GT(world_.index.blocks.size(), 5u);
  EXPECT_LT(first_of(SeekBlock::Kind::kEncoded), world_.index.blocks.size());
  start();
  check_all_ranges();
}

TEST_F(SeekableSourceTest, RangesOfXzFromItsSeekableCopy) {
  encode(test::xz_of(test::seekable_disk()));
  EXPECT_LT(first_of(SeekBlock::Kind::kFrame), world_.index.blocks.size());
  start();
  check_all_ranges();
}

TEST_F(SeekableSourceTest, ACacheThatHoldsNothingCostsTimeOnly) {
  encode(test::gzip_of(test::seekable_disk()));
  Limits limits;
  limits.block_cache_bytes = 1;
  start(limits);
  const http::ByteRange all{0, world_.decoded.size()};
  const auto with_place = request({all});
  ASSERT_TRUE(with_place);
  EXPECT_TRUE(*with_place == world_.decoded);
  const std::uint64_t once = misses();
  EXPECT_LE(once, world_.index.blocks.size());
  EXPECT_EQ(ahead_started(), 0u);  // would be dropped before it is read
  const http::ByteRange few{0, 600'000};
  const auto without_place = request({few}, 8, false);
  ASSERT_TRUE(without_place);
  EXPECT_TRUE(*without_place == expected(few));
}

TEST_F(SeekableSourceTest, SeveralRangesInTheOrderOfTheClient) {
  encode(test::gzip_of(test::seekable_disk()));
  start();
  const std::vector<http::ByteRange> ranges = {{8'000'000, 100}, {10, 300'000}, {300'010, 5},
                                               {10, 7},          {10, 7},       {4'194'300, 10}};
  const auto got = request(ranges);
  ASSERT_TRUE(got) << got.error().message();
  std::string wanted;
  for (const auto& range : ranges) wanted += expected(range);
  EXPECT_TRUE(*got == wanted);
}

TEST_F(SeekableSourceTest, ZerosAreNotDecoded) {
  encode(test::gzip_of(test::seekable_disk()));
  start();
  const SeekBlock& zeros = world_.index.blocks[first_of(SeekBlock::Kind::kZero)];
  const auto got = request({{zeros.decoded_offset, zeros.decoded_bytes}});
  ASSERT_TRUE(got);
  EXPECT_TRUE(*got == std::string(static_cast<std::size_t>(zeros.decoded_bytes), '\0'));
  EXPECT_EQ(misses(), 0u);
  EXPECT_EQ(ahead_started(), 0u);
}

TEST_F(SeekableSourceTest, ADamagedBlockIsAnErrorAndNoBytes) {
  encode(test::gzip_of(test::seekable_disk()));
  const std::size_t damaged = first_of(SeekBlock::Kind::kEncoded) + 1;
  ASSERT_EQ(world_.index.blocks[damaged].kind, SeekBlock::Kind::kEncoded);
  world_.index.blocks[damaged].checksum ^= 1;
  start();
  const std::uint64_t from = world_.index.blocks[damaged].decoded_offset;
  for (int i = 0; i < 2; ++i) {
    const auto source_of = source({{from - 10, 20}});
    const auto before = read(*source_of, from - 10, 20);
    ASSERT_TRUE(before);
    EXPECT_EQ(*before, expected({from - 10, 10}));
    const auto behind = read(*source_of, from, 10);
    ASSERT_FALSE(behind);
    EXPECT_EQ(behind.error().code(), Errc::kCorruptData);
  }
}

TEST_F(SeekableSourceTest, DamagedStoredBytesAreFound) {
  encode(test::gzip_of(test::seekable_disk()));
  const SeekBlock& block = world_.index.blocks[first_of(SeekBlock::Kind::kEncoded)];
  world_.stored[static_cast<std::size_t>(block.stored_offset) + 5000] ^= 4;
  start();
  const auto got = request({{block.decoded_offset, block.decoded_bytes}});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Errc::kCorruptData);
}

TEST_F(SeekableSourceTest, ARequestOfManyBlocksIsDecodedAhead) {
  encode(test::gzip_of(test::seekable_disk()));
  start();
  const auto from = source({{0, world_.decoded.size()}}, 3);
  EXPECT_EQ(ahead_started(), 0u);  // as HEAD, which reads nothing
  ASSERT_TRUE(read(*from, 0, 100));
  EXPECT_EQ(ahead_started(), 3u);
  ASSERT_TRUE(read(*from, 100, 100));
  EXPECT_EQ(ahead_started(), 3u);
}

TEST_F(SeekableSourceTest, RangesThatFollowAreDecodedAhead) {
  encode(test::gzip_of(test::seekable_disk()));
  start();
  const auto& blocks = world_.index.blocks;
  const auto from = source({{blocks[0].decoded_offset, 1},
                            {blocks[2].decoded_offset, 1},
                            {blocks.back().decoded_offset, 1}});
  ASSERT_TRUE(read(*from, blocks[0].decoded_offset, 1));
  EXPECT_EQ(ahead_started(), 2u);
}

TEST_F(SeekableSourceTest, AReaderInSequenceIsFollowedOverRequests) {
  encode(test::gzip_of(test::seekable_disk()));
  start();
  const std::uint64_t first = world_.index.blocks[0].decoded_bytes / 4;
  ASSERT_TRUE(request({{0, first}}));
  EXPECT_EQ(ahead_started(), 0u);
  ASSERT_TRUE(request({{first, first}}));
  EXPECT_EQ(ahead_started(), 1u);
  ASSERT_TRUE(request({{2 * first, first}}));
  EXPECT_EQ(ahead_started(), 1u);
  EXPECT_EQ(misses(), 1u);
}

TEST_F(SeekableSourceTest, AReaderThatJumpsGetsNothingAhead) {
  encode(test::gzip_of(test::seekable_disk()));
  start();
  for (std::uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(request({{(i * 37 % 40) * 200'000, 4096}}));
  }
  EXPECT_EQ(ahead_started(), 0u);
}

TEST_F(SeekableSourceTest, AClosedViewLeavesTheCache) {
  encode(test::gzip_of(test::seekable_disk()));
  start();
  ASSERT_TRUE(request({{0, 10}}));
  Gauge& bytes = metrics_.gauge("strata_block_cache_bytes", "");
  EXPECT_GT(bytes.value(), 0);
  view_.reset();
  blocks_.reset();
  compute_.reset();  // the task that decoded it has let go of the view
  EXPECT_EQ(bytes.value(), 0);
}

}  // namespace
}  // namespace strata::storage
