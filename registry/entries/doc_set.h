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

// Changes of a set as they stand on the disk, one after the other:
//   '+' or '-' and the document (2 bytes)
//   's', how many bytes they are (2 times 4 bytes), and two sets: what comes in and what goes out
enum class DocChange : char { kAdd = '+', kRemove = '-' };
[[nodiscard]] std::string encode_change(DocChange change, Doc doc);
// The same changes in fewer bytes, when there are so many that sets are shorter. nullopt: damaged.
[[nodiscard]] std::optional<std::string> join_changes(std::string_view changes);

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
  // One after the other; false: damaged.
  [[nodiscard]] bool apply(std::string_view changes);
  void add(Doc doc);
  void remove(Doc doc);
  void assign(const EncodedDocs& other);
  void unite(const EncodedDocs& other);
  void subtract(const EncodedDocs& other);
  void intersect(const EncodedDocs& other);
  void intersect(const DocSet& other);
  [[nodiscard]] bool empty() const;
  [[nodiscard]] bool contains(Doc doc) const;
  [[nodiscard]] std::string encode() const;

  // Calls visit(doc) in ascending or descending order, except for documents of blocks for which
  // skip(block) says true; it is asked before the first document of a block is visited.
  template <typename Visit, typename Skip>
  void each(bool ascending, const Visit& visit, const Skip& skip) const {
    if (bitmap_) {
      each_bit(ascending, visit, skip);
    } else if (ascending) {
      each_in(docs_.begin(), docs_.end(), visit, skip);
    } else {
      each_in(docs_.rbegin(), docs_.rend(), visit, skip);
    }
  }
  template <typename Visit>
  void each(const Visit& visit) const {
    each(true, visit, [](std::size_t) { return false; });
  }

 private:
  using Bits = std::array<std::uint64_t, kBitmapWords>;
  static constexpr std::size_t kBlockWords = kBlockDocs / 64;
  void to_bitmap();

  template <typename Iterator, typename Visit, typename Skip>
  static void each_in(Iterator at, Iterator end, const Visit& visit, const Skip& skip) {
    while (at != end) {
      const std::size_t block = *at / kBlockDocs;
      const bool skipped = skip(block);
      for (; at != end && *at / kBlockDocs == block; ++at) {
        if (!skipped) visit(*at);
      }
    }
  }

  template <typename Visit, typename Skip>
  void each_bit(bool ascending, const Visit& visit, const Skip& skip) const {
    constexpr std::size_t kBlocks = kBitmapWords / kBlockWords;
    for (std::size_t i = 0; i < kBlocks; ++i) {
      const std::size_t block = ascending ? i : kBlocks - 1 - i;
      if (skip(block)) continue;
      for (std::size_t k = 0; k < kBlockWords; ++k) {
        const std::size_t word = block * kBlockWords + (ascending ? k : kBlockWords - 1 - k);
        std::uint64_t bits = (*bits_)[word];
        while (bits != 0) {
          const auto bit = static_cast<std::size_t>(ascending ? __builtin_ctzll(bits)
                                                              : 63 - __builtin_clzll(bits));
          visit(static_cast<Doc>(word * 64 + bit));
          bits &= ~(std::uint64_t{1} << bit);
        }
      }
    }
  }

  bool bitmap_ = false;
  std::vector<Doc> docs_;     // ascending; when not bitmap_
  std::optional<Bits> bits_;  // when bitmap_
};

}  // namespace strata::entries
