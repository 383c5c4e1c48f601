#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "registry/entries/doc_set.h"
#include "registry/entries/entry_store.h"

// What filters and sorting need of every entry, in memory: 16 bytes each. An entry's facts never
// change, so readers need no lock.
namespace strata::entries {

struct Fact {
  std::uint64_t created = 0;        // seconds
  std::uint64_t valid = kNoExpiry;  // ms
  bool deprecated = false;
  bool web = false;    // a location of http, https or ftp, or none at all
  bool pdisk = false;  // a location of pdisk:

  static constexpr std::uint64_t kNoExpiry = UINT64_MAX;
  static constexpr std::uint8_t kDeprecatedBit = 1, kWebBit = 2, kPdiskBit = 4;
  [[nodiscard]] std::uint8_t flags() const {
    return static_cast<std::uint8_t>((deprecated ? kDeprecatedBit : 0) | (web ? kWebBit : 0) |
                                     (pdisk ? kPdiskBit : 0));
  }
  [[nodiscard]] static Fact of(const metadata::ImageMetadata& metadata, UnixMillis created);
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static std::optional<Fact> decode(std::string_view bytes);
  [[nodiscard]] bool matches(const Query& query) const {
    return has_status(query) && (!query.created_since || is_since(*query.created_since)) &&
           (query.location == Query::Location::kAll ||
            (query.location == Query::Location::kWeb ? web : pdisk));
  }
  bool operator==(const Fact&) const = default;

 private:
  [[nodiscard]] bool has_status(const Query& query) const {
    const bool expired = !deprecated && valid <= static_cast<std::uint64_t>(query.now);
    switch (query.status) {
      case Query::Status::kValid:
        return !deprecated && !expired;
      case Query::Status::kExpired:
        return expired;
      case Query::Status::kDeprecated:
        return deprecated;
      case Query::Status::kAll:
        return true;
    }
    return true;
  }
  [[nodiscard]] bool is_since(UnixMillis since) const {
    return static_cast<UnixMillis>(created) * 1000 >= since;
  }
};

// In 16 bytes, so that one cache line tells all of it: a search jumps from hit to hit.
class PackedFact {
 public:
  PackedFact() = default;
  explicit PackedFact(const Fact& fact)
      : created_and_flags_(fact.created << kFlagBits | fact.flags()), valid_(fact.valid) {}
  [[nodiscard]] Fact unpack() const {
    return {.created = created_and_flags_ >> kFlagBits,
            .valid = valid_,
            .deprecated = (created_and_flags_ & Fact::kDeprecatedBit) != 0,
            .web = (created_and_flags_ & Fact::kWebBit) != 0,
            .pdisk = (created_and_flags_ & Fact::kPdiskBit) != 0};
  }

 private:
  static constexpr int kFlagBits = 8;
  std::uint64_t created_and_flags_ = 0;
  std::uint64_t valid_ = 0;
};

// Facts by sequence number. One writer; any number of readers, who ask only for sequence numbers
// that they found in the index (whose write came after put()).
class Facts {
 public:
  Facts();
  ~Facts();
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;

  // kTooLarge above kSequencesMax.
  [[nodiscard]] Status put(std::uint64_t sequence, const Fact& fact);
  [[nodiscard]] Fact at(std::uint64_t sequence) const;
  // Those of one chunk, for whoever asks for many.
  class View;
  [[nodiscard]] View view(std::uint32_t chunk) const;
  // Bounds of `created` in a chunk, or in a block of one, in seconds; they may be wider than what a
  // snapshot holds.
  struct Span {
    std::uint64_t oldest = UINT64_MAX, newest = 0;
  };
  [[nodiscard]] Span span(std::uint32_t chunk) const;
  [[nodiscard]] Span span(std::uint32_t chunk, std::size_t block) const;

 private:
  struct SharedSpan {
    std::atomic<std::uint64_t> oldest{UINT64_MAX};
    std::atomic<std::uint64_t> newest{0};
    void take(std::uint64_t created);
    [[nodiscard]] Span read() const { return {oldest.load(), newest.load()}; }
  };
  struct Chunk {
    std::array<PackedFact, kChunkDocs> facts{};
    SharedSpan whole;
    std::array<SharedSpan, kChunkDocs / kBlockDocs> blocks{};
  };
  [[nodiscard]] const Chunk* find(std::uint32_t chunk) const;

  static constexpr std::size_t kChunksMax = 16'384;  // a thousand million entries
  std::unique_ptr<std::array<std::atomic<Chunk*>, kChunksMax>> chunks_;
};

class Facts::View {
 public:
  [[nodiscard]] Fact at(std::size_t doc) const {
    if (chunk_ == nullptr) return {};  // a damaged index
    return chunk_->facts[doc].unpack();
  }

  void prefetch(std::size_t doc) const {
    if (chunk_ != nullptr) __builtin_prefetch(&chunk_->facts[doc]);
  }

 private:
  friend class Facts;
  explicit View(const Chunk* chunk) : chunk_(chunk) {}
  const Chunk* chunk_;
};

inline Facts::View Facts::view(std::uint32_t chunk) const {
  return View(find(chunk));
}

inline Fact Facts::at(std::uint64_t sequence) const {
  const std::uint64_t chunk = sequence / kChunkDocs;
  return View(chunk < kChunksMax ? find(static_cast<std::uint32_t>(chunk)) : nullptr)
      .at(sequence % kChunkDocs);
}

class Database;
// Reads those of a store. kCorruptData, kIo.
[[nodiscard]] Status load_facts(const Database& database, Facts& facts);

}  // namespace strata::entries
