#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <string>
#include <vector>

#include "storage/codec/gzip_decoder.h"
#include "strata/codec/decoder.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"
#include "tests/support/tool.h"

namespace strata::codec {
namespace {

struct Bomb {
  Encoding encoding;
  const char* command;
};

void PrintTo(const Bomb& bomb, std::ostream* out) {
  *out << bomb.command;
}

// Streams that stay small while they promise a lot.
class Bombs : public testing::TestWithParam<Bomb> {};

TEST_P(Bombs, EndAtTheOutputLimitAndProduceNotAByteMore) {
  // 160 parts of 64 MiB of zeros: 10 GiB decoded.
  const std::string part =
      test::run_tool(std::string("head -c 67108864 /dev/zero | ") + GetParam().command);
  std::string bomb;
  for (int i = 0; i < 160; ++i) bomb += part;
  ASSERT_LT(bomb.size(), 12 * kMiB);
  DecoderLimits limits = test::default_limits();
  limits.output_bytes_max = 10 * kMiB + 1;
  const auto decoder = make_decoder(GetParam().encoding, limits);
  std::vector<std::byte> room(kMiB);
  std::uint64_t produced = 0;
  auto in = test::bytes_of(bomb);
  for (;;) {
    const auto step = decoder->step(in, room);
    if (!step) {
      EXPECT_EQ(step.error().code(), Errc::kDecompressionLimit);
      EXPECT_EQ(step.error().detail(), "the decoded size is over the limit of 10485761 bytes");
      break;
    }
    in = in.subspan(step->consumed);
    produced += step->produced;
    ASSERT_LE(produced, limits.output_bytes_max);
  }
  EXPECT_EQ(produced, limits.output_bytes_max - (limits.output_bytes_max % kMiB));
}

TEST_P(Bombs, AStreamOfExactlyTheLimitPasses) {
  const std::string data = test::sample_data(100'000, 4);
  const std::string stream = test::run_tool(GetParam().command, data);
  for (const std::size_t room : {std::size_t{1}, std::size_t{99'999}, std::size_t{1} << 20}) {
    DecoderLimits limits = test::default_limits();
    limits.output_bytes_max = data.size();
    const auto enough = test::decode_all(*make_decoder(GetParam().encoding, limits), stream,
                                         test::pieces_of(1 << 20, room));
    ASSERT_TRUE(enough) << enough.error().message();
    EXPECT_TRUE(*enough == data);
    limits.output_bytes_max = data.size() - 1;
    const auto over = test::decode_all(*make_decoder(GetParam().encoding, limits), stream,
                                       test::pieces_of(1 << 20, room));
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code(), Errc::kDecompressionLimit);
  }
}

TEST_P(Bombs, ALimitOfNothingAllowsNothing) {
  DecoderLimits limits = test::default_limits();
  limits.output_bytes_max = 0;
  const auto empty = test::run_tool(GetParam().command);
  EXPECT_TRUE(test::decode_all(*make_decoder(GetParam().encoding, limits), empty));
  const auto one = test::run_tool(GetParam().command, "x");
  EXPECT_FALSE(test::decode_all(*make_decoder(GetParam().encoding, limits), one));
}

INSTANTIATE_TEST_SUITE_P(Encodings, Bombs,
                         testing::Values(Bomb{Encoding::kGzip, "gzip -9"},
                                         Bomb{Encoding::kXz, "xz -0"},
                                         Bomb{Encoding::kZstd, "zstd"}),
                         [](const auto& bomb) {
                           return std::string(encoding_name(bomb.param.encoding));
                         });

// gzip of gzip is decoded once: what comes out is the inner stream.
TEST(Bombs, NestedStreamsAreNotUnpackedTwice) {
  const std::string inner = test::run_tool("gzip", std::string(100'000, '\0'));
  const std::string outer = test::run_tool("gzip", inner);
  const auto decoded =
      test::decode_all(*make_decoder(Encoding::kGzip, test::default_limits()), outer);
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(*decoded == inner);
}

// Address space that this process uses now, so that a child can be held to little more.
std::uint64_t address_space_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

enum class Outcome : int { kDecoded = 10, kLimit = 11, kOther = 12 };

// In a child that may map `extra` bytes more than now: decodes, throwing the output away, and exits
// with the outcome. More memory than that would be an abort or an "other" error.
[[noreturn]] void decode_within(std::uint64_t extra, Encoding encoding, const std::string& stream,
                                const DecoderLimits& limits) {
  const rlim_t space = address_space_bytes() + extra;
  const rlimit limit{space, space};
  check(::setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit failed");
  const auto decoder = make_decoder(encoding, limits);
  static std::array<std::byte, 65536> room;
  auto in = test::bytes_of(stream);
  for (;;) {
    const auto step = decoder->step(in.first(std::min<std::size_t>(in.size(), 65536)), room);
    if (!step) {
      const bool by_limit = step.error().code() == Errc::kDecompressionLimit;
      std::_Exit(static_cast<int>(by_limit ? Outcome::kLimit : Outcome::kOther));
    }
    in = in.subspan(step->consumed);
    if (in.empty() && step->produced == 0) break;
  }
  std::_Exit(static_cast<int>(decoder->finish() ? Outcome::kDecoded : Outcome::kOther));
}

auto exits_with(Outcome outcome) {
  return testing::ExitedWithCode(static_cast<int>(outcome));
}

constexpr const char* kZeros = "head -c 134217728 /dev/zero | ";

TEST(DecoderMemory, GzipNeedsUnderAMebibyteWhateverTheOutput) {
  const std::string stream = test::run_tool(std::string(kZeros) + "gzip -1");
  EXPECT_EXIT(decode_within(kMiB, Encoding::kGzip, stream, test::default_limits()),
              exits_with(Outcome::kDecoded), "");
}

TEST(DecoderMemory, XzNeedsItsDictionaryWhateverTheOutput) {
  const std::string stream =
      test::run_tool(std::string(kZeros) + "xz -0 --lzma2=dict=1MiB,mode=fast,mf=hc3,nice=273");
  EXPECT_EXIT(decode_within(3 * kMiB, Encoding::kXz, stream, test::default_limits()),
              exits_with(Outcome::kDecoded), "");
}

TEST(DecoderMemory, ZstdNeedsItsWindowWhateverTheOutput) {
  const std::string stream = test::run_tool(std::string(kZeros) + "zstd -1 --zstd=wlog=20");
  EXPECT_EXIT(decode_within(4 * kMiB, Encoding::kZstd, stream, test::default_limits()),
              exits_with(Outcome::kDecoded), "");
}

TEST(DecoderMemory, WhatIsOverTheLimitIsRefusedBeforeItIsAllocated) {
  EXPECT_EXIT(decode_within(8 * kMiB, Encoding::kXz, test::forge_xz({.dictionary = 40}),
                            test::default_limits()),
              exits_with(Outcome::kLimit), "");
  EXPECT_EXIT(decode_within(8 * kMiB, Encoding::kZstd, test::forge_zstd({.window = 21 << 3}),
                            test::default_limits()),
              exits_with(Outcome::kLimit), "");
  DecoderLimits limits = test::default_limits();
  limits.xz_memory_bytes_max = 64 * kMiB;  // xz -9 needs 65 MiB
  const std::string nine = test::run_tool("xz -9", "data");
  EXPECT_EXIT(decode_within(8 * kMiB, Encoding::kXz, nine, limits), exits_with(Outcome::kLimit),
              "");
}

TEST(DecoderMemory, DefaultLimitsAllowWhatToolsMakeAtTheirStrongest) {
  const auto xz = test::decode_all(*make_decoder(Encoding::kXz, test::default_limits()),
                                   test::run_tool("xz -9e", "data"));
  ASSERT_TRUE(xz) << xz.error().message();
  const auto zstd = test::decode_all(*make_decoder(Encoding::kZstd, test::default_limits()),
                                     test::run_tool("zstd --ultra -22 --long=27", "data"));
  ASSERT_TRUE(zstd) << zstd.error().message();
  const auto refused = test::decode_all(*make_decoder(Encoding::kZstd, test::default_limits()),
                                        test::run_tool("cat | zstd -1 --long=31", "data"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kDecompressionLimit);
}

TEST(DecoderLimits, ComeFromTheLimitsOfTheHouse) {
  Limits limits;
  limits.decoded_bytes_max = 1;
  limits.zstd_window_bytes_max = 2;
  limits.xz_memory_bytes_max = 3;
  limits.codec_parts_max = 4;
  const DecoderLimits from = DecoderLimits::from(limits);
  EXPECT_EQ(from.output_bytes_max, 1U);
  EXPECT_EQ(from.zstd_window_bytes_max, 2U);
  EXPECT_EQ(from.xz_memory_bytes_max, 3U);
  EXPECT_EQ(from.parts_max, 4U);
}

}  // namespace
}  // namespace strata::codec
