#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/result.h"

// Structured Field Values (RFC 9651): what the fields of uploads and digests are made of. Pure, and
// strict: a field that the grammar does not know is kMalformed as a whole, as the RFC asks. Values
// of a field in several lines are joined first (Headers::joined), so that "?1" twice is no Item.
namespace strata::http {

// A value as it stands in the field, delimiters included. Valid while the field's text is.
struct FieldItem {
  enum class Kind : std::uint8_t {
    kInteger,        // -7
    kDecimal,        // 0.5
    kString,         // "a \"b\""
    kToken,          // gzip, */*
    kBytes,          // :AAE=:
    kBoolean,        // ?1
    kDate,           // @1659578233
    kDisplayString,  // %"f%c3%bc"
    kInnerList,      // (1 2), which only a dictionary may hold
  };
  Kind kind;
  std::string_view text;

  // Whole numbers of 0 and above; nullopt for a negative one and for every other kind.
  [[nodiscard]] std::optional<std::uint64_t> unsigned_integer() const;
};

struct DictionaryMember {
  std::string_view key;
  FieldItem value;  // "?1" for a key alone
};

// Members in order, a key that comes twice too (RFC 9651: the last one counts). Parameters are
// checked and left out.
[[nodiscard]] Result<std::vector<DictionaryMember>> parse_dictionary(std::string_view value);

// One Item of that type; its parameters are checked and ignored.
[[nodiscard]] Result<bool> parse_boolean_item(std::string_view value);
[[nodiscard]] Result<std::uint64_t> parse_integer_item(std::string_view value);  // not negative

// A dictionary's member of that key if it is an Integer of 0 and above; a value of another type is
// as if the key were not there.
[[nodiscard]] std::optional<std::uint64_t> integer_member(
    const std::vector<DictionaryMember>& dictionary, std::string_view key);

struct IntegerMember {
  std::string_view key;
  std::uint64_t value;
};

// The other direction. An Integer has at most 15 digits: a larger value is written as the largest,
// 999 999 999 999 999, which is above every size and age that Strata knows.
[[nodiscard]] std::string boolean_item(bool value);
[[nodiscard]] std::string integer_item(std::uint64_t value);
[[nodiscard]] std::string integer_dictionary(const std::vector<IntegerMember>& members);

}  // namespace strata::http
