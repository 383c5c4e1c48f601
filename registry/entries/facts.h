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

// What filters and sorting need of every entry, in memory: 17 bytes each. An entry's facts never
// change, so readers need no lock.
namespace strata::entries {

struct Fact {
  std::uint64_t created = 0;        // seconds
  std::uint64_t valid = kNoExpiry;  // ms
  bool deprecated = false;
  bool web = false;    // a location of http, https or ftp, or none at all
  bool pdisk = false;  // a location of pdisk:

  static constexpr std::uint64_t kNoExpiry = UINT64_MAX;
  [[nodiscard]] static Fact of(const metadata::ImageMetadata& metadata, UnixMillis created);
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static std::optional<Fact> decode(std::string_view bytes);
  [[nodiscard]] bool matches(const Query& query) const;
  bool operator==(const Fact&) const = default;
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
    std::array<std::uint64_t, kChunkDocs> created{};
    std::array<std::uint64_t, kChunkDocs> valid{};
    std::array<std::uint8_t, kChunkDocs> flags{};
    SharedSpan whole;
    std::array<SharedSpan, kChunkDocs / kBlockDocs> blocks{};
  };
  [[nodiscard]] const Chunk* find(std::uint32_t chunk) const;

  static constexpr std::size_t kChunksMax = 16'384;  // a thousand million entries
  std::unique_ptr<std::array<std::atomic<Chunk*>, kChunksMax>> chunks_;
};

class Database;
// Reads those of a store. kCorruptData, kIo.
[[nodiscard]] Status load_facts(const Database& database, Facts& facts);

}  // namespace strata::entries
