// The grammars of tus 1.0.0's fields: what is read, and each refusal.
#include "storage/service/tus_fields.h"

#include <gtest/gtest.h>

#include "strata/base/text.h"

namespace strata::storage::tus {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

const Limits kLimits;
constexpr std::string_view kUrl = "http://strata.example:8080";
const std::string kToken = "00112233445566778899aabbccddeeff";
const std::string kOther = "ffeeddccbbaa99887766554433221100";

std::string base64(std::string_view text) {
  return to_base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

TEST(TusMetadata, IsAListOfKeysWithBase64Values) {
  const auto pairs =
      parse_metadata("filename " + base64("disk.img") + ",is_confidential , a " + base64("x"));
  ASSERT_TRUE(pairs) << pairs.error().message();
  EXPECT_EQ(*pairs, (Pairs{{"filename", "disk.img"}, {"is_confidential", ""}, {"a", "x"}}));
  for (const std::string_view empty : {"", " ", "\t"}) {
    const auto none = parse_metadata(empty);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
  }
}

TEST(TusMetadata, KeepsBytesAsTheyAre) {
  const std::string bytes("\0\r\n\xff", 4);
  const auto pairs = parse_metadata("k " + base64(bytes));
  ASSERT_TRUE(pairs);
  EXPECT_EQ(*pairs, (Pairs{{"k", bytes}}));
}

TEST(TusMetadata, RefusesWhatIsNoList) {
  for (const std::string& value :
       std::vector<std::string>{"filename !!!!", "filename YQ",
                                "filename YQ==YQ==", "filename YQ== YQ==", "filename YQ-_", ",",
                                "a YQ==,", ",a YQ==", "a YQ==,,b YQ==", "a YQ==,a Yg==", "a,a"}) {
    const auto pairs = parse_metadata(value);
    ASSERT_FALSE(pairs) << value;
    EXPECT_EQ(pairs.error().code(), Errc::kMalformed);
    EXPECT_NE(pairs.error().detail().find("Upload-Metadata"), std::string::npos);
  }
}

TEST(TusMetadata, OfItTheParametersOfTheContractCount) {
  EXPECT_EQ(known_parameters({{"filename", "a"}, {"filetype", "text/plain"}, {"os", "debian"}}),
            (Pairs{{"filename", "a"}, {"os", "debian"}}));
  EXPECT_EQ(known_parameters({{"name", "a"}, {"type", "b"}}), (Pairs{{"filename", "a"}}));
  EXPECT_EQ(known_parameters({{"name", "a"}, {"filename", "b"}}), (Pairs{{"filename", "b"}}));
  EXPECT_TRUE(known_parameters({{"Filename", "a"}, {"relativePath", "../b"}}).empty());
}

TEST(TusChecksum, NamesAnAlgorithmAndItsValue) {
  const std::string sha1(20, 'a');
  const std::string sha256(32, 'b');
  const std::string sha512(64, 'c');
  const auto first = parse_checksum("sha1 " + base64(sha1));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->sha1->hex(), to_hex({reinterpret_cast<const std::uint8_t*>(sha1.data()), 20}));
  EXPECT_FALSE(first->sha256 || first->sha512);
  const auto second = parse_checksum(" sha256  " + base64(sha256) + " ");
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->sha256 && !second->sha1 && !second->sha512);
  const auto third = parse_checksum("sha512 " + base64(sha512));
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->sha512 && !third->sha1 && !third->sha256);
}

TEST(TusChecksum, RefusesWhatItCannotCompare) {
  const std::string good = base64(std::string(20, 'a'));
  for (const std::string& value : std::vector<std::string>{
           std::string(), "sha1", "sha1 ", "md5 " + good, "crc32 AAAA", "SHA1 " + good,
           "sha-1 " + good, "sha1 " + good + "=", "sha1 !" + good.substr(1),
           "sha1 " + base64(std::string(19, 'a')), "sha1 " + base64(std::string(21, 'a')),
           "sha256 " + good, "sha512 " + good, "sha1 " + good + ",sha1 " + good, good}) {
    const auto checksum = parse_checksum(value);
    ASSERT_FALSE(checksum) << value;
    EXPECT_EQ(checksum.error().code(), Errc::kMalformed);
    EXPECT_NE(checksum.error().detail().find("Upload-Checksum"), std::string::npos);
  }
}

TEST(TusConcat, IsAPartOrTheWholeOfSome) {
  const auto partial = parse_concat(" partial ", kUrl, kLimits);
  ASSERT_TRUE(partial);
  EXPECT_FALSE(partial->is_final);
  EXPECT_TRUE(partial->parts.empty());
  const auto whole = parse_concat(
      "final;/v1/uploads/" + kToken + "  " + std::string(kUrl) + "/v1/uploads/" + kOther, kUrl,
      kLimits);
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_TRUE(whole->is_final);
  ASSERT_EQ(whole->parts.size(), 2u);
  EXPECT_EQ(whole->parts[0].text(), kToken);
  EXPECT_EQ(whole->parts[1].text(), kOther);
}

// B26: parts are uploads of this server, named in the one form that it gives out.
TEST(TusConcat, RefusesUrlsOfElsewhere) {
  for (const std::string& value :
       std::vector<std::string>{std::string("http://evil.example/v1/uploads/") + kToken,
                                std::string("https://strata.example:8080/v1/uploads/") + kToken,
                                std::string(kUrl) + ".evil.example/v1/uploads/" + kToken,
                                std::string("//strata.example:8080/v1/uploads/") + kToken,
                                "javascript:" + kToken,
                                "javascript:alert(1)",
                                "file:///v1/uploads/" + kToken,
                                kToken,
                                "v1/uploads/" + kToken,
                                "/v1/uploads/" + kToken + "/",
                                "/v1/uploads/" + kToken + "?a",
                                "/v1/uploads/" + kToken + "#a",
                                "/v1/uploads//" + kToken,
                                "/v1/uploads/../uploads/" + kToken,
                                "/v1/images/" + kToken,
                                "/v1/uploads/",
                                "/v1/uploads/" + kToken.substr(1),
                                "/v1/uploads/" + kToken + "0",
                                "/v1/uploads/" + std::string(32, 'g'),
                                "/v1/uploads/" + std::string(32, 'A')}) {
    const auto concat = parse_concat("final;" + value, kUrl, kLimits);
    ASSERT_FALSE(concat) << value;
    EXPECT_EQ(concat.error().code(), Errc::kMalformed);
    EXPECT_NE(concat.error().detail().find("part 1"), std::string::npos);
  }
}

TEST(TusConcat, RefusesOtherWordsAndTooManyParts) {
  for (const std::string_view value :
       {"", "final", "Final;", "PARTIAL", "partial;", "partial,final;", "partial partial"}) {
    EXPECT_FALSE(parse_concat(value, kUrl, kLimits)) << value;
  }
  const auto list = [](std::size_t parts) {
    std::string value = "final;";
    for (std::size_t i = 0; i < parts; ++i) value += "/v1/uploads/" + kToken + " ";
    return value;
  };
  EXPECT_TRUE(parse_concat(list(kLimits.upload_parts_max), kUrl, kLimits));
  EXPECT_FALSE(parse_concat(list(kLimits.upload_parts_max + 1), kUrl, kLimits));
  EXPECT_FALSE(parse_concat(list(100'000), kUrl, kLimits));
}

TEST(TusSize, IsADecimalNumberAndNothingElse) {
  EXPECT_EQ(*parse_size("Upload-Length", "0"), 0u);
  EXPECT_EQ(*parse_size("Upload-Length", "9223372036854775808"), 9223372036854775808ULL);
  EXPECT_EQ(*parse_size("Upload-Length", "18446744073709551615"), UINT64_MAX);
  for (const std::string_view value :
       {"", " ", "-1", "+5", "5.0", "0x10", "1e3", "1 2", "5, 5", "5,5", " 5", "5 ",
        "18446744073709551616", "99999999999999999999999", "five"}) {
    const auto size = parse_size("Upload-Length", value);
    ASSERT_FALSE(size) << value;
    EXPECT_EQ(size.error().code(), Errc::kMalformed);
    EXPECT_NE(size.error().detail().find("Upload-Length"), std::string::npos);
  }
}

}  // namespace
}  // namespace strata::storage::tus
