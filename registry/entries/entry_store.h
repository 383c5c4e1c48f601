#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"
#include "strata/metadata/document.h"
#include "strata/metadata/image_metadata.h"

// Accepted entries: append-only, each a signed document under its key identifier / endorser /
// created. Entries are never changed nor removed; a newer one of the same (identifier, endorser)
// supersedes the older in lists and searches. Every implementation runs
// tests/contract/entry_store_test.cc.
namespace strata::entries {

struct StoredEntry {
  metadata::EntryKey key;
  metadata::ImageMetadata metadata;
  metadata::VerifiedEntry::Signature signature;  // as found when the entry was accepted
  std::uint64_t sequence = 0;                    // order of acceptance, from 1; for the change feed
};

struct Change {
  std::uint64_t sequence = 0;
  metadata::EntryKey key;
  bool operator==(const Change&) const = default;
};

enum class Insertion : std::uint8_t {
  kInserted,
  kSame,  // this key with these bytes is already the newest of its (identifier, endorser)
};

// Fields that compare whole. kOs to kFormat ignore ASCII case; the others are exact, digests and
// identifiers in their canonical text. kSha1 and kSha256 match the decoded and the stored bytes.
// The values are part of the on-disk format (registry/FORMAT.md).
enum class Field : char {
  kOs = 'o',
  kOsVersion = 'v',
  kArch = 'r',
  kKind = 'k',
  kFormat = 'f',
  kIdentifier = 'i',
  kEndorser = 'e',
  kTag = 't',
  kSha1 = '1',
  kSha256 = '2',
};

enum class Standing : std::uint8_t { kValid, kExpired, kDeprecated };
// Deprecated wins over expired; an entry without dcterms:valid does not expire.
[[nodiscard]] Standing standing_of(const metadata::ImageMetadata& metadata, UnixMillis now);

struct Query {
  std::string text =
      {};  // words of title, description, ...; all must match, the last one as a prefix
  std::vector<std::pair<Field, std::string>> filters = {};  // all must match
  std::optional<UnixMillis> created = {};        // exactly; also finds superseded entries
  std::optional<UnixMillis> created_since = {};  // at or after

  enum class Status : std::uint8_t { kValid, kExpired, kDeprecated, kAll };
  Status status = Status::kValid;
  UnixMillis now = 0;  // what `status` is judged at
  enum class Location : std::uint8_t { kAll, kWeb /* http, https, ftp, or none */, kPdisk };
  Location location = Location::kAll;

  enum class Order : std::uint8_t {
    kNewestFirst,
    kOldestFirst
  };  // by `created` of the endorsement
  Order order = Order::kNewestFirst;
  std::size_t limit = 500;  // > 0; the caller bounds it by limits.page_size_max
  std::string cursor = {};  // empty, or Page::next of the same query
};

struct Page {
  std::vector<StoredEntry> entries;  // newest entry of each (identifier, endorser) only
  // Matches of the whole query, all pages. A lower bound when it is not exact: above
  // limits.search_total_exact_max, or when records had to be looked through and more than
  // limits.search_scan_max allows.
  std::uint64_t total = 0;
  bool total_exact = true;
  std::string next;  // empty at the end. A page may be short, even empty, and still have a next one
};

// Page::next of a page that ends with `entry`, for whoever shows less than a whole page.
[[nodiscard]] std::string cursor_behind(const StoredEntry& entry);

struct EndorserName {
  std::string email, subject, issuer;
  auto operator<=>(const EndorserName&) const = default;
};

// All functions may be called from any thread. Reads see one consistent state. Errors beside those
// named: kIo, kNoSpace, kCorruptData.
class EntryStore {
 public:
  virtual ~EntryStore() = default;

  // Durable when it returns. kConflict: the key exists with other bytes. kNotNewer: `created` is
  // not after that of the newest entry of this (identifier, endorser), which a replay of a
  // superseded entry also is. kCollision: the identifier is known with another SHA-256.
  [[nodiscard]] virtual Result<Insertion> insert(const metadata::VerifiedEntry& entry) = 0;

  [[nodiscard]] virtual Result<StoredEntry> get(const metadata::EntryKey& key) const = 0;
  // The document's exact bytes.
  [[nodiscard]] virtual Result<std::string> document(const metadata::EntryKey& key) const = 0;
  [[nodiscard]] virtual Result<StoredEntry> latest(const Identifier& identifier,
                                                   std::string_view endorser) const = 0;

  // kMalformed: a cursor that is none, or more words than limits.query_words_max.
  [[nodiscard]] virtual Result<Page> search(const Query& query) const = 0;

  // Who endorsed the entries that are newest, in order of e-mail; at most `limit`.
  [[nodiscard]] virtual Result<std::vector<EndorserName>> endorsers(std::size_t limit) const = 0;
  // Tags of the newest entries of one endorser, sorted; at most `limit`.
  [[nodiscard]] virtual Result<std::vector<std::string>> tags(std::string_view endorser,
                                                              std::size_t limit) const = 0;
  // What an endorser's tag stands for: the newest tagged entry that is not deprecated. kNotFound.
  [[nodiscard]] virtual Result<StoredEntry> tagged(std::string_view endorser,
                                                   std::string_view tag) const = 0;

  // Accepted entries after `since`, in order of acceptance; at most `limit`. A sequence number is
  // never given twice; one may be missing, of an entry that a rebuild could not read.
  [[nodiscard]] virtual Result<std::vector<Change>> changes(std::uint64_t since,
                                                            std::size_t limit) const = 0;
  [[nodiscard]] virtual std::uint64_t last_sequence() const = 0;
  // Whether writes can be expected to succeed.
  [[nodiscard]] virtual Status health() const = 0;
};

}  // namespace strata::entries
