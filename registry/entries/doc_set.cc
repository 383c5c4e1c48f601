#include "registry/entries/doc_set.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "registry/entries/bytes.h"

namespace strata::entries {
namespace {

constexpr char kArray = 'a';
constexpr char kBitmap = 'b';
constexpr char kSets = 's';
constexpr std::size_t kJoinBytesMin = 64;  // fewer changes are shorter one by one
constexpr std::size_t kInsertionsMax = 256;
constexpr std::size_t kBitmapBytes = kBitmapWords * 8;

Doc doc_at(std::string_view bytes, std::size_t index) {
  return static_cast<Doc>(static_cast<unsigned char>(bytes[2 * index]) << 8 |
                          static_cast<unsigned char>(bytes[2 * index + 1]));
}

// So that the bytes are the same everywhere.
std::uint64_t big_endian(std::uint64_t word) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

std::uint64_t word_at(std::string_view bytes, std::size_t index) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + 8 * index, 8);
  return big_endian(word);
}

bool has_bit(std::string_view bytes, Doc doc) {
  const std::size_t byte = doc / 64 * 8 + 7 - doc % 64 / 8;
  return (static_cast<unsigned char>(bytes[byte]) >> (doc % 8) & 1) != 0;
}

// The parts of changes, in their order.
class ChangeReader {
 public:
  explicit ChangeReader(std::string_view rest) : rest_(rest) {}

  // False at the end, and when the rest is damaged().
  bool next() {
    if (rest_.empty() || damaged_) return false;
    const char kind = rest_.front();
    rest_.remove_prefix(1);
    is_set_ = kind == kSets;
    damaged_ = is_set_ ? !read_sets() : !read_one(kind);
    return !damaged_;
  }
  [[nodiscard]] bool damaged() const { return damaged_; }
  [[nodiscard]] bool is_set() const { return is_set_; }
  [[nodiscard]] DocChange change() const { return change_; }
  [[nodiscard]] Doc doc() const { return doc_; }
  [[nodiscard]] const EncodedDocs& added() const { return *added_; }
  [[nodiscard]] const EncodedDocs& removed() const { return *removed_; }

 private:
  bool read_one(char kind) {
    if (rest_.size() < 2) return false;
    change_ = static_cast<DocChange>(kind);
    doc_ = doc_at(rest_, 0);
    rest_.remove_prefix(2);
    return change_ == DocChange::kAdd || change_ == DocChange::kRemove;
  }
  bool read_sets() {
    const auto added = take_u32(rest_);
    const auto removed = take_u32(rest_);
    if (!added || !removed || rest_.size() < std::size_t{*added} + *removed) return false;
    added_ = EncodedDocs::from(rest_.substr(0, *added));
    removed_ = EncodedDocs::from(rest_.substr(*added, *removed));
    rest_.remove_prefix(std::size_t{*added} + *removed);
    return added_ && removed_;
  }

  std::string_view rest_;
  bool damaged_ = false;
  bool is_set_ = false;
  DocChange change_ = DocChange::kAdd;
  Doc doc_ = 0;
  std::optional<EncodedDocs> added_, removed_;
};

// Keeps those of `docs` that are among `other`. Steps double while `other` is far behind, so that
// the cost follows the shorter side (Bentley and Yao 1976).
void keep_common(std::vector<Doc>& docs, std::string_view other) {
  const std::size_t size = other.size() / 2;
  std::size_t at = 0;
  std::size_t kept = 0;
  for (const Doc doc : docs) {
    std::size_t step = 1;
    std::size_t low = at;
    while (at < size && doc_at(other, at) < doc) {
      low = at + 1;
      at += step;
      step *= 2;
    }
    std::size_t high = std::min(at, size);
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (doc_at(other, middle) < doc) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    at = low;
    if (at == size) break;
    if (doc_at(other, at) == doc) docs[kept++] = doc;
  }
  docs.resize(kept);
}

}  // namespace

std::optional<EncodedDocs> EncodedDocs::from(std::string_view bytes) {
  if (bytes.empty()) return EncodedDocs({}, false);
  const std::string_view rest = bytes.substr(1);
  if (bytes.front() == kBitmap && rest.size() == kBitmapBytes) return EncodedDocs(rest, true);
  const bool array = bytes.front() == kArray && rest.size() % 2 == 0;
  if (!array || rest.size() > 2 * kArrayDocsMax) return std::nullopt;
  return EncodedDocs(rest, false);
}

std::size_t EncodedDocs::size_hint() const {
  return bitmap_ ? kChunkDocs : bytes_.size() / 2;
}

void DocSet::clear() {
  bitmap_ = false;
  docs_.clear();
}

bool DocSet::apply(std::string_view changes) {
  if (changes.size() > 3 * kInsertionsMax) to_bitmap();
  ChangeReader reader(changes);
  while (reader.next()) {
    if (reader.is_set()) {
      subtract(reader.removed());
      unite(reader.added());
    } else if (reader.change() == DocChange::kAdd) {
      add(reader.doc());
    } else {
      remove(reader.doc());
    }
  }
  return !reader.damaged();
}

void DocSet::to_bitmap() {
  if (bitmap_) return;
  bits_.emplace();
  bits_->fill(0);
  for (const Doc doc : docs_) (*bits_)[doc / 64] |= std::uint64_t{1} << doc % 64;
  docs_.clear();
  bitmap_ = true;
}

void DocSet::add(Doc doc) {
  if (bitmap_) {
    (*bits_)[doc / 64] |= std::uint64_t{1} << doc % 64;
    return;
  }
  // Documents come mostly in order.
  const auto at = docs_.empty() || docs_.back() < doc
                      ? docs_.end()
                      : std::lower_bound(docs_.begin(), docs_.end(), doc);
  if (at != docs_.end() && *at == doc) return;
  docs_.insert(at, doc);
  if (docs_.size() > kArrayDocsMax) to_bitmap();
}

void DocSet::remove(Doc doc) {
  if (bitmap_) {
    (*bits_)[doc / 64] &= ~(std::uint64_t{1} << doc % 64);
    return;
  }
  const auto at = std::lower_bound(docs_.begin(), docs_.end(), doc);
  if (at != docs_.end() && *at == doc) docs_.erase(at);
}

void DocSet::assign(const EncodedDocs& other) {
  clear();
  if (other.bitmap_) {
    bits_.emplace();
    for (std::size_t i = 0; i < kBitmapWords; ++i) (*bits_)[i] = word_at(other.bytes_, i);
    bitmap_ = true;
    return;
  }
  docs_.resize(other.bytes_.size() / 2);
  for (std::size_t i = 0; i < docs_.size(); ++i) docs_[i] = doc_at(other.bytes_, i);
}

void DocSet::unite(const EncodedDocs& other) {
  if (other.bitmap_) {
    to_bitmap();
    for (std::size_t i = 0; i < kBitmapWords; ++i) (*bits_)[i] |= word_at(other.bytes_, i);
    return;
  }
  // Insertions move what lies behind them.
  if (docs_.size() + other.size_hint() > kInsertionsMax) to_bitmap();
  for (std::size_t i = 0; i < other.size_hint(); ++i) add(doc_at(other.bytes_, i));
}

void DocSet::subtract(const EncodedDocs& other) {
  if (other.bitmap_) {
    to_bitmap();
    for (std::size_t i = 0; i < kBitmapWords; ++i) (*bits_)[i] &= ~word_at(other.bytes_, i);
    return;
  }
  if (docs_.size() + other.size_hint() > kInsertionsMax) to_bitmap();
  for (std::size_t i = 0; i < other.size_hint(); ++i) remove(doc_at(other.bytes_, i));
}

void DocSet::intersect(const EncodedDocs& other) {
  if (!bitmap_ && !other.bitmap_) {
    keep_common(docs_, other.bytes_);
  } else if (!bitmap_) {
    // Without branches: which documents stay is as good as random.
    std::size_t kept = 0;
    for (const Doc doc : docs_) {
      docs_[kept] = doc;
      kept += has_bit(other.bytes_, doc) ? 1 : 0;
    }
    docs_.resize(kept);
  } else if (other.bitmap_) {
    for (std::size_t i = 0; i < kBitmapWords; ++i) (*bits_)[i] &= word_at(other.bytes_, i);
  } else {
    std::vector<Doc> common;
    for (std::size_t i = 0; i < other.size_hint(); ++i) {
      if (const Doc doc = doc_at(other.bytes_, i); contains(doc)) common.push_back(doc);
    }
    bitmap_ = false;
    docs_ = std::move(common);
  }
}

void DocSet::intersect(const DocSet& other) {
  if (!bitmap_) {
    std::erase_if(docs_, [&](Doc doc) { return !other.contains(doc); });
  } else if (other.bitmap_) {
    for (std::size_t i = 0; i < kBitmapWords; ++i) (*bits_)[i] &= (*other.bits_)[i];
  } else {
    std::vector<Doc> common;
    for (const Doc doc : other.docs_) {
      if (contains(doc)) common.push_back(doc);
    }
    bitmap_ = false;
    docs_ = std::move(common);
  }
}

bool DocSet::empty() const {
  if (!bitmap_) return docs_.empty();
  return std::all_of(bits_->begin(), bits_->end(), [](std::uint64_t word) { return word == 0; });
}

bool DocSet::contains(Doc doc) const {
  if (bitmap_) return ((*bits_)[doc / 64] >> (doc % 64) & 1) != 0;
  return std::binary_search(docs_.begin(), docs_.end(), doc);
}

std::string DocSet::encode() const {
  std::size_t count = docs_.size();
  if (bitmap_) {
    count = 0;
    for (const std::uint64_t word : *bits_) {
      count += static_cast<std::size_t>(__builtin_popcountll(word));
    }
  }
  if (count == 0) return {};
  std::string bytes;
  if (count > kArrayDocsMax) {
    bytes.resize(1 + kBitmapBytes);
    bytes.front() = kBitmap;
    for (std::size_t i = 0; i < kBitmapWords; ++i) {
      const std::uint64_t word = big_endian((*bits_)[i]);
      std::memcpy(bytes.data() + 1 + 8 * i, &word, 8);
    }
    return bytes;
  }
  bytes.resize(1 + 2 * count);
  bytes.front() = kArray;
  char* out = bytes.data() + 1;
  each([&out](Doc doc) {
    *out++ = static_cast<char>(doc >> 8);
    *out++ = static_cast<char>(doc & 0xff);
  });
  return bytes;
}

std::string encode_change(DocChange change, Doc doc) {
  return {static_cast<char>(change), static_cast<char>(doc >> 8), static_cast<char>(doc & 0xff)};
}

std::optional<std::string> join_changes(std::string_view changes) {
  if (changes.size() < kJoinBytesMin) return std::string(changes);
  DocSet added, removed;
  ChangeReader reader(changes);
  while (reader.next()) {
    if (reader.is_set()) {
      added.subtract(reader.removed());
      added.unite(reader.added());
      removed.subtract(reader.added());
      removed.unite(reader.removed());
    } else {
      const bool adds = reader.change() == DocChange::kAdd;
      (adds ? added : removed).add(reader.doc());
      (adds ? removed : added).remove(reader.doc());
    }
  }
  if (reader.damaged()) return std::nullopt;
  const std::string in = added.encode();
  const std::string out = removed.encode();
  std::string joined(1, kSets);
  append_u32(joined, static_cast<std::uint32_t>(in.size()));
  append_u32(joined, static_cast<std::uint32_t>(out.size()));
  return joined + in + out;
}

}  // namespace strata::entries
