#include "registry/entries/postings.h"

#include <algorithm>
#include <array>
#include <limits>

#include "registry/entries/bytes.h"
#include "strata/base/text.h"

namespace strata::entries {
namespace {

constexpr std::size_t kPositionBytes = 16;
constexpr std::uint64_t kNoExpiry = std::numeric_limits<std::uint64_t>::max();
constexpr unsigned char kDeprecatedBit = 1;
constexpr unsigned char kWebBit = 2;
constexpr unsigned char kPdiskBit = 4;

bool has_scheme(std::string_view location, std::string_view scheme) {
  return location.size() > scheme.size() && location[scheme.size()] == ':' &&
         iequals(location.substr(0, scheme.size()), scheme);
}

class TermPostings final : public Postings {
 public:
  TermPostings(const TermReader& reader, std::string_view term)
      : newest_first_(reader.order == Query::Order::kNewestFirst), prefix_(term) {
    prefix_ += '\0';
    rocksdb::ReadOptions options;
    options.snapshot = reader.snapshot;
    iterator_.reset(reader.db->NewIterator(options, reader.terms));
    if (newest_first_) {
      iterator_->Seek(prefix_);
    } else {
      iterator_->SeekForPrev(prefix_ + std::string(kPositionBytes, '\xff'));
    }
    read();
  }
  bool valid() const override { return valid_; }
  const Position& position() const override { return position_; }
  const Summary& summary() const override { return summary_; }
  void next() override {
    if (newest_first_) {
      iterator_->Next();
    } else {
      iterator_->Prev();
    }
    read();
  }
  void seek(const Position& to) override {
    if (!valid_ || (newest_first_ ? position_ >= to : position_ <= to)) return;
    if (newest_first_) {
      iterator_->Seek(prefix_ + to.bytes());
    } else {
      iterator_->SeekForPrev(prefix_ + to.bytes());
    }
    read();
  }
  Status status() const override {
    if (damaged_) return Error(Errc::kCorruptData, "the entry index is damaged");
    if (!iterator_->status().ok()) return rocksdb_error(iterator_->status(), "read the index");
    return {};
  }

 private:
  void read() {
    valid_ = false;
    if (!iterator_->Valid() || !iterator_->key().starts_with(prefix_)) return;
    std::string_view rest = iterator_->key().ToStringView();
    rest.remove_prefix(prefix_.size());
    const auto position = Position::from_bytes(rest);
    const auto summary = Summary::decode(iterator_->value().ToStringView());
    if (!position || !summary) {
      damaged_ = true;
      return;
    }
    position_ = *position;
    summary_ = *summary;
    valid_ = true;
  }

  bool newest_first_;
  std::string prefix_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  Position position_;
  Summary summary_;
  bool valid_ = false;
  bool damaged_ = false;
};

// At most limits.search_prefix_words_max members: a linear look for the first is cheap.
class UnionPostings final : public Postings {
 public:
  UnionPostings(std::vector<std::unique_ptr<Postings>> members, bool newest_first)
      : members_(std::move(members)), newest_first_(newest_first) {
    find_first();
  }
  bool valid() const override { return first_ != nullptr; }
  const Position& position() const override { return first_->position(); }
  const Summary& summary() const override { return first_->summary(); }
  void next() override {
    const Position here = first_->position();
    for (const auto& member : members_) {
      if (member->valid() && member->position() == here) member->next();
    }
    find_first();
  }
  void seek(const Position& to) override {
    for (const auto& member : members_) member->seek(to);
    find_first();
  }
  Status status() const override {
    for (const auto& member : members_) {
      if (Status status = member->status(); !status) return status;
    }
    return {};
  }

 private:
  void find_first() {
    first_ = nullptr;
    for (const auto& member : members_) {
      if (!member->valid()) continue;
      if (first_ == nullptr || (newest_first_ ? member->position() < first_->position()
                                              : member->position() > first_->position())) {
        first_ = member.get();
      }
    }
  }

  std::vector<std::unique_ptr<Postings>> members_;
  bool newest_first_;
  Postings* first_ = nullptr;
};

}  // namespace

Position::Position(UnixMillis created, std::uint64_t sequence) {
  append_u64(bytes_, ~static_cast<std::uint64_t>(created / 1000));
  append_u64(bytes_, ~sequence);
}

std::optional<Position> Position::from_bytes(std::string_view bytes) {
  if (bytes.size() != kPositionBytes) return std::nullopt;
  Position position;
  position.bytes_ = bytes;
  return position;
}

std::optional<Position> Position::from_cursor(std::string_view cursor) {
  std::array<std::uint8_t, kPositionBytes> bytes;
  if (!from_hex(cursor, bytes)) return std::nullopt;
  return from_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string Position::cursor() const {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes_.data()), bytes_.size()});
}

UnixMillis Position::created() const {
  std::string_view rest = bytes_;
  return static_cast<UnixMillis>(~*take_u64(rest)) * 1000;
}

std::uint64_t Position::sequence() const {
  std::string_view rest = std::string_view(bytes_).substr(8);
  return ~*take_u64(rest);
}

Summary Summary::of(const metadata::ImageMetadata& metadata) {
  Summary summary;
  summary.valid = metadata.valid;
  summary.deprecated = metadata.deprecated.has_value();
  summary.web = metadata.locations.empty();
  for (const std::string& location : metadata.locations) {
    summary.web |= has_scheme(location, "http") || has_scheme(location, "https") ||
                   has_scheme(location, "ftp");
    summary.pdisk |= has_scheme(location, "pdisk");
  }
  return summary;
}

std::string Summary::encode() const {
  std::string bytes;
  append_u64(bytes, valid ? static_cast<std::uint64_t>(*valid) : kNoExpiry);
  bytes += static_cast<char>((deprecated ? kDeprecatedBit : 0) | (web ? kWebBit : 0) |
                             (pdisk ? kPdiskBit : 0));
  return bytes;
}

std::optional<Summary> Summary::decode(std::string_view bytes) {
  const auto valid = take_u64(bytes);
  if (!valid || bytes.size() != 1) return std::nullopt;
  const auto bits = static_cast<unsigned char>(bytes.front());
  Summary summary;
  if (*valid != kNoExpiry) summary.valid = static_cast<UnixMillis>(*valid);
  summary.deprecated = (bits & kDeprecatedBit) != 0;
  summary.web = (bits & kWebBit) != 0;
  summary.pdisk = (bits & kPdiskBit) != 0;
  return summary;
}

bool Summary::matches(const Query& query) const {
  const bool expired = !deprecated && valid && *valid <= query.now;
  switch (query.status) {
    case Query::Status::kValid:
      if (deprecated || expired) return false;
      break;
    case Query::Status::kExpired:
      if (!expired) return false;
      break;
    case Query::Status::kDeprecated:
      if (!deprecated) return false;
      break;
    case Query::Status::kAll:
      break;
  }
  switch (query.location) {
    case Query::Location::kAll:
      return true;
    case Query::Location::kWeb:
      return web;
    case Query::Location::kPdisk:
      return pdisk;
  }
  return true;
}

std::unique_ptr<Postings> TermReader::term(std::string_view term) const {
  return std::make_unique<TermPostings>(*this, term);
}

std::unique_ptr<Postings> TermReader::any_of(const std::vector<std::string>& wanted) const {
  std::vector<std::unique_ptr<Postings>> members;
  for (const std::string& one : wanted) members.push_back(term(one));
  return std::make_unique<UnionPostings>(std::move(members), order == Query::Order::kNewestFirst);
}

Status TermReader::each_term(std::string_view prefix,
                             const std::function<bool(std::string_view)>& visit) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  const std::unique_ptr<rocksdb::Iterator> iterator(db->NewIterator(options, terms));
  iterator->Seek(prefix);
  while (iterator->Valid() && iterator->key().starts_with(prefix)) {
    std::string term = iterator->key().ToString();
    // Positions may hold NUL: the term ends before the last 17 bytes.
    if (term.size() <= kPositionBytes) break;
    term.resize(term.size() - kPositionBytes - 1);
    if (!visit(term)) return {};
    iterator->Seek(term + '\x01');  // NUL + 1: behind every posting of this term
  }
  if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read the index");
  return {};
}

std::string posting_key(std::string_view term, const Position& position) {
  std::string key(term);
  key += '\0';
  key += position.bytes();
  return key;
}

Error rocksdb_error(const rocksdb::Status& status, std::string_view what) {
  const Errc code = status.IsNoSpace()      ? Errc::kNoSpace
                    : status.IsCorruption() ? Errc::kCorruptData
                                            : Errc::kIo;
  return {code, "cannot " + std::string(what) + ": " + status.ToString()};
}

}  // namespace strata::entries
