#include <gtest/gtest.h>

#include <string>

#include "strata/codec/decoder.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"
#include "tests/support/codec_verdict.h"

namespace strata::codec {
namespace {

using test::decode;
using test::expect_decoded;
using test::expect_error;
using test::forge_zstd;
using test::forge_zstd_skippable;

TEST(Zstd, SkippableFramesArePassedOverAnywhere) {
  std::string stream;
  for (unsigned nibble = 0; nibble < 16; ++nibble) {
    stream += forge_zstd_skippable(nibble, std::string(nibble * 1000, 's'));
  }
  // A seek table (magic 0x8F92EAB1 at its end) whose sizes are lies is only a skippable frame.
  const std::string lies = test::little_endian(0xFFFFFFFF, 4) + test::little_endian(0xFFFFFFFF, 4) +
                           test::little_endian(1, 4) + std::string(1, '\0') +
                           test::little_endian(0x8F92EAB1, 4);
  stream += forge_zstd({}) + forge_zstd_skippable(14, lies) + forge_zstd({.blocks = {"more"}});
  expect_decoded(Encoding::kZstd, stream, "datamore");
  expect_decoded(Encoding::kZstd, forge_zstd_skippable(0, ""), "");
}

TEST(Zstd, ManyEmptyBlocksDecodeToNothing) {
  expect_decoded(Encoding::kZstd, forge_zstd({.blocks = std::vector<std::string>(20'000)}), "");
}

TEST(Zstd, AWindowOfTwoGibibytesIsOverTheLimit) {
  expect_error(decode(Encoding::kZstd, forge_zstd({.window = 21 << 3})), Errc::kDecompressionLimit,
               "is over the limit of 134217728 bytes");
}

TEST(Zstd, TheWindowLimitIsRoundedDownToAPowerOfTwo) {
  const std::string one_mib = forge_zstd({.window = 10 << 3});
  const std::string over = forge_zstd({.window = 10 << 3 | 1});
  DecoderLimits limits = test::default_limits();
  limits.zstd_window_bytes_max = kMiB;
  EXPECT_TRUE(decode(Encoding::kZstd, one_mib, limits));
  EXPECT_FALSE(decode(Encoding::kZstd, over, limits));
  limits.zstd_window_bytes_max = 2 * kMiB - 1;
  EXPECT_FALSE(decode(Encoding::kZstd, over, limits));
  limits.zstd_window_bytes_max = kMiB - 1;
  EXPECT_FALSE(decode(Encoding::kZstd, one_mib, limits));
}

TEST(Zstd, AFrameThatNeedsADictionaryIsRefused) {
  expect_error(decode(Encoding::kZstd, forge_zstd({.dictionary_id = 7})), Errc::kCorruptZstd,
               "dictionary");
}

TEST(Zstd, AnythingBehindTheLastFrameIsRefused) {
  expect_error(decode(Encoding::kZstd, forge_zstd({}) + "garbage"), Errc::kCorruptZstd,
               "behind the last frame");
  expect_error(decode(Encoding::kZstd, forge_zstd({}) + std::string(16, '\0')), Errc::kCorruptZstd,
               "(at decoded offset 4)");
  // Frames of zstd 0.7, which libzstd may have been built to accept.
  expect_error(decode(Encoding::kZstd, forge_zstd({}) + "\x27\xB5\x2F\xFD" + std::string(20, '\0')),
               Errc::kCorruptZstd, "behind the last frame");
}

TEST(Zstd, FramesOfBothKindsAreCounted) {
  const std::string three = forge_zstd({}) + forge_zstd_skippable(0, "") + forge_zstd({});
  DecoderLimits limits = test::default_limits();
  limits.parts_max = 3;
  EXPECT_TRUE(decode(Encoding::kZstd, three, limits));
  limits.parts_max = 2;
  expect_error(decode(Encoding::kZstd, three, limits), Errc::kDecompressionLimit,
               "the number of zstd frames is over the limit of 2 frames");
}

TEST(Zstd, NothingOrAnotherFormatIsRefused) {
  expect_error(decode(Encoding::kZstd, ""), Errc::kCorruptZstd, "ends too early");
  expect_error(decode(Encoding::kZstd, "not zstd"), Errc::kCorruptZstd, "magic");
}

}  // namespace
}  // namespace strata::codec
