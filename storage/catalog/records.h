#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalog/catalog.h"

// Keys and values of the RocksDB catalogue; storage/FORMAT.md specifies them. All pure.
namespace strata::catalog {

// One way to find an image: kind and value, e.g. the tag "web".
enum class TermKind : char {
  kName = 'n',
  kOwner = 'o',
  kIdentifier = 'i',
  kTag = 't',
  kSha256 = 's',  // stored or decoded
  kVisibility = 'v',
  kBlob = 'b',
  kContent = 'c',  // SHA-256 of the decoded bytes
};

// <kind><value><NUL>: every image with the term has a key that starts so and ends with its id. A
// value with a NUL in it makes longer keys below the same prefix: see is_term_id.
[[nodiscard]] std::string term_prefix(TermKind kind, std::string_view value);
[[nodiscard]] inline std::string term_prefix(Visibility visibility) {
  return term_prefix(TermKind::kVisibility,
                     visibility == Visibility::kPublic ? "public" : "private");
}
// What follows the prefix is an id, and nothing that only looks like a part of one.
[[nodiscard]] inline bool is_term_id(std::string_view rest) {
  return rest.size() == 36;
}
// The keys of all terms of an image.
[[nodiscard]] std::vector<std::string> term_keys(const Image& image);

// <owner><NUL><SHA-256 in hex><size, 8 bytes big-endian>.
[[nodiscard]] std::string stored_key(std::string_view owner, const Sha256Digest& sha256,
                                     std::uint64_t bytes);

// Orders the outbox by time; <next attempt, 8 bytes big-endian><SHA-256 in hex>.
[[nodiscard]] std::string outbox_key(const Registration& registration);
[[nodiscard]] UnixMillis outbox_time(std::string_view key);
[[nodiscard]] std::string_view outbox_content(std::string_view key);
// Whether the outbox has work for it.
[[nodiscard]] inline bool is_waiting(const Registration& registration) {
  return registration.done < registration.wanted &&
         registration.state != Registration::State::kFailed;
}

[[nodiscard]] std::string to_json(const Registration& registration);
[[nodiscard]] Result<Registration> registration_from_json(std::string_view text);

// A blob without an image.
struct RemovalRecord {
  UnixMillis since = 0;
  std::string stored;  // the key in `stored` that leads to it; empty when there is none
};
[[nodiscard]] std::string to_json(const RemovalRecord& removal);
[[nodiscard]] Result<RemovalRecord> removal_from_json(std::string_view text);

}  // namespace strata::catalog
