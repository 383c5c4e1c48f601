#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "registry/entries/entry_store.h"
#include "strata/http/url.h"

// The index of virt-builder (virt-builder(1), "Creating and signing the index file"; its grammar is
// guestfs-tools' builder/index-scan.l): a section for each image, a line for each field. Pure.
namespace strata::registry {

// Where virt-builder can get the bytes that the entry's SHA-512 is of, as the entry says it: raw or
// qcow2, not compressed, over http or https. nullopt: such a place is not named.
[[nodiscard]] std::optional<http::Url> place_for_virt_builder(const entries::StoredEntry& entry);

class ImageIndex {
 public:
  ImageIndex(std::size_t sections_max, std::size_t bytes_max)
      : sections_max_(sections_max), bytes_max_(bytes_max) {}

  // Appends the section of an entry that place_for_virt_builder() knows a place for, unless its
  // image has one: call it with the newest entry first. `file` is the target of the download, which
  // virt-builder takes relative to the index only; `page` is where to read on. False: it is full.
  bool add(const entries::StoredEntry& entry, const std::string& file, const std::string& page);
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  const std::size_t sections_max_;
  const std::size_t bytes_max_;
  std::set<std::string, std::less<>> identifiers_;
  std::set<std::pair<std::string, std::string>> names_;  // with their architecture
  std::string text_;
};

}  // namespace strata::registry
