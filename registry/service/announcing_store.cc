#include "registry/service/announcing_store.h"

namespace strata::registry {

using entries::Insertion;
using entries::StoredEntry;
using metadata::EntryKey;

Result<Insertion> AnnouncingStore::insert(const metadata::VerifiedEntry& entry) {
  auto insertion = store_->insert(entry);
  if (insertion && *insertion == Insertion::kInserted) accepted_();
  return insertion;
}

Result<StoredEntry> AnnouncingStore::get(const EntryKey& key) const {
  return store_->get(key);
}

Result<std::string> AnnouncingStore::document(const EntryKey& key) const {
  return store_->document(key);
}

Result<StoredEntry> AnnouncingStore::latest(const Identifier& identifier,
                                            std::string_view endorser) const {
  return store_->latest(identifier, endorser);
}

Result<entries::Page> AnnouncingStore::search(const entries::Query& query) const {
  return store_->search(query);
}

Result<std::vector<entries::EndorserName>> AnnouncingStore::endorsers(std::size_t limit) const {
  return store_->endorsers(limit);
}

Result<std::vector<std::string>> AnnouncingStore::tags(std::string_view endorser,
                                                       std::size_t limit) const {
  return store_->tags(endorser, limit);
}

Result<StoredEntry> AnnouncingStore::tagged(std::string_view endorser, std::string_view tag) const {
  return store_->tagged(endorser, tag);
}

Result<std::vector<entries::Change>> AnnouncingStore::changes(std::uint64_t since,
                                                              std::size_t limit) const {
  return store_->changes(since, limit);
}

std::uint64_t AnnouncingStore::last_sequence() const {
  return store_->last_sequence();
}

Status AnnouncingStore::health() const {
  return store_->health();
}

}  // namespace strata::registry
