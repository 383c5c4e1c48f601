#include "strata/http/structured_fields.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::http {
namespace {

using Kind = FieldItem::Kind;

TEST(BooleanItem, IsOneOfTwo) {
  EXPECT_EQ(parse_boolean_item("?1").value(), true);
  EXPECT_EQ(parse_boolean_item("?0").value(), false);
  EXPECT_EQ(parse_boolean_item("  ?1  ").value(), true);
  EXPECT_EQ(parse_boolean_item("?0;a;b=1;*c=\"x;y\"; d=:AA==:").value(), false);
}

TEST(BooleanItem, MalformedIsRefused) {  // B24: "?1, ?1" is the field in two lines
  for (const char* text : {"",     " ",      "1",    "0",     "true",    "?",    "?2",    "?10",
                           "??1",  "?1, ?1", "?1,",  "?1 ?1", "?1;",     "?1;A", "?1;a=", "?1 ;a",
                           "\t?1", "\"?1\"", "(?1)", "-?1",   "?1;a=?2", "?T"}) {
    const auto item = parse_boolean_item(text);
    ASSERT_FALSE(item) << text;
    EXPECT_EQ(item.error().code(), Errc::kMalformed) << text;
  }
}

TEST(IntegerItem, HasUpTo15Digits) {
  EXPECT_EQ(parse_integer_item("0").value(), 0U);
  EXPECT_EQ(parse_integer_item("-0").value(), 0U);
  EXPECT_EQ(parse_integer_item("007").value(), 7U);
  EXPECT_EQ(parse_integer_item("999999999999999").value(), 999'999'999'999'999U);
  EXPECT_EQ(parse_integer_item("42;unit=byte").value(), 42U);
}

TEST(IntegerItem, MalformedIsRefused) {  // B23
  for (const char* text : {"",
                           "-1",
                           "+5",
                           "5.0",
                           "1000000000000000",
                           "9223372036854775808",
                           "18446744073709551616",
                           "0x10",
                           "1e3",
                           "1 2",
                           "1, 1",
                           "1,",
                           "-",
                           "--1",
                           "1;",
                           "?1",
                           "\"1\"",
                           "1_000",
                           ":MQ==:",
                           "@1",
                           "5.",
                           "1\t"}) {
    const auto item = parse_integer_item(text);
    ASSERT_FALSE(item) << text;
    EXPECT_EQ(item.error().code(), Errc::kMalformed) << text;
  }
}

TEST(Dictionary, KnowsEveryType) {
  const auto members = parse_dictionary(
      "i=-7, d=0.5,s=\"a \\\"b\\\" , \\\\\", t=*/x:y ,\tb=:AAE=:, f=?0, w=@-1659578233, "
      "u=%\"f%c3%bc\", l=( 1 \"x\";p  (:AA==: ), k, k2;p=1, e=:: , l0=();q");
  ASSERT_FALSE(members) << "inner lists do not nest";
  const auto good = parse_dictionary(
      "i=-7, d=0.5,s=\"a \\\"b\\\" , \\\\\", t=*/x:y ,\tb=:AAE=:, f=?0, w=@-1659578233, "
      "u=%\"f%c3%bc\", l=( 1 \"x\";p  :AA==: ), k, k2;p=1, e=:: , l0=();q");
  ASSERT_TRUE(good) << good.error().message();
  const std::pair<std::string_view, FieldItem> expected[] = {
      {"i", {Kind::kInteger, "-7"}},
      {"d", {Kind::kDecimal, "0.5"}},
      {"s", {Kind::kString, "\"a \\\"b\\\" , \\\\\""}},
      {"t", {Kind::kToken, "*/x:y"}},
      {"b", {Kind::kBytes, ":AAE=:"}},
      {"f", {Kind::kBoolean, "?0"}},
      {"w", {Kind::kDate, "@-1659578233"}},
      {"u", {Kind::kDisplayString, "%\"f%c3%bc\""}},
      {"l", {Kind::kInnerList, "( 1 \"x\";p  :AA==: )"}},
      {"k", {Kind::kBoolean, "?1"}},
      {"k2", {Kind::kBoolean, "?1"}},
      {"e", {Kind::kBytes, "::"}},
      {"l0", {Kind::kInnerList, "()"}},
  };
  ASSERT_EQ(good->size(), std::size(expected));
  for (std::size_t i = 0; i < good->size(); ++i) {
    EXPECT_EQ((*good)[i].key, expected[i].first);
    EXPECT_EQ((*good)[i].value.kind, expected[i].second.kind) << expected[i].first;
    EXPECT_EQ((*good)[i].value.text, expected[i].second.text);
  }
}

TEST(Dictionary, MayBeEmpty) {
  EXPECT_TRUE(parse_dictionary("").value().empty());
  EXPECT_TRUE(parse_dictionary("  ").value().empty());
}

TEST(Dictionary, MalformedIsRefused) {
  for (const std::string& text : {std::string(","),
                                  std::string("a=1,"),
                                  std::string("a=1,,b=2"),
                                  std::string("a=1 b=2"),
                                  std::string("A=1"),
                                  std::string("1a=1"),
                                  std::string("a ="),
                                  std::string("a= 1"),
                                  std::string("a="),
                                  std::string("a=1;"),
                                  std::string("a;=1"),
                                  std::string("a=\"open"),
                                  std::string("a=\"bad\\n\""),
                                  std::string("a=\"end\\"),
                                  std::string("a=\"\x7f\""),
                                  std::string("a=\"\xc3\xbc\""),
                                  std::string("a=(1"),
                                  std::string("a=(1\t2)"),
                                  std::string("a=(1,2)"),
                                  std::string("a=(\"x\"\"y\")"),
                                  std::string("a=:"),
                                  std::string("a=:A B:"),
                                  std::string("a=:AA_=:"),
                                  std::string("a=1.2345"),
                                  std::string("a=1."),
                                  std::string("a=1234567890123.1"),
                                  std::string("a=-.5"),
                                  std::string("a=@1.5"),
                                  std::string("a=@"),
                                  std::string("a=%\"%C3%BC\""),
                                  std::string("a=%\"%c3\""),
                                  std::string("a=%\"%c\""),
                                  std::string("a=%x"),
                                  std::string("a=?"),
                                  std::string("a=!x"),
                                  std::string("\0", 1),
                                  std::string("a=1\0", 4)}) {
    const auto members = parse_dictionary(text);
    ASSERT_FALSE(members) << text;
    EXPECT_EQ(members.error().code(), Errc::kMalformed) << text;
  }
}

TEST(Dictionary, OfIntegersIgnoresTheRest) {
  const auto limits = parse_dictionary(
      "max-size=1000;x, min-size=-1, max-age=\"3\", new-key=?1, max-append-size=5.0, "
      "min-append-size=1, min-append-size=2, last=3, last=(3)");
  ASSERT_TRUE(limits) << limits.error().message();
  EXPECT_EQ(integer_member(*limits, "max-size"), 1000U);
  EXPECT_EQ(integer_member(*limits, "min-append-size"), 2U) << "the last of two counts";
  for (const char* key : {"min-size", "max-age", "new-key", "max-append-size", "last", "absent"}) {
    EXPECT_EQ(integer_member(*limits, key), std::nullopt) << key;
  }
}

TEST(StructuredFields, AreWrittenAsTheyAreRead) {
  EXPECT_EQ(boolean_item(true), "?1");
  EXPECT_EQ(boolean_item(false), "?0");
  EXPECT_EQ(integer_item(0), "0");
  EXPECT_EQ(integer_item(999'999'999'999'999U), "999999999999999");
  EXPECT_EQ(parse_integer_item(integer_item(UINT64_MAX)).value(), 999'999'999'999'999U);
  const std::string text = integer_dictionary({{"max-size", 1099511627776}, {"max-age", 604800}});
  EXPECT_EQ(text, "max-size=1099511627776, max-age=604800");
  EXPECT_EQ(integer_member(parse_dictionary(text).value(), "max-age"), 604800U);
}

}  // namespace
}  // namespace strata::http
