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

TEST_P(Gzip, CopiesReachBackToTheStartOfTheirMember) {
  const std::string copied = test::FixedBlock().literal('a').symbol(257).distance(0).end();
  expect_decoded(test::forge_gzip_around(copied, "aaaa"), "aaaa");
  const std::string data(32'000, 'd');
  // Distance code 29 begins at 24577.
  const std::string far = test::FixedBlock().symbol(257).distance(29, 32'000 - 24'577, 13).end();
  const std::string stream =
      test::forge_gzip_around(test::deflate_stored(data) + far, data + "ddd");
  expect_decoded(stream, data + "ddd");
}

// What lies before a member is another member's data, or memory that was never written.
TEST_P(Gzip, CopiesFromBeforeTheirMemberAreRefused) {
  const std::string first = forge_gzip({.data = std::string(40'000, 'f')});
  const std::string at_start = test::FixedBlock().symbol(257).distance(0).end();
  const std::string one_too_far = test::FixedBlock().literal('a').symbol(257).distance(1).end();
  const std::string far = test::FixedBlock().symbol(257).distance(29, 32'001 - 24'577, 13).end();
  const std::string after_data = test::deflate_stored(std::string(32'000, 'd')) + far;
  for (const std::string& deflate : {at_start, one_too_far, after_data}) {
    const std::string member = test::forge_gzip_around(deflate, "?");
    expect_corrupt(member, "deflate");
    expect_corrupt(first + member, "deflate");
  }
}

TEST_P(Gzip, SymbolsThatDeflateDoesNotHaveAreRefused) {
  for (const unsigned symbol : {286U, 287U}) {
    const std::string length = test::FixedBlock().literal('a').symbol(symbol).distance(0).end();
    expect_corrupt(test::forge_gzip_around(length, "a"), "deflate");
  }
  for (const unsigned code : {30U, 31U}) {
    const std::string distance = test::FixedBlock().literal('a').symbol(257).distance(code).end();
    expect_corrupt(test::forge_gzip_around(distance, "a"), "deflate");
  }
}

TEST_P(Gzip, AStoredBlockWhoseLengthsDisagreeIsRefused) {
  std::string stream = forge_gzip({});
  stream[13] = static_cast<char>(stream[13] ^ 1);  // NLEN
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
