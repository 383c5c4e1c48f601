#include "strata/http/range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace strata::http {
namespace {

using Kind = RangeDecision::Kind;
using ::testing::ElementsAre;

constexpr std::uint64_t kSize = 262'144;

RangeDecision decide(std::string_view header, std::uint64_t size = kSize) {
  return decide_ranges(header, size, Limits{});
}

// The one range of a decision that must have exactly one.
ByteRange only(std::string_view header, std::uint64_t size = kSize) {
  const RangeDecision decision = decide(header, size);
  EXPECT_EQ(decision.kind, Kind::kRanges) << header;
  EXPECT_EQ(decision.ranges.size(), 1U) << header;
  return decision.ranges.empty() ? ByteRange{~0ULL, 0} : decision.ranges.front();
}

TEST(DecideRanges, TheThreeForms) {
  EXPECT_EQ(only("bytes=0-0"), (ByteRange{0, 1}));
  EXPECT_EQ(only("bytes=2-5"), (ByteRange{2, 4}));
  EXPECT_EQ(only("bytes=262143-"), (ByteRange{262'143, 1}));
  EXPECT_EQ(only("bytes=0-"), (ByteRange{0, kSize}));
  EXPECT_EQ(only("bytes=-5"), (ByteRange{kSize - 5, 5}));
}

TEST(DecideRanges, TheEndIsClamped) {  // B4
  EXPECT_EQ(only("bytes=0-262144"), (ByteRange{0, kSize}));
  EXPECT_EQ(only("bytes=1-18446744073709551615"), (ByteRange{1, kSize - 1}));
  EXPECT_EQ(only("bytes=-262145"), (ByteRange{0, kSize}));
  EXPECT_EQ(only("bytes=-18446744073709551615"), (ByteRange{0, kSize}));
}

TEST(DecideRanges, UnsatisfiableForms) {  // B1
  for (const char* header : {"bytes=-0", "bytes=262144-", "bytes=262144-262145", "bytes=300000-",
                             "bytes=-0,262144-", "bytes=-00"}) {
    EXPECT_EQ(decide(header).kind, Kind::kUnsatisfiable) << header;
  }
}

TEST(DecideRanges, MoreThan64BitsDoNotOverflow) {  // B2
  for (const char* header :
       {"bytes=18446744073709551615-", "bytes=18446744073709551616-",
        "bytes=99999999999999999999999-99999999999999999999999", "bytes=18446744073709551617-"}) {
    EXPECT_EQ(decide(header).kind, Kind::kUnsatisfiable) << header;
  }
  EXPECT_EQ(only("bytes=-9223372036854775808"), (ByteRange{0, kSize}));
  EXPECT_EQ(only("bytes=-18446744073709551617"), (ByteRange{0, kSize}));
  EXPECT_EQ(only("bytes=7-99999999999999999999999999"), (ByteRange{7, kSize - 7}));
  EXPECT_EQ(only("bytes=00000000000000000000000000000001-2"), (ByteRange{1, 2}));
  // The last byte of the largest size there can be.
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(only("bytes=18446744073709551614-", huge), (ByteRange{huge - 1, 1}));
  EXPECT_EQ(only("bytes=0-", huge), (ByteRange{0, huge}));
}

TEST(DecideRanges, WhatIsNotValidIsIgnored) {  // B3, B7, B8
  for (const std::string& header : {std::string("bytes=5-2"),
                                    std::string("items=0-1"),
                                    std::string("bytes"),
                                    std::string(),
                                    std::string("bytes="),
                                    std::string("bytes=,"),
                                    std::string("bytes=, ,\t,"),
                                    std::string("bytes=-"),
                                    std::string("bytes=a-"),
                                    std::string("bytes=0-b"),
                                    std::string("bytes=0x0-1"),
                                    std::string("bytes=+0-1"),
                                    std::string("bytes=0 - 1"),
                                    std::string("bytes=0-1-2"),
                                    std::string("bytes=--1"),
                                    std::string("bytes=0-1;x"),
                                    std::string("bytes=0-1,5-2"),
                                    std::string("bytes=0-1,x"),
                                    std::string("bytes:0-1"),
                                    std::string("bytes=1"),
                                    std::string("bytes=1.0-2"),
                                    std::string("bytes=0-1\0", 10),
                                    std::string("bytes=\0000-1", 10),
                                    std::string("bytes=\xef\xbc\x90-1"),
                                    std::string("bytes=0\xe2\x80\x93\x31"),
                                    std::string("bytes=0-1\n"),
                                    std::string("=0-1"),
                                    std::string("bytes bytes=0-1")}) {
    EXPECT_EQ(decide(header).kind, Kind::kWhole) << testing::PrintToString(header);
  }
}

TEST(DecideRanges, WhiteSpaceAndEmptyElementsOfAList) {
  EXPECT_THAT(decide("bytes=0-0 ,\t2-2 , , 4-4,").ranges,
              ElementsAre(ByteRange{0, 1}, ByteRange{2, 1}, ByteRange{4, 1}));
  EXPECT_EQ(only("bytes=\t1-1"), (ByteRange{1, 1}));
  EXPECT_EQ(only("BYTES=1-1"), (ByteRange{1, 1}));
}

TEST(DecideRanges, TheClientsOrderIsKeptAndTheUnsatisfiableDropped) {
  EXPECT_THAT(decide("bytes=100-199,0-9,999999-,-1").ranges,
              ElementsAre(ByteRange{100, 100}, ByteRange{0, 10}, ByteRange{kSize - 1, 1}));
}

std::string many(std::size_t count, std::string_view piece_of = {}) {
  std::string header = "bytes=";
  for (std::size_t i = 0; i < count; ++i) {
    const std::string at = std::to_string(2 * i);
    header += piece_of.empty() ? at + "-" + at : std::string(piece_of);
    header += ",";
  }
  return header;
}

TEST(DecideRanges, ExcessIsRefusedNotTruncated) {  // B5
  EXPECT_EQ(decide(many(256)).ranges.size(), 256U);
  EXPECT_EQ(decide(many(257)).kind, Kind::kUnsatisfiable);
  EXPECT_EQ(decide(many(10'000)).kind, Kind::kUnsatisfiable);
  EXPECT_EQ(decide(many(5'000, "0-")).kind, Kind::kUnsatisfiable);
  EXPECT_EQ(decide(many(257, "0-"), 0).kind, Kind::kUnsatisfiable);
}

TEST(DecideRanges, TwoMayOverlapAndNoMore) {
  EXPECT_EQ(decide("bytes=0-9,5-14").ranges.size(), 2U);
  EXPECT_EQ(decide("bytes=0-9,10-19,20-29,30-").ranges.size(), 4U) << "adjacent is not overlapping";
  EXPECT_EQ(decide("bytes=0-9,5-14,100-").ranges.size(), 3U);
  EXPECT_EQ(decide("bytes=0-9,5-14,9-9").kind, Kind::kUnsatisfiable);
  EXPECT_EQ(decide("bytes=0-9,5-14,100-109,100-").kind, Kind::kUnsatisfiable);
  EXPECT_EQ(decide("bytes=0-99,10-19,50-59").kind, Kind::kUnsatisfiable) << "two inside one";
}

TEST(DecideRanges, AnEmptyRepresentation) {  // B10
  for (const char* header : {"bytes=0-", "bytes=0-0", "bytes=1-", "bytes=-0", "bytes=0-,5-"}) {
    EXPECT_EQ(decide(header, 0).kind, Kind::kUnsatisfiable) << header;
  }
  for (const char* header : {"bytes=-5", "bytes=0-,-5", "bytes=5-2", "items=0-1", "bytes="}) {
    EXPECT_EQ(decide(header, 0).kind, Kind::kWhole) << header;
  }
}

TEST(ContentRangeField, Format) {
  EXPECT_EQ(content_range({0, 1}, 10), "bytes 0-0/10");
  EXPECT_EQ(content_range({5'000'000'000, 10}, 6'000'000'000),
            "bytes 5000000000-5000000009/6000000000");
  EXPECT_EQ(unsatisfied_content_range(0), "bytes */0");
}

TEST(ContentRangeField, Parse) {
  const auto parsed = parse_content_range("bytes 2-5/10");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->range, (ByteRange{2, 4}));
  EXPECT_EQ(parsed->size, 10U);
  const auto unknown = parse_content_range("bytes 2-5/*");
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(unknown->size, std::nullopt);
}

TEST(ContentRangeField, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "bytes", "bytes 2-5", "bytes */10", "bytes 5-2/10", "bytes 2-10/10", "bytes 2-5/",
        "items 2-5/10", "bytes=2-5/10", "bytes 2-5/x", "bytes -5/10", "bytes 2-/10",
        "bytes 0-18446744073709551615/*", "bytes 0-18446744073709551616/*", "bytes  2-5/10",
        "/bytes 2-5", "bytes 2-5/10/10", "bytes +2-5/10"}) {
    EXPECT_FALSE(parse_content_range(text).has_value()) << text;
  }
}

// The example of RFC 9110 §15.3.7.2, with our headers.
TEST(MultipartLayout, HeadsTailAndExactLength) {
  const std::vector<ByteRange> ranges = {{500, 500}, {7000, 1000}};
  const MultipartLayout layout = layout_multipart(ranges, 8000, "application/pdf", "SEP");
  EXPECT_EQ(layout.content_type, "multipart/byteranges; boundary=SEP");
  ASSERT_EQ(layout.heads.size(), 2U);
  EXPECT_EQ(layout.heads[0],
            "--SEP\r\nContent-Type: application/pdf\r\nContent-Range: bytes 500-999/8000\r\n\r\n");
  EXPECT_EQ(layout.heads[1],
            "\r\n--SEP\r\nContent-Type: application/pdf\r\n"
            "Content-Range: bytes 7000-7999/8000\r\n\r\n");
  EXPECT_EQ(layout.tail, "\r\n--SEP--\r\n");
  EXPECT_EQ(layout.length,
            layout.heads[0].size() + 500 + layout.heads[1].size() + 1000 + layout.tail.size());
}

}  // namespace
}  // namespace strata::http
