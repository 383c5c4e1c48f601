#include <gtest/gtest.h>

#include <string>

#include "storage/codec/gzip_decoder.h"
#include "strata/codec/decoder.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"
#include "tests/support/tool.h"

// What the real compressors make is decoded to what they were given.
namespace strata::codec {
namespace {

using test::decode_all;
using test::default_limits;
using test::run_tool;
using test::sample_data;

struct Recipe {
  const char* name;
  Encoding encoding;
  // Makes one compressed stream of standard input on standard output.
  const char* command;
};

void PrintTo(const Recipe& recipe, std::ostream* out) {
  *out << recipe.command;
}

class Golden : public testing::TestWithParam<Recipe> {
 protected:
  static void expect_decoded(const std::string& stream, const std::string& expected) {
    const auto head = test::bytes_of(stream).first(std::min(stream.size(), kMagicBytes));
    ASSERT_EQ(detect_encoding(head), GetParam().encoding);
    const auto decoder = make_decoder(GetParam().encoding, default_limits());
    const auto decoded = decode_all(*decoder, stream);
    ASSERT_TRUE(decoded) << decoded.error().message();
    ASSERT_TRUE(*decoded == expected) << "other bytes";
    if (GetParam().encoding != Encoding::kGzip) return;
    const auto oracle = make_gzip_decoder(InflateEngine::kZlib, default_limits());
    const auto by_zlib = decode_all(*oracle, stream);
    ASSERT_TRUE(by_zlib) << by_zlib.error().message();
    ASSERT_TRUE(*by_zlib == expected) << "other bytes by zlib";
  }
};

TEST_P(Golden, DiskLikeDataComesBack) {
  const std::string data = sample_data(1'000'001, 1);
  expect_decoded(run_tool(GetParam().command, data), data);
}

TEST_P(Golden, NothingComesBackAsNothing) {
  expect_decoded(run_tool(GetParam().command), "");
}

TEST_P(Golden, OneByteComesBack) {
  expect_decoded(run_tool(GetParam().command, "x"), "x");
}

TEST_P(Golden, ConcatenationDecodesToConcatenation) {
  const std::string one = sample_data(300'000, 2);
  const std::string two = sample_data(70'000, 3);
  const std::string stream = run_tool(GetParam().command, one) + run_tool(GetParam().command) +
                             run_tool(GetParam().command, two);
  expect_decoded(stream, one + two);
}

// What may stand between or behind parts: zeros for gzip (behind) and xz, skippable frames for
// zstd.
TEST_P(Golden, PaddingThatTheFormatAllowsIsPassedOver) {
  const std::string one = run_tool(GetParam().command, "one");
  const std::string two = run_tool(GetParam().command, "two");
  const std::string zeros(512, '\0');
  const std::string skippable = test::forge_zstd_skippable(9, "index");
  switch (GetParam().encoding) {
    case Encoding::kGzip:
      return expect_decoded(one + two + zeros, "onetwo");
    case Encoding::kXz:
      return expect_decoded(one + zeros + two + zeros, "onetwo");
    default:
      return expect_decoded(skippable + one + skippable + two + skippable, "onetwo");
  }
}

// So that each header, index and footer comes in as many pieces as it can.
TEST_P(Golden, ByteByByteIsWhatTheToolMakesOfIt) {
  const bool is_xz = GetParam().encoding == Encoding::kXz;
  const std::string stream = run_tool(GetParam().command, sample_data(200'000, 4)) +
                             std::string(is_xz ? 8 : 0, '\0') + run_tool(GetParam().command) +
                             run_tool(GetParam().command, sample_data(3'000, 5));
  const std::string tool = GetParam().encoding == Encoding::kGzip ? "gzip" : is_xz ? "xz" : "zstd";
  const std::string expected = run_tool(tool + " -dc", stream);
  ASSERT_EQ(expected.size(), 203'000U);
  const auto decoder = make_decoder(GetParam().encoding, default_limits());
  const auto decoded = decode_all(*decoder, stream, test::pieces_of(1, 1 << 16));
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_TRUE(*decoded == expected) << "other bytes";
}

TEST(GoldenXz, EachBlockIsAPart) {
  const std::string ten = run_tool("xz -0 --block-size=1000", sample_data(10'000, 6));
  DecoderLimits limits = default_limits();
  limits.parts_max = 10;
  EXPECT_TRUE(decode_all(*make_decoder(Encoding::kXz, limits), ten));
  limits.parts_max = 9;
  const auto refused = decode_all(*make_decoder(Encoding::kXz, limits), ten);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kDecompressionLimit);
}

INSTANTIATE_TEST_SUITE_P(
    Tools, Golden,
    testing::Values(
        Recipe{"Gzip1", Encoding::kGzip, "gzip -1"}, Recipe{"Gzip6", Encoding::kGzip, "gzip -6"},
        Recipe{"Gzip9", Encoding::kGzip, "gzip -9"},
        Recipe{"GzipRsyncable", Encoding::kGzip, "gzip --rsyncable"},
        Recipe{"Pigz", Encoding::kGzip, "pigz -p 2 -b 128"},
        Recipe{"PigzIndependent", Encoding::kGzip, "pigz -i -b 128"},
        Recipe{"PigzStored", Encoding::kGzip, "pigz -0"},
        Recipe{"PigzHuffman", Encoding::kGzip, "pigz -H"},
        Recipe{"Igzip0", Encoding::kGzip, "igzip -0"},
        Recipe{"Igzip3", Encoding::kGzip, "igzip -3"}, Recipe{"Xz0", Encoding::kXz, "xz -0"},
        Recipe{"Xz6", Encoding::kXz, "xz -6"},
        Recipe{"XzBlocks", Encoding::kXz, "xz -1 --block-size=65536"},
        Recipe{"XzThreads", Encoding::kXz, "xz -0 -T2 --block-size=262144"},
        Recipe{"XzCrc32", Encoding::kXz, "xz -0 --check=crc32"},
        Recipe{"XzSha256", Encoding::kXz, "xz -0 --check=sha256"},
        Recipe{"XzNoCheck", Encoding::kXz, "xz -0 --check=none"},
        Recipe{"XzX86Delta", Encoding::kXz, "xz --x86 --delta=dist=4 --lzma2=preset=1"},
        Recipe{"XzFourFilters", Encoding::kXz, "xz --x86 --arm --delta=dist=1 --lzma2=preset=0"},
        Recipe{"Zstd1", Encoding::kZstd, "zstd -1"}, Recipe{"Zstd19", Encoding::kZstd, "zstd -19"},
        Recipe{"ZstdLong27", Encoding::kZstd, "zstd -3 --long=27"},
        Recipe{"ZstdNoCheck", Encoding::kZstd, "zstd --no-check"},
        Recipe{"ZstdThreads", Encoding::kZstd, "zstd -T2 -B65536"},
        Recipe{"Pzstd", Encoding::kZstd, "pzstd -q -p 2 -c"}),
    [](const auto& recipe) { return std::string(recipe.param.name); });

}  // namespace
}  // namespace strata::codec
