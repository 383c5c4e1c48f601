#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "strata/codec/decoder.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"
#include "tests/support/codec_verdict.h"
#include "tests/support/parallel.h"

namespace strata::codec {
namespace {

using test::decode_all;
using test::expect_error;
using test::forge_xz;

Result<std::string> decode_parallel(const std::string& stream,
                                    const DecoderLimits& limits = test::default_limits(),
                                    const ParallelDecoding& parallel = test::parallel()) {
  return decode_all(*make_decoder(Encoding::kXz, limits, &parallel), stream);
}

// Blocks that say their sizes: eight bytes of compressed data (control, two of length, "data",
// end).
test::XzParts sized(std::size_t blocks, std::string data = "data") {
  const std::size_t compressed = data.size() + 4;
  const std::size_t decoded = data.size();
  return {.blocks = blocks,
          .data = std::move(data),
          .block_header_bytes = 24,
          .compressed_size = compressed,
          .decoded_size = decoded};
}

TEST(XzParallel, BlocksAreGivenInOrder) {
  std::string stream;
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    const std::string data = test::sample_data(1 + static_cast<std::size_t>(i) * 997, 7);
    stream += forge_xz(sized(2, data));
    expected += data + data;
  }
  const auto decoded = decode_parallel(stream);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_TRUE(*decoded == expected);
}

// Every pair of sizes but the right one is a lie, told by the second of three blocks.
TEST(XzParallel, SizesThatLieAreRefusedWithTheNameOfTheBlock) {
  for (std::uint64_t compressed = 0; compressed <= 16; ++compressed) {
    for (std::uint64_t decoded = 0; decoded <= 8; ++decoded) {
      SCOPED_TRACE(std::to_string(compressed) + " and " + std::to_string(decoded));
      test::XzParts liar = sized(1);
      liar.compressed_size = compressed;
      liar.decoded_size = decoded;
      const auto found = decode_parallel(forge_xz(sized(1)) + forge_xz(liar) + forge_xz(sized(1)));
      if (compressed == 8 && decoded == 4) {
        EXPECT_TRUE(found);
      } else {
        expect_error(found, Errc::kCorruptXz,
                     "block 2, which begins at stored offset 76 and decoded offset 4,");
      }
    }
  }
}

// The walk finds what is wrong behind a block before the block is decoded.
TEST(XzParallel, WhatIsWrongFirstIsSaidFirst) {
  std::string stream = forge_xz(sized(3));
  stream[12 + 24 + 3] ^= 1;        // the data of the first block: no check of it
  stream[12 + 32 + 24] = '\x7f';   // of the second: no control byte of LZMA2
  stream[stream.size() - 1] ^= 1;  // the footer
  expect_error(decode_parallel(stream), Errc::kCorruptXz,
               "block 2, which begins at stored offset 44 and decoded offset 4,");
}

TEST(XzParallel, ACutIsFoundAtEveryByte) {
  const std::string stream = forge_xz(sized(3)) + std::string(4, '\0') + forge_xz(sized(1));
  for (std::size_t size = 0; size < stream.size(); ++size) {
    const auto one =
        decode_all(*make_decoder(Encoding::kXz, test::default_limits()), stream.substr(0, size));
    const auto two = decode_parallel(stream.substr(0, size));
    ASSERT_EQ(one.has_value(), two.has_value()) << "cut after " << size;
    if (!two) expect_error(two, Errc::kCorruptXz, one.error().detail().substr(0, 20));
  }
}

TEST(XzParallel, LimitsAreThoseOfOneThread) {
  DecoderLimits limits = test::default_limits();
  limits.parts_max = 3;
  EXPECT_TRUE(decode_parallel(forge_xz(sized(3)), limits));
  expect_error(decode_parallel(forge_xz(sized(4)), limits), Errc::kDecompressionLimit,
               "the number of xz blocks is over the limit of 3 blocks");
  limits = test::default_limits();
  limits.output_bytes_max = 12;
  EXPECT_TRUE(decode_parallel(forge_xz(sized(3)), limits));
  expect_error(decode_parallel(forge_xz(sized(4)), limits), Errc::kDecompressionLimit,
               "the decoded size is over the limit of 12 bytes");
  test::XzParts large = sized(1);
  large.dictionary = 40;
  expect_error(decode_parallel(forge_xz(sized(2)) + forge_xz(large)), Errc::kDecompressionLimit,
               "is over the limit of 268435456 bytes");
}

TEST(XzParallel, TheMemoryOfAllJobsIsBounded) {
  const std::string data = test::sample_data(60'000, 1);
  const std::string stream = forge_xz(sized(40, data));
  constexpr std::uint64_t kBound = 600'000;  // two or three jobs
  const auto parallel = test::parallel(kBound);
  Result<std::string> first = std::string();
  std::thread other([&] { first = decode_parallel(stream, test::default_limits(), parallel); });
  const auto second = decode_parallel(stream, test::default_limits(), parallel);
  other.join();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->size(), 40 * data.size());
  EXPECT_TRUE(*first == *second);
  EXPECT_EQ(parallel.used(), 0U);
  // When the bound is used up by others, a stream has one job and gets to its end.
  const auto all = parallel.take(kBound);
  ASSERT_TRUE(all);
  EXPECT_FALSE(parallel.take(1));
  EXPECT_TRUE(decode_parallel(stream, test::default_limits(), parallel));
  EXPECT_EQ(parallel.used(), kBound);
}

// What a header says costs nothing: memory comes with the bytes.
TEST(XzParallel, MemoryIsTakenAsInputArrives) {
  test::XzParts parts = sized(1);
  parts.compressed_size = 60 << 20;
  parts.decoded_size = 60 << 20;
  const std::string stream = forge_xz(parts).substr(0, 12 + 24 + 5);
  const auto parallel = test::parallel(256 << 20);
  const auto decoder = make_decoder(Encoding::kXz, test::default_limits(), &parallel);
  const struct mallinfo2 before = ::mallinfo2();
  std::vector<std::byte> out(100);
  const auto step = decoder->step(test::bytes_of(stream), out);
  const struct mallinfo2 after = ::mallinfo2();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->consumed, stream.size());
  EXPECT_EQ(parallel.used(), 0U);
  EXPECT_LE(after.uordblks + after.hblkhd, before.uordblks + before.hblkhd + (2 << 20));
  expect_error(decoder->finish() ? Result<std::string>("") : decoder->finish().error(),
               Errc::kCorruptXz, "ends too early");
}

TEST(XzParallel, WhoGoesAwayLeavesNothingBehind) {
  const std::string data = test::sample_data(60'000, 2);
  const auto parallel = test::parallel();
  for (int round = 0; round < 200; ++round) {
    const auto decoder = make_decoder(Encoding::kXz, test::default_limits(), &parallel);
    std::vector<std::byte> out(1 + static_cast<std::size_t>(round) * 500);
    EXPECT_TRUE(decoder->step(test::bytes_of(forge_xz(sized(8, data))), out));
  }
  while (parallel.used() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(XzParallel, OneThreadHasNoJobs) {
  io::WorkerPool pool("compute", 1);
  const ParallelDecoding parallel(pool, {.bytes_max = 1 << 20, .part_bytes_min = 1});
  const auto decoder = make_decoder(Encoding::kXz, test::default_limits(), &parallel);
  std::vector<std::byte> out(100);
  const auto step = decoder->step(test::bytes_of(forge_xz(sized(1))), out);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->produced, 4U);
  EXPECT_FALSE(decoder->waiting());
}

}  // namespace
}  // namespace strata::codec
