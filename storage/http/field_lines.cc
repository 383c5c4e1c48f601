#include "storage/http/field_lines.h"

#include <algorithm>
#include <array>

#include "strata/base/text.h"

namespace strata::http {
namespace {

constexpr std::array<bool, 256> token_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTokenCharacters = token_table();

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return kTokenCharacters[static_cast<unsigned char>(c)];
  });
}

bool is_field_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

Status add_field_line(std::string_view line, Headers& headers) {
  if (line.starts_with(' ') || line.starts_with('\t')) {
    return Error(Errc::kMalformed, "a header field is folded over several lines");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return Error(Errc::kMalformed, "a header field has no colon");
  }
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) {
    return Error(Errc::kMalformed, "a header field name is empty or holds a character it may not");
  }
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_text(value)) {
    return Error(Errc::kMalformed, "a header field value holds a control character");
  }
  headers.add(name, value);
  return {};
}

Result<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos || text[end] == '\n' || end + 1 == text.size() ||
      text[end + 1] != '\n') {
    return Error(Errc::kMalformed, "a line does not end with CR LF");
  }
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

Status parse_field_lines(std::string_view lines, const Limits& limits, Headers& headers) {
  for (;;) {
    STRATA_TRY(const std::string_view line, take_line(lines));
    if (line.empty()) break;
    if (headers.fields().size() >= limits.header_count_max) {
      return Error(Errc::kHeadersTooLarge,
                   "more than " + std::to_string(limits.header_count_max) + " header fields");
    }
    if (const Status added = add_field_line(line, headers); !added) return added.error();
  }
  if (!lines.empty()) return Error(Errc::kMalformed, "bytes after the blank line");
  return {};
}

}  // namespace strata::http
