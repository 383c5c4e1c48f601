#include "registry/entries/facts.h"

#include <algorithm>

#include "registry/entries/bytes.h"
#include "registry/entries/database.h"
#include "registry/entries/term_index.h"
#include "strata/base/text.h"

namespace strata::entries {
namespace {

bool has_scheme(std::string_view location, std::string_view scheme) {
  return location.size() > scheme.size() && location[scheme.size()] == ':' &&
         iequals(location.substr(0, scheme.size()), scheme);
}

Fact make_fact(std::uint64_t created, std::uint64_t valid, std::uint8_t flags) {
  return {.created = created,
          .valid = valid,
          .deprecated = (flags & Fact::kDeprecatedBit) != 0,
          .web = (flags & Fact::kWebBit) != 0,
          .pdisk = (flags & Fact::kPdiskBit) != 0};
}

}  // namespace

Fact Fact::of(const metadata::ImageMetadata& metadata, UnixMillis created) {
  Fact fact;
  fact.created = static_cast<std::uint64_t>(created / 1000);
  if (metadata.valid) fact.valid = static_cast<std::uint64_t>(*metadata.valid);
  fact.deprecated = metadata.deprecated.has_value();
  fact.web = metadata.locations.empty();
  for (const std::string& location : metadata.locations) {
    fact.web |= has_scheme(location, "http") || has_scheme(location, "https") ||
                has_scheme(location, "ftp");
    fact.pdisk |= has_scheme(location, "pdisk");
  }
  return fact;
}

std::string Fact::encode() const {
  std::string bytes;
  append_u64(bytes, created);
  append_u64(bytes, valid);
  bytes += static_cast<char>(flags());
  return bytes;
}

std::optional<Fact> Fact::decode(std::string_view bytes) {
  const auto created = take_u64(bytes);
  const auto valid = take_u64(bytes);
  if (!created || !valid || bytes.size() != 1) return std::nullopt;
  return make_fact(*created, *valid, static_cast<std::uint8_t>(bytes.front()));
}

Facts::Facts() : chunks_(std::make_unique<std::array<std::atomic<Chunk*>, kChunksMax>>()) {}

Facts::~Facts() {
  for (auto& chunk : *chunks_) delete chunk.load();
}

Status Facts::put(std::uint64_t sequence, const Fact& fact) {
  const std::size_t index = sequence / kChunkDocs;
  if (index >= kChunksMax) return Error(Errc::kTooLarge, "the entry store is full");
  Chunk* chunk = (*chunks_)[index].load(std::memory_order_acquire);
  if (chunk == nullptr) {
    chunk = new Chunk;  // owned by chunks_
    (*chunks_)[index].store(chunk, std::memory_order_release);
  }
  const std::size_t doc = sequence % kChunkDocs;
  chunk->facts[doc] = PackedFact(fact);
  chunk->whole.take(fact.created);
  chunk->blocks[doc / kBlockDocs].take(fact.created);
  return {};
}

void Facts::SharedSpan::take(std::uint64_t created) {
  oldest = std::min(oldest.load(), created);
  newest = std::max(newest.load(), created);
}

const Facts::Chunk* Facts::find(std::uint32_t chunk) const {
  return chunk < kChunksMax ? (*chunks_)[chunk].load(std::memory_order_acquire) : nullptr;
}

Facts::Span Facts::span(std::uint32_t chunk) const {
  const Chunk* found = find(chunk);
  return found == nullptr ? Span() : found->whole.read();
}

Facts::Span Facts::span(std::uint32_t chunk, std::size_t block) const {
  const Chunk* found = find(chunk);
  return found == nullptr ? Span() : found->blocks[block].read();
}

Status load_facts(const Database& database, Facts& facts) {
  const auto iterator = database.iterate(Family::kFacts);
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    std::string_view key = iterator->key().ToStringView();
    const auto sequence = take_u64(key);
    const auto fact = Fact::decode(iterator->value().ToStringView());
    if (!sequence || !fact) {
      return Error(Errc::kCorruptData,
                   "the entry store is damaged: strata-registry --rebuild makes it anew");
    }
    if (Status status = facts.put(*sequence, *fact); !status) return status;
  }
  if (!iterator->status().ok()) return rocksdb_error(iterator->status(), "read the entries");
  return {};
}

}  // namespace strata::entries
