#include <gtest/gtest.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/codec/gzip_decoder.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"

namespace strata::codec {
namespace {

using test::forge_gzip;

// Every test runs on both engines: what they refuse must be the same.
class Gzip : public testing::TestWithParam<InflateEngine> {
 protected:
  static Result<std::string> decode(const std::string& stream,
                                    const DecoderLimits& limits = test::default_limits()) {
    const auto decoder = make_gzip_decoder(GetParam(), limits);
    const auto whole = test::decode_all(*decoder, stream);
    // Byte by byte, in and out, the answer must be the same.
    const auto slow = make_gzip_decoder(GetParam(), limits);
    const auto bytewise = test::decode_all(*slow, stream, test::pieces_of(1, 1));
    EXPECT_EQ(whole.has_value(), bytewise.has_value());
    if (whole && bytewise) {
      EXPECT_EQ(*whole, *bytewise);
    } else if (!whole && !bytewise) {
      EXPECT_EQ(whole.error().code(), bytewise.error().code());
    }
    return whole;
  }
  static void expect_corrupt(const std::string& stream, const std::string& words) {
    const auto decoded = decode(stream);
    ASSERT_FALSE(decoded) << "accepted";
    EXPECT_EQ(decoded.error().code(), Errc::kCorruptGzip);
    EXPECT_NE(decoded.error().detail().find(words), std::string::npos) << decoded.error().detail();
  }
  static void expect_decoded(const std::string& stream, const std::string& expected) {
    const auto decoded = decode(stream);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(*decoded, expected);
  }
};

TEST_P(Gzip, OptionalHeaderFieldsOfAnySizeArePassedOver) {
  expect_decoded(forge_gzip({.extra = std::string(65'535, 'e')}), "data");
  expect_decoded(forge_gzip({.name = std::string(65'536, 'n')}), "data");
  expect_decoded(forge_gzip({.comment = std::string(65'536, 'c')}), "data");
  expect_decoded(forge_gzip({.extra = "e", .name = "n", .comment = "c", .header_crc = true}),
                 "data");
}

TEST_P(Gzip, AnEmptyExtraFieldIsAField) {
  std::string stream = forge_gzip({.extra = "e"});
  stream.erase(12, 1);  // its one byte
  stream[10] = 0;       // its length
  expect_decoded(stream, "data");
}

TEST_P(Gzip, HeaderCrcIsVerified) {
  expect_decoded(forge_gzip({.name = "n", .header_crc = true}), "data");
  expect_corrupt(forge_gzip({.name = "n", .header_crc = true, .header_crc_error = 1}), "CRC16");
}

TEST_P(Gzip, UnknownMethodAndReservedFlagsAreRefused) {
  expect_corrupt(forge_gzip({.method = 7}), "method");
  for (const int bit : {5, 6, 7}) {
    expect_corrupt(forge_gzip({.flags_extra = static_cast<std::uint8_t>(1 << bit)}), "reserved");
  }
}

TEST_P(Gzip, WrongCrcAndSizeAreRefused) {
  expect_corrupt(forge_gzip({.crc_error = 1}), "CRC-32");
  expect_corrupt(forge_gzip({.size_error = 1}), "it has 4 (at decoded offset 4)");
}

TEST_P(Gzip, DamagedDeflateDataIsRefused) {
  std::string stream = forge_gzip({});
  stream[10] = 7;  // a final block of the reserved type 3
  expect_corrupt(stream, "deflate");
}

TEST_P(Gzip, ZeroPaddingBehindTheLastMemberIsAccepted) {
  expect_decoded(forge_gzip({}) + forge_gzip({.data = "more"}) + std::string(1000, '\0'),
                 "datamore");
}

TEST_P(Gzip, AnythingElseBehindTheLastMemberIsRefused) {
  expect_corrupt(forge_gzip({}) + "x", "behind the last member");
  expect_corrupt(forge_gzip({}) + std::string(5, '\0') + "x", "zero padding");
  expect_corrupt(forge_gzip({}) + std::string(5, '\0') + forge_gzip({}), "zero padding");
  expect_corrupt(forge_gzip({}) + "\x1f", "ends in the middle");
  expect_corrupt(forge_gzip({}) + "\x1fx", "magic");
}

TEST_P(Gzip, NothingAtAllIsRefused) {
  expect_corrupt("", "ends in the middle");
}

TEST_P(Gzip, MembersAreCounted) {
  std::string stream;
  for (int i = 0; i < 10; ++i) stream += forge_gzip({.data = ""});
  DecoderLimits limits = test::default_limits();
  limits.parts_max = 10;
  EXPECT_TRUE(decode(stream, limits));
  limits.parts_max = 9;
  const auto refused = decode(stream, limits);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kDecompressionLimit);
  EXPECT_EQ(refused.error().detail(), "the number of gzip members is over the limit of 9 members");
}

#if defined(__x86_64__)
// XGETBV with ECX = 1: which register state is in use (Intel SDM volume 1, 13.6), where the CPU
// tells.
std::optional<std::uint32_t> registers_in_use() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid_count(0x0D, 1, &a, &b, &c, &d) == 0 || (a & 4) == 0) return std::nullopt;
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
  return low;
}

// Dirty upper halves would make digests that run next on this core up to 100 times slower.
TEST_P(Gzip, LeavesTheUpperHalvesOfVectorRegistersClean) {
  constexpr std::uint32_t kUpperHalves = 1 << 2 | 1 << 6;  // of YMM and of ZMM registers
  const std::string stream = forge_gzip({.data = test::sample_data(60'000, 1)});
  const auto decoder = make_gzip_decoder(GetParam(), test::default_limits());
  std::vector<std::byte> room(1 << 17);
  const auto step = decoder->step(test::bytes_of(stream), room);
  const auto in_use = registers_in_use();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->produced, 60'000U);
  EXPECT_EQ(in_use.value_or(0) & kUpperHalves, 0U);
}
#endif

INSTANTIATE_TEST_SUITE_P(Engines, Gzip, testing::Values(InflateEngine::kIsal, InflateEngine::kZlib),
                         [](const auto& engine) {
                           return engine.param == InflateEngine::kIsal ? "Isal" : "Zlib";
                         });

}  // namespace
}  // namespace strata::codec
