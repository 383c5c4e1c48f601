#include "strata/http/structured_fields.h"

#include <algorithm>

#include "strata/base/text.h"

// RFC 9651 §4.2. Each take_* removes what it read from the front of `text`.
namespace strata::http {
namespace {

using Kind = FieldItem::Kind;

constexpr std::size_t kIntegerDigitsMax = 15;
constexpr std::size_t kDecimalDigitsMax = 12;  // before the point
constexpr std::size_t kFractionDigitsMax = 3;
constexpr std::uint64_t kIntegerMax = 999'999'999'999'999;

Error malformed(std::string_view why) {
  return {Errc::kMalformed, std::string(why)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_alpha(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_key_start(char c) {
  return is_lower(c) || c == '*';
}
bool is_key_character(char c) {
  return is_key_start(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}
bool is_token_character(char c) {
  constexpr std::string_view kMore = "!#$%&'*+-.^_`|~:/";
  return is_alpha(c) || is_digit(c) || kMore.find(c) != std::string_view::npos;
}
bool is_base64_character(char c) {
  return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '=';
}
bool is_printable(char c) {
  return c >= 0x20 && c < 0x7f;
}

// How many characters at the front of `text` are of a kind.
std::size_t run_of(std::string_view text, bool (*is)(char)) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is) - text.begin());
}

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

std::string_view take(std::string_view& text, std::size_t count) {
  const std::string_view front = text.substr(0, count);
  text.remove_prefix(count);
  return front;
}

std::string_view take_key(std::string_view& text) {  // empty: there is none
  if (text.empty() || !is_key_start(text.front())) return {};
  return take(text, run_of(text, is_key_character));
}

// The lengths of values, 0 for what is none.

std::size_t integer_length(std::string_view text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  const std::size_t digits = run_of(text.substr(sign), is_digit);
  return digits == 0 || digits > kIntegerDigitsMax ? 0 : sign + digits;
}

std::size_t decimal_length(std::string_view text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = run_of(text.substr(sign), is_digit);
  const std::size_t fraction =
      run_of(text.substr(std::min(sign + whole + 1, text.size())), is_digit);
  const bool fits =
      whole > 0 && whole <= kDecimalDigitsMax && fraction > 0 && fraction <= kFractionDigitsMax;
  return fits ? sign + whole + 1 + fraction : 0;
}

std::size_t string_length(std::string_view text) {
  for (std::size_t i = 1; i < text.size() && is_printable(text[i]); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] != '\\') continue;
    ++i;
    if (i == text.size() || (text[i] != '"' && text[i] != '\\')) return 0;
  }
  return 0;
}

std::size_t display_string_length(std::string_view text) {
  if (!text.starts_with("%\"")) return 0;
  for (std::size_t i = 2; i < text.size() && is_printable(text[i]); ++i) {
    if (text[i] == '"') {
      const auto decoded = percent_decode(text.substr(2, i - 2));
      return decoded && is_valid_utf8(*decoded) ? i + 1 : 0;
    }
    if (text[i] != '%') continue;
    const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    if (!std::ranges::all_of(text.substr(i + 1, 2), is_hex)) return 0;
  }
  return 0;
}

std::size_t bytes_length(std::string_view text) {
  const std::size_t inside = run_of(text.substr(1), is_base64_character);
  return text.substr(1 + inside).starts_with(':') ? inside + 2 : 0;
}

FieldItem::Kind number_kind(std::string_view text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  const std::string_view digits = text.substr(sign);
  return digits.substr(run_of(digits, is_digit)).starts_with('.') ? Kind::kDecimal : Kind::kInteger;
}

Result<FieldItem> take_bare_item(std::string_view& text) {
  if (text.empty()) return malformed("a value was expected");
  Kind kind = Kind::kToken;
  std::size_t length = 0;
  const char first = text.front();
  if (first == '-' || is_digit(first)) {
    kind = number_kind(text);
    length = kind == Kind::kDecimal ? decimal_length(text) : integer_length(text);
  } else if (first == '"') {
    kind = Kind::kString;
    length = string_length(text);
  } else if (first == ':') {
    kind = Kind::kBytes;
    length = bytes_length(text);
  } else if (first == '?') {
    kind = Kind::kBoolean;
    length = text.starts_with("?0") || text.starts_with("?1") ? 2 : 0;
  } else if (first == '@') {
    kind = Kind::kDate;
    length = number_kind(text.substr(1)) == Kind::kInteger ? integer_length(text.substr(1)) : 0;
    if (length > 0) ++length;
  } else if (first == '%') {
    kind = Kind::kDisplayString;
    length = display_string_length(text);
  } else if (is_alpha(first) || first == '*') {
    length = run_of(text, is_token_character);
  }
  if (length == 0) return malformed("a value is none of the known types");
  return FieldItem{kind, take(text, length)};
}

// *( ";" *SP key [ "=" bare-item ] ): allowed behind each value, without a meaning here.
Status skip_parameters(std::string_view& text) {
  while (text.starts_with(';')) {
    text.remove_prefix(1);
    skip_spaces(text);
    if (take_key(text).empty()) return malformed("a parameter has no name");
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    if (const auto item = take_bare_item(text); !item) return item.error();
  }
  return {};
}

Result<FieldItem> take_item(std::string_view& text) {
  STRATA_TRY(const FieldItem item, take_bare_item(text));
  if (const Status skipped = skip_parameters(text); !skipped) return skipped.error();
  return item;
}

// "(" *SP [ item *( 1*SP item ) *SP ] ")" parameters
Result<FieldItem> take_inner_list(std::string_view& text) {
  const std::string_view whole = text;
  text.remove_prefix(1);
  for (;;) {
    skip_spaces(text);
    if (text.starts_with(')')) break;
    if (const auto item = take_item(text); !item) return item.error();
    if (!text.starts_with(' ') && !text.starts_with(')')) {
      return malformed("an inner list does not end");
    }
  }
  text.remove_prefix(1);
  const FieldItem list{Kind::kInnerList, whole.substr(0, whole.size() - text.size())};
  if (const Status skipped = skip_parameters(text); !skipped) return skipped.error();
  return list;
}

Result<FieldItem> take_member_value(std::string_view& text) {
  if (!text.starts_with('=')) {
    if (const Status skipped = skip_parameters(text); !skipped) return skipped.error();
    return FieldItem{Kind::kBoolean, "?1"};
  }
  text.remove_prefix(1);
  return text.starts_with('(') ? take_inner_list(text) : take_item(text);
}

// The only item of a field.
Result<FieldItem> parse_item(std::string_view text) {
  skip_spaces(text);
  STRATA_TRY(const FieldItem item, take_item(text));
  skip_spaces(text);
  if (!text.empty()) return malformed("more than one value");
  return item;
}

}  // namespace

std::optional<std::uint64_t> FieldItem::unsigned_integer() const {
  if (kind != Kind::kInteger) return std::nullopt;
  if (!text.starts_with('-')) return parse_decimal(text);
  const auto magnitude = parse_decimal(text.substr(1));
  return magnitude == 0U ? magnitude : std::nullopt;  // "-0"
}

Result<std::vector<DictionaryMember>> parse_dictionary(std::string_view value) {
  std::vector<DictionaryMember> members;
  std::string_view text = trim(value);
  while (!text.empty()) {
    const std::string_view key = take_key(text);
    if (key.empty()) return malformed("a name was expected");
    STRATA_TRY(const FieldItem item, take_member_value(text));
    members.push_back({key, item});
    text = trim(text);
    if (text.empty()) break;
    if (!text.starts_with(',')) return malformed("a comma was expected");
    text = trim(text.substr(1));
    if (text.empty()) return malformed("it ends with a comma");
  }
  return members;
}

Result<bool> parse_boolean_item(std::string_view value) {
  STRATA_TRY(const FieldItem item, parse_item(value));
  if (item.kind != Kind::kBoolean) return malformed("it must be ?1 or ?0");
  return item.text == "?1";
}

Result<std::uint64_t> parse_integer_item(std::string_view value) {
  STRATA_TRY(const FieldItem item, parse_item(value));
  const auto number = item.unsigned_integer();
  if (!number) return malformed("it must be a whole number, not negative, of at most 15 digits");
  return *number;
}

std::optional<std::uint64_t> integer_member(const std::vector<DictionaryMember>& dictionary,
                                            std::string_view key) {
  for (auto member = dictionary.rbegin(); member != dictionary.rend(); ++member) {
    if (member->key == key) return member->value.unsigned_integer();
  }
  return std::nullopt;
}

std::string boolean_item(bool value) {
  return value ? "?1" : "?0";
}

std::string integer_item(std::uint64_t value) {
  return std::to_string(std::min(value, kIntegerMax));
}

std::string integer_dictionary(const std::vector<IntegerMember>& members) {
  std::string text;
  for (const IntegerMember& member : members) {
    if (!text.empty()) text += ", ";
    text += member.key;
    text += '=';
    text += integer_item(member.value);
  }
  return text;
}

}  // namespace strata::http
