#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "../support/registry_samples.h"
#include "../support/temporary_directory.h"
#include "registry/entries/entry_store.h"

// What every EntryStore does. An implementation is a way to open a store in a folder; opening the
// folder again finds what was there.
namespace strata::entries {

using test::image_of;
using test::kSampleTime;
using test::sample_endorser;
using test::signed_document;
using test::verified;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr UnixMillis kSecond = 1000;

using Open = Result<std::unique_ptr<EntryStore>> (*)(const std::string&, const Limits&);

struct Implementation {
  const char* name;
  Open open;
};

class EntryStoreTest : public testing::TestWithParam<Implementation> {
 protected:
  EntryStoreTest() { reopen(); }

  void reopen(const Limits& limits = {}) {
    store_.reset();
    auto opened = GetParam().open(folder_.path() + "/entries", limits);
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }
  Result<Insertion> insert(const metadata::ImageMetadata& image, UnixMillis created = kSampleTime) {
    return store_->insert(verified(signed_document(image, endorser_, created)));
  }
  // Inserts and says what the key is.
  metadata::EntryKey put(const metadata::ImageMetadata& image, UnixMillis created = kSampleTime) {
    const auto entry = verified(signed_document(image, endorser_, created));
    const auto inserted = store_->insert(entry);
    EXPECT_TRUE(inserted) << inserted.error().message();
    return entry.key();
  }
  Page search(const Query& query) {
    auto page = store_->search(query);
    EXPECT_TRUE(page) << page.error().message();
    return page ? std::move(*page) : Page();
  }
  std::vector<std::string> titles(const Query& query) {
    std::vector<std::string> titles;
    for (const auto& entry : search(query).entries) titles.push_back(entry.metadata.title);
    return titles;
  }
  std::vector<std::string> titles_of_words(const std::string& text) {
    Query query;
    query.now = kSampleTime;
    query.text = text;
    return titles(query);
  }
  std::vector<std::string> titles_where(Field field, const std::string& value) {
    Query query;
    query.now = kSampleTime;
    query.filters = {{field, value}};
    return titles(query);
  }

  test::TemporaryDirectory folder_;
  metadata::Endorser endorser_ = sample_endorser();
  std::unique_ptr<EntryStore> store_;
};

}  // namespace strata::entries
