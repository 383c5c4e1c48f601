#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "strata/codec/decoder.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"
#include "tests/support/codec_verdict.h"

namespace strata::codec {
namespace {

using test::decode;
using test::expect_decoded;
using test::expect_error;
using test::forge_xz;

TEST(Xz, ManyEmptyBlocksDecodeToNothing) {
  expect_decoded(Encoding::kXz, forge_xz({.blocks = 0}), "");
  expect_decoded(Encoding::kXz, forge_xz({.blocks = 20'000}), "");
}

TEST(Xz, AnIndexThatLiesIsRefused) {
  expect_decoded(Encoding::kXz, forge_xz({.blocks = 3}), "");
  expect_error(decode(Encoding::kXz, forge_xz({.blocks = 3, .index_size_error = 4})),
               Errc::kCorruptXz, "index");
}

TEST(Xz, ADictionaryOfFourGibibytesIsOverTheLimit) {
  expect_error(decode(Encoding::kXz, forge_xz({.dictionary = 40})), Errc::kDecompressionLimit,
               "is over the limit of 268435456 bytes");
}

TEST(Xz, AnUnknownCheckTypeIsRefused) {
  expect_error(decode(Encoding::kXz, forge_xz({.blocks = 0, .check_type = 2})), Errc::kCorruptXz,
               "integrity check");
}

TEST(Xz, PaddingMustBeAMultipleOfFourZeros) {
  const std::string one = forge_xz({});
  expect_decoded(Encoding::kXz, one + std::string(4, '\0') + one + std::string(8, '\0'), "");
  for (const std::size_t zeros : {1, 2, 3, 5}) {
    expect_error(decode(Encoding::kXz, one + std::string(zeros, '\0')), Errc::kCorruptXz, "");
    expect_error(decode(Encoding::kXz, one + std::string(zeros, '\0') + one), Errc::kCorruptXz, "");
  }
  expect_error(decode(Encoding::kXz, one + "garbage!"), Errc::kCorruptXz, "");
}

DecoderLimits limits_of_parts(std::uint64_t parts_max) {
  DecoderLimits limits = test::default_limits();
  limits.parts_max = parts_max;
  return limits;
}

TEST(Xz, BlocksOfAllStreamsAreCounted) {
  const std::string five =
      forge_xz({.blocks = 3, .data = "x"}) + std::string(4, '\0') + forge_xz({.blocks = 2});
  const auto decoded = decode(Encoding::kXz, five, limits_of_parts(5));
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(*decoded, "xxx");
  expect_error(decode(Encoding::kXz, five, limits_of_parts(4)), Errc::kDecompressionLimit,
               "the number of xz blocks is over the limit of 4 blocks");
}

TEST(Xz, ManyEmptyBlocksAreOverTheLimitOfParts) {
  const std::string many = forge_xz({.blocks = 20'000});
  EXPECT_TRUE(decode(Encoding::kXz, many, limits_of_parts(20'000)));
  expect_error(decode(Encoding::kXz, many, limits_of_parts(19'999)), Errc::kDecompressionLimit,
               "the number of xz blocks is over the limit of 19999 blocks");
}

TEST(Xz, StreamsWithoutBlocksAreCounted) {
  const std::string three =
      forge_xz({.blocks = 0}) + forge_xz({.blocks = 0}) + forge_xz({.blocks = 0});
  EXPECT_TRUE(decode(Encoding::kXz, three, limits_of_parts(3)));
  expect_error(decode(Encoding::kXz, three, limits_of_parts(2)), Errc::kDecompressionLimit,
               "the number of xz streams is over the limit of 2 streams");
}

TEST(Xz, StreamsAreCounted) {
  const std::string two = forge_xz({}) + forge_xz({});
  DecoderLimits limits = test::default_limits();
  limits.parts_max = 2;
  EXPECT_TRUE(decode(Encoding::kXz, two, limits));
  limits.parts_max = 1;
  expect_error(decode(Encoding::kXz, two, limits), Errc::kDecompressionLimit,
               "the number of xz streams is over the limit of 1 streams");
}

TEST(Xz, NothingOrAnotherFormatIsRefused) {
  expect_error(decode(Encoding::kXz, ""), Errc::kCorruptXz, "ends too early");
  expect_error(decode(Encoding::kXz, "not an xz stream"), Errc::kCorruptXz, "magic");
}

TEST(Xz, BlockHeadersOfEverySizeAreRead) {
  for (std::size_t bytes = 12; bytes <= 1024; bytes += 4) {
    const std::string stream = forge_xz({.blocks = 2, .data = "ab", .block_header_bytes = bytes});
    expect_decoded(Encoding::kXz, stream, "abab");
  }
}

TEST(Xz, SizesInBlockHeadersThatAreRightAreAccepted) {
  // Eight bytes of compressed data: control, two of length, "data", end.
  const test::XzParts parts{.blocks = 2,
                            .data = "data",
                            .block_header_bytes = 16,
                            .compressed_size = 8,
                            .decoded_size = 4};
  expect_decoded(Encoding::kXz, forge_xz(parts), "datadata");
}

// Streams whose CRCs are right, and which say something that is not so.
TEST(Xz, LiesAreRefused) {
  const std::string index = "the index is damaged or lists other blocks than those of its stream";
  const std::string first = "of block 1, which begins at stored offset 12 and decoded offset 0,";
  const std::pair<test::XzParts, std::string> lies[] = {
      {{.data = "d", .index_size_error = 1}, index},
      {{.data = "d", .index_decoded_error = 1}, index},
      {{.blocks = 3, .index_records_error = 1}, index},
      {{.blocks = 3, .index_records_error = ~std::size_t{0}}, index},
      {{.blocks = 0, .index_records_error = 1}, index},
      {{.backward_size_error = 1}, "the footer of a stream gives another size of the index"},
      {{.backward_size_error = ~0U}, "the footer of a stream gives another size of the index"},
      {{.footer_check_type = 1}, "the footer of a stream has other flags than its header"},
      {{.footer_check_type = 0x10}, "a header asks for filters or options that xz does not have"},
      {{.check_type = 0x10}, "a header asks for filters or options that xz does not have"},
      {{.block_flags_extra = 0x04}, "a header asks for filters or options that xz does not have"},
      {{.block_flags_extra = 0x20}, "a header asks for filters or options that xz does not have"},
      {{.block_flags_extra = 0x01}, "a header asks for filters or options that xz does not have"},
      {{.filter = 0x22}, "a header asks for filters or options that xz does not have"},
      {{.filter = 0x03}, "a header asks for filters or options that xz does not have"},
      {{.dictionary = 41}, "a header asks for filters or options that xz does not have"},
      {{.block_crc_error = 1}, "the header " + first},
      {{.data = "d", .block_header_bytes = 16, .compressed_size = 4}, first},
      {{.data = "d", .block_header_bytes = 16, .compressed_size = 6}, first},
      {{.data = "d", .block_header_bytes = 16, .compressed_size = 0}, first},
      {{.data = "d", .block_header_bytes = 16, .decoded_size = 0}, first},
      {{.data = "d", .block_header_bytes = 16, .decoded_size = 2}, first},
  };
  for (const auto& [parts, words] : lies) {
    SCOPED_TRACE(testing::Message() << "a lie: " << words);
    expect_error(decode(Encoding::kXz, forge_xz(parts)), Errc::kCorruptXz, words);
    // The same behind a stream without fault.
    EXPECT_FALSE(decode(Encoding::kXz, forge_xz({}) + forge_xz(parts)));
  }
}

// A block is 20 bytes here: header 12, data 8; behind them 12 of index and 12 of footer.
TEST(Xz, AnErrorNamesTheBlockAndWhereItBegins) {
  const std::string two = forge_xz({.blocks = 2, .data = "data"});
  ASSERT_EQ(two.size(), 12 + 2 * 20 + 12 + 12U);
  std::string stream = two + std::string(4, '\0') + two;
  stream[80 + 12 + 20 + 12] = '\x7f';  // no control byte of LZMA2
  expect_error(decode(Encoding::kXz, stream), Errc::kCorruptXz,
               "block 4, which begins at stored offset 112 and decoded offset 12, is damaged (at "
               "decoded offset 12)");
}

TEST(Xz, DamagedHeadersAndFootersAreNamed) {
  std::string stream = forge_xz({});
  stream[8] ^= 1;
  expect_error(decode(Encoding::kXz, stream), Errc::kCorruptXz,
               "the header of a stream is damaged");
  for (const std::size_t from_end : {1, 2, 12}) {  // magic bytes, CRC-32
    stream = forge_xz({});
    stream[stream.size() - from_end] ^= 1;
    expect_error(decode(Encoding::kXz, stream), Errc::kCorruptXz,
                 "the footer of a stream is damaged");
  }
  expect_error(decode(Encoding::kXz, forge_xz({}) + "not an xz stream"), Errc::kCorruptXz,
               "behind the last stream");
}

}  // namespace
}  // namespace strata::codec
