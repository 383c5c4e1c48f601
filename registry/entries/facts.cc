#include "registry/entries/facts.h"

#include <algorithm>

#include "registry/entries/bytes.h"
#include "registry/entries/database.h"
#include "registry/entries/term_index.h"
#include "strata/base/text.h"

namespace strata::entries {
namespace {

constexpr std::uint8_t kDeprecatedBit = 1;
constexpr std::uint8_t kWebBit = 2;
constexpr std::uint8_t kPdiskBit = 4;

bool has_scheme(std::string_view location, std::string_view scheme) {
  return location.size() > scheme.size() && location[scheme.size()] == ':' &&
         iequals(location.substr(0, scheme.size()), scheme);
}

std::uint8_t flags_of(const Fact& fact) {
  return static_cast<std::uint8_t>((fact.deprecated ? kDeprecatedBit : 0) |
                                   (fact.web ? kWebBit : 0) | (fact.pdisk ? kPdiskBit : 0));
}

Fact make_fact(std::uint64_t created, std::uint64_t valid, std::uint8_t flags) {
  return {.created = created,
          .valid = valid,
          .deprecated = (flags & kDeprecatedBit) != 0,
          .web = (flags & kWebBit) != 0,
          .pdisk = (flags & kPdiskBit) != 0};
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
  bytes += static_cast<char>(flags_of(*this));
  return bytes;
}

std::optional<Fact> Fact::decode(std::string_view bytes) {
  const auto created = take_u64(bytes);
  const auto valid = take_u64(bytes);
  if (!created || !valid || bytes.size() != 1) return std::nullopt;
  return make_fact(*created, *valid, static_cast<std::uint8_t>(bytes.front()));
}

bool Fact::matches(const Query& query) const {
  const bool expired = !deprecated && valid <= static_cast<std::uint64_t>(query.now);
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
  if (query.created_since && static_cast<UnixMillis>(created) * 1000 < *query.created_since) {
    return false;
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
  chunk->created[doc] = fact.created;
  chunk->valid[doc] = fact.valid;
  chunk->flags[doc] = flags_of(fact);
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

Fact Facts::at(std::uint64_t sequence) const {
  const std::size_t index = sequence / kChunkDocs;
  const Chunk* chunk = index < kChunksMax ? find(static_cast<std::uint32_t>(index)) : nullptr;
  if (chunk == nullptr) return {};  // a damaged index
  const std::size_t doc = sequence % kChunkDocs;
  return make_fact(chunk->created[doc], chunk->valid[doc], chunk->flags[doc]);
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
