#include <gtest/gtest.h>

#include <string>

#include "strata/codec/encoding.h"
#include "tests/support/codec_streams.h"

namespace strata::codec {
namespace {

Encoding detect(std::string_view head) {
  return detect_encoding(test::bytes_of(head));
}

TEST(DetectEncoding, KnowsEachByItsMagicBytes) {
  EXPECT_EQ(detect({"\x1f\x8b\x08\x00\x00\x00", 6}), Encoding::kGzip);
  EXPECT_EQ(detect({"\xfd"
                    "7zXZ\0",
                    6}),
            Encoding::kXz);
  EXPECT_EQ(detect("\x28\xb5\x2f\xfd"), Encoding::kZstd);
}

TEST(DetectEncoding, SkippableZstdFramesAreZstd) {
  for (unsigned nibble = 0; nibble < 16; ++nibble) {
    EXPECT_EQ(detect(test::little_endian(0x184D2A50 + nibble, 4)), Encoding::kZstd);
  }
  EXPECT_EQ(detect(test::little_endian(0x184D2A4F, 4)), Encoding::kIdentity);
  EXPECT_EQ(detect(test::little_endian(0x184D2A60, 4)), Encoding::kIdentity);
}

TEST(DetectEncoding, EverythingElseIsIdentity) {
  EXPECT_EQ(detect(""), Encoding::kIdentity);
  EXPECT_EQ(detect("\x1f\x8b"), Encoding::kIdentity);
  EXPECT_EQ(detect("\x1f\x8b\x07"), Encoding::kIdentity);
  EXPECT_EQ(detect({"\xfd"
                    "7zXZ",
                    5}),
            Encoding::kIdentity);
  EXPECT_EQ(detect("\x28\xb5\x2f"), Encoding::kIdentity);
  EXPECT_EQ(detect("BZh91A"), Encoding::kIdentity);
  EXPECT_EQ(detect("QFI\xfb"), Encoding::kIdentity);
}

TEST(EncodingNames, GoBothWays) {
  for (const Encoding encoding :
       {Encoding::kIdentity, Encoding::kGzip, Encoding::kXz, Encoding::kZstd}) {
    EXPECT_EQ(encoding_from_name(encoding_name(encoding)), encoding);
  }
  EXPECT_EQ(encoding_name(Encoding::kGzip), "gzip");
  EXPECT_EQ(encoding_suffix(Encoding::kIdentity), "");
  EXPECT_EQ(encoding_suffix(Encoding::kGzip), ".gz");
  EXPECT_EQ(encoding_suffix(Encoding::kXz), ".xz");
  EXPECT_EQ(encoding_suffix(Encoding::kZstd), ".zst");
  EXPECT_EQ(encoding_from_name("bzip2"), std::nullopt);
  EXPECT_EQ(encoding_from_name("GZIP"), std::nullopt);
}

}  // namespace
}  // namespace strata::codec
