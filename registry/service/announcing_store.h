#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "registry/entries/entry_store.h"

namespace strata::registry {

// An EntryStore that says when an entry has been accepted, whoever inserted it: readers of the
// change feed wait for that.
class AnnouncingStore final : public entries::EntryStore {
 public:
  // `accepted` is called in the thread of insert(), after the entry is durable and can be read.
  AnnouncingStore(std::unique_ptr<EntryStore> store, std::function<void()> accepted)
      : store_(std::move(store)), accepted_(std::move(accepted)) {}

  [[nodiscard]] Result<entries::Insertion> insert(const metadata::VerifiedEntry& entry) override;
  [[nodiscard]] Result<entries::StoredEntry> get(const metadata::EntryKey& key) const override;
  [[nodiscard]] Result<std::string> document(const metadata::EntryKey& key) const override;
  [[nodiscard]] Result<entries::StoredEntry> latest(const Identifier& identifier,
                                                    std::string_view endorser) const override;
  [[nodiscard]] Result<entries::Page> search(const entries::Query& query) const override;
  [[nodiscard]] Result<std::vector<entries::EndorserName>> endorsers(
      std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<std::string>> tags(std::string_view endorser,
                                                      std::size_t limit) const override;
  [[nodiscard]] Result<entries::StoredEntry> tagged(std::string_view endorser,
                                                    std::string_view tag) const override;
  [[nodiscard]] Result<std::vector<entries::Change>> changes(std::uint64_t since,
                                                             std::size_t limit) const override;
  [[nodiscard]] std::uint64_t last_sequence() const override;
  [[nodiscard]] Status health() const override;

 private:
  const std::unique_ptr<EntryStore> store_;
  const std::function<void()> accepted_;
};

}  // namespace strata::registry
