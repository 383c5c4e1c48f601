#include "strata/base/text.h"

#include <gtest/gtest.h>

#include <array>

namespace strata {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Text, HexTakesEitherCaseAndExactLength) {
  std::array<std::uint8_t, 2> out{};
  EXPECT_TRUE(from_hex("aBcD", out));
  EXPECT_EQ(to_hex(out), "abcd");
  for (const char* text : {"", "abc", "abcde", "abcg", " abc", "0xab"}) {
    EXPECT_FALSE(from_hex(text, out)) << text;
  }
}

TEST(Text, Base64OfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(bytes_of(plain)), encoded);
    const auto decoded = from_base64(encoded);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::string(decoded->begin(), decoded->end()), plain);
  }
  // Not canonical, not padded, not of the alphabet.
  for (const char* text :
       {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9-", "Zm 9"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Text, PercentEncodingRoundTrips) {
  const std::string all = "a/b c%?\x01\xff~";
  EXPECT_EQ(percent_encode(all), "a%2Fb%20c%25%3F%01%FF~");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  for (const char* text : {"%", "%4", "%4g", "abc%"}) EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(Text, DecimalIsDigitsOnly) {
  EXPECT_EQ(parse_decimal("0"), 0u);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "+5", "-1", " 1", "1 ", "5.0", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

TEST(Text, Utf8IsValidated) {
  EXPECT_TRUE(is_valid_utf8("plain, \xc3\xa9, \xe2\x82\xac, \xf0\x9f\x90\xa7"));
  // A lone continuation, an overlong form, a surrogate, beyond U+10FFFF, a cut sequence.
  for (const char* text :
       {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
}

TEST(Text, SmallOnes) {
  EXPECT_TRUE(iequals("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_EQ(trim(" \t a b \t"), "a b");
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_TRUE(equal_secrets("token", "token"));
  EXPECT_FALSE(equal_secrets("token", "tokem"));
  EXPECT_FALSE(equal_secrets("token", "toke"));
  EXPECT_EQ(html_escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
}

}  // namespace
}  // namespace strata
