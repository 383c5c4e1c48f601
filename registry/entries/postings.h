#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/entries/entry_store.h"

// Reading the term index. A term's postings are positions in order of `created`; searches walk
// several terms in step. One thread, one snapshot.
namespace strata::entries {

// Where an entry stands in the order of lists: newest `created` first, then last accepted first.
// 16 bytes that sort so: the complements of the seconds and of the sequence number.
class Position {
 public:
  Position() = default;
  Position(UnixMillis created, std::uint64_t sequence);
  [[nodiscard]] static std::optional<Position> from_bytes(std::string_view bytes);
  [[nodiscard]] static std::optional<Position> from_cursor(std::string_view cursor);  // hex
  [[nodiscard]] std::string cursor() const;
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] UnixMillis created() const;
  [[nodiscard]] std::uint64_t sequence() const;
  auto operator<=>(const Position&) const = default;

 private:
  std::string bytes_;
};

// What a posting says of its entry, so that a filter need not read the record.
struct Summary {
  std::optional<UnixMillis> valid;
  bool deprecated = false;
  bool web = false;    // a location of http, https or ftp, or none at all
  bool pdisk = false;  // a location of pdisk:

  [[nodiscard]] static Summary of(const metadata::ImageMetadata& metadata);
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static std::optional<Summary> decode(std::string_view bytes);
  [[nodiscard]] bool matches(const Query& query) const;
};

// A stream of positions in one direction.
class Postings {
 public:
  virtual ~Postings() = default;
  [[nodiscard]] virtual bool valid() const = 0;
  [[nodiscard]] virtual const Position& position() const = 0;
  [[nodiscard]] virtual const Summary& summary() const = 0;
  virtual void next() = 0;
  // Forward to the first position at or behind `to` in this direction; no-op when already there.
  virtual void seek(const Position& to) = 0;
  [[nodiscard]] virtual Status status() const = 0;
};

struct TermReader {
  rocksdb::DB* db;
  rocksdb::ColumnFamilyHandle* terms;
  const rocksdb::Snapshot* snapshot;
  Query::Order order;

  [[nodiscard]] std::unique_ptr<Postings> term(std::string_view term) const;
  // The union of some terms; no position twice.
  [[nodiscard]] std::unique_ptr<Postings> any_of(const std::vector<std::string>& wanted) const;
  // Distinct terms that start with `prefix`, in order, until `visit` says false. One seek each.
  [[nodiscard]] Status each_term(std::string_view prefix,
                                 const std::function<bool(std::string_view)>& visit) const;
};

// The key of a posting: term, NUL, position.
[[nodiscard]] std::string posting_key(std::string_view term, const Position& position);

[[nodiscard]] Error rocksdb_error(const rocksdb::Status& status, std::string_view what);

}  // namespace strata::entries
