#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Sets of documents within one chunk of 65 536 sequence numbers, after Chambi, Lemire et al.,
// "Better bitmap performance with Roaring bitmaps" (2016): a sorted array while that is shorter, a
// bitmap otherwise. Pure.
namespace strata::entries {

inline constexpr std::size_t kChunkDocs = 65'536;
inline constexpr std::size_t kBlockDocs = 1024;  // what a walk over a set can skip
inline constexpr std::size_t kBitmapWords = kChunkDocs / 64;
inline constexpr std::size_t kArrayDocsMax = 4096;  // from here on a bitmap is shorter

using Doc = std::uint16_t;  // sequence number modulo kChunkDocs

// A set as it stands on the disk; the bytes must outlive it.
//   empty | 'a' and big-endian numbers of two bytes, ascending | 'b' and 8 192 bytes of bits
class EncodedDocs {
 public:
  // nullopt: damaged.
  [[nodiscard]] static std::optional<EncodedDocs> from(std::string_view bytes);
  [[nodiscard]] std::size_t size_hint() const;  // documents of an array; many of a bitmap
  [[nodiscard]] bool is_bitmap() const { return bitmap_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  friend class DocSet;
  EncodedDocs(std::string_view bytes, bool bitmap) : bytes_(bytes), bitmap_(bitmap) {}
  std::string_view bytes_;  // without the kind
  bool bitmap_;
};

// A set to work with. After clear() it keeps its memory.
class DocSet {
 public:
  void clear();
  void add(Doc doc);
  void remove(Doc doc);
  void assign(const EncodedDocs& other);
  void unite(const EncodedDocs& other);
  void intersect(const EncodedDocs& other);
  void intersect(const DocSet& other);
  [[nodiscard]] bool empty() const;
  [[nodiscard]] bool contains(Doc doc) const;
  [[nodiscard]] std::string encode() const;

  // Calls visit(doc) in ascending order, except for documents of blocks for which skip(block) says
  // true; it is asked when the first document of a block is due.
  template <typename Visit, typename Skip>
  void each(const Visit& visit, const Skip& skip) const {
    if (!bitmap_) {
      for (auto at = docs_.begin(); at != docs_.end();) {
        const std::size_t block = *at / kBlockDocs;
        const bool skipped = skip(block);
        for (; at != docs_.end() && *at / kBlockDocs == block; ++at) {
          if (!skipped) visit(*at);
        }
      }
      return;
    }
    for (std::size_t block = 0; block < kChunkDocs / kBlockDocs; ++block) {
      if (skip(block)) continue;
      const std::size_t end = (block + 1) * kBlockDocs / 64;
      for (std::size_t word = block * kBlockDocs / 64; word < end; ++word) {
        for (std::uint64_t bits = (*bits_)[word]; bits != 0; bits &= bits - 1) {
          visit(static_cast<Doc>(word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits))));
        }
      }
    }
  }
  template <typename Visit>
  void each(const Visit& visit) const {
    each(visit, [](std::size_t) { return false; });
  }

 private:
  using Bits = std::array<std::uint64_t, kBitmapWords>;
  void to_bitmap();

  bool bitmap_ = false;
  std::vector<Doc> docs_;     // ascending; when not bitmap_
  std::optional<Bits> bits_;  // when bitmap_
};

}  // namespace strata::entries
