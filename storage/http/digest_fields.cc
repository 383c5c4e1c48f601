#include "strata/http/digest_fields.h"

#include <algorithm>

#include "strata/base/text.h"

namespace strata::http {
namespace {

// The part of RFC 9651 (structured fields) that a Dictionary of Byte Sequences needs. Each take_*
// removes what it read from the front of `text`.
Error malformed(std::string_view why) {
  return {Errc::kMalformed,
          "the digest field is not a dictionary of `name=:base64:` (" + std::string(why) + ")"};
}

bool is_key_start(char c) {
  return (c >= 'a' && c <= 'z') || c == '*';
}
bool is_key_character(char c) {
  return is_key_start(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}
bool is_bare_character(char c) {  // of tokens, numbers, booleans and dates
  constexpr std::string_view kMore = "!#$%&'*+-.^_`|~:/?@";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMore.find(c) != std::string_view::npos;
}

std::string_view take_key(std::string_view& text) {
  if (text.empty() || !is_key_start(text.front())) return {};
  std::size_t end = 1;
  while (end < text.size() && is_key_character(text[end])) ++end;
  const std::string_view key = text.substr(0, end);
  text.remove_prefix(end);
  return key;
}

std::size_t quoted_end(std::string_view text) {  // behind the closing quote, 0 = there is none
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return 0;
}

// A bare item with its delimiters; empty = there is none.
std::string_view take_item(std::string_view& text) {
  std::size_t end = 0;
  if (text.starts_with(':')) {
    const std::size_t close = text.find(':', 1);
    end = close == std::string_view::npos ? 0 : close + 1;
  } else if (text.starts_with('"')) {
    end = quoted_end(text);
  } else {
    while (end < text.size() && is_bare_character(text[end])) ++end;
  }
  const std::string_view item = text.substr(0, end);
  text.remove_prefix(end);
  return item;
}

// *( ";" *SP key [ "=" item ] ): allowed after each value, without a meaning here.
bool skip_parameters(std::string_view& text) {
  while (text.starts_with(';')) {
    text.remove_prefix(1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (take_key(text).empty()) return false;
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    if (take_item(text).empty()) return false;
  }
  return true;
}

template <typename D>
Status keep(std::optional<D>& into, std::string_view item) {
  if (item.size() < 2 || item.front() != ':') return malformed("a digest must be in colons");
  const auto bytes = from_base64(item.substr(1, item.size() - 2));
  if (!bytes) return malformed("bad base64");
  D digest;
  if (bytes->size() != digest.bytes.size()) return malformed("a digest of the wrong length");
  std::copy(bytes->begin(), bytes->end(), digest.bytes.begin());
  // RFC 9651 lets the last of two win; two claims about the same bytes are refused instead.
  if (into && *into != digest) return malformed("two values for one algorithm");
  into = digest;
  return {};
}

Status keep_member(ExpectedDigests& digests, std::string_view key, std::string_view item) {
  if (key == "sha-256") return keep(digests.sha256, item);
  if (key == "sha-512") return keep(digests.sha512, item);
  if (key == "sha") return keep(digests.sha1, item);
  return {};
}

template <typename D>
Status merge_one(std::optional<D>& a, const std::optional<D>& b) {
  if (a && b && *a != *b) {
    return Error(Errc::kDigestMismatch, "two different values of " +
                                            std::string(algorithm_name(D::kAlgorithm)) +
                                            " were given: " + a->hex() + " and " + b->hex());
  }
  if (b) a = b;
  return {};
}

}  // namespace

Result<ExpectedDigests> parse_digest_field(std::string_view value) {
  ExpectedDigests digests;
  std::string_view text = trim(value);
  while (!text.empty()) {
    const std::string_view key = take_key(text);
    if (key.empty()) return malformed("a name was expected");
    std::string_view item;
    if (text.starts_with('=')) {
      text.remove_prefix(1);
      item = take_item(text);
      if (item.empty()) return malformed("a value was expected");
    }
    if (!skip_parameters(text)) return malformed("bad parameters");
    if (auto kept = keep_member(digests, key, item); !kept) return kept.error();
    text = trim(text);
    if (text.empty()) break;
    if (!text.starts_with(',')) return malformed("a comma was expected");
    text = trim(text.substr(1));
    if (text.empty()) return malformed("it ends with a comma");
  }
  return digests;
}

std::string repr_digest(const DigestSet& set) {
  return "sha-256=:" + set.sha256.base64() + ":, sha-512=:" + set.sha512.base64() + ":";
}

std::string legacy_digest(const DigestSet& set) {
  return "SHA-256=" + set.sha256.base64() + ",SHA-512=" + set.sha512.base64();
}

Status merge_expected(ExpectedDigests& a, const ExpectedDigests& b) {
  if (a.bytes && b.bytes && *a.bytes != *b.bytes) {
    return Error(Errc::kSizeMismatch,
                 "two different sizes were given: " + std::to_string(*a.bytes) + " and " +
                     std::to_string(*b.bytes));
  }
  ExpectedDigests merged = a;
  if (b.bytes) merged.bytes = b.bytes;
  if (auto status = merge_one(merged.sha1, b.sha1); !status) return status;
  if (auto status = merge_one(merged.sha256, b.sha256); !status) return status;
  if (auto status = merge_one(merged.sha512, b.sha512); !status) return status;
  a = merged;
  return {};
}

}  // namespace strata::http
