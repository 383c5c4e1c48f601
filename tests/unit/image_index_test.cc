#include "registry/service/image_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "../support/registry_samples.h"
#include "strata/base/text.h"

// The index for virt-builder, read back by the rules of its scanner (guestfs-tools,
// builder/index-scan.l): whatever metadata says, it adds no section and no field.
namespace strata::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Fields = std::map<std::string, std::string>;
using Sections = std::vector<std::pair<std::string, Fields>>;

Sections read_index(const std::string& text) {
  Sections sections;
  std::string* last = nullptr;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    if (line.front() == '[') {
      EXPECT_EQ(line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-._",
                                       1),
                line.size() - 1)
          << line;
      sections.emplace_back(line.substr(1, line.size() - 2), Fields());
      last = nullptr;
    } else if (line.front() == ' ') {
      EXPECT_NE(last, nullptr) << line;
      if (last != nullptr) *last += "\n" + std::string(line.substr(1));
    } else {
      const std::size_t equals = line.find('=');
      EXPECT_NE(equals, std::string_view::npos) << line;
      EXPECT_FALSE(sections.empty()) << line;
      if (equals == std::string_view::npos || sections.empty()) return sections;
      const auto [at, is_new] =
          sections.back().second.emplace(line.substr(0, equals), line.substr(equals + 1));
      EXPECT_TRUE(is_new) << line;
      last = &at->second;
    }
  }
  return sections;
}

entries::StoredEntry entry_of(const std::string& content, const std::string& title = "A title") {
  entries::StoredEntry entry;
  entry.metadata = test::image_of(content, title);
  entry.metadata.format = "raw";
  entry.metadata.os_arch = "x86_64";
  entry.metadata.locations = {"http://storage.example/v1/images/1/decoded"};
  entry.key = {entry.metadata.identifier, "ops@images.example", test::kSampleTime};
  return entry;
}

Sections index_of(const std::vector<entries::StoredEntry>& entries) {
  ImageIndex index(100, 1 * kMiB);
  for (const auto& entry : entries) EXPECT_TRUE(index.add(entry, "images/1", "http://r.example/1"));
  return read_index(index.take());
}

std::vector<std::string> names_of(const Sections& sections) {
  std::vector<std::string> names;
  for (const auto& section : sections) names.push_back(section.first);
  return names;
}

TEST(ImageIndex, SaysWhatVirtBuilderNeeds) {
  auto entry = entry_of("content");
  entry.metadata.description = "First line\n\n[second]\nthird=line";
  const Sections sections = index_of({entry});
  ASSERT_THAT(names_of(sections), ElementsAre("a-title"));
  const Fields& fields = sections[0].second;
  EXPECT_EQ(fields.at("name"), "A title");
  EXPECT_EQ(fields.at("arch"), "x86_64");
  EXPECT_EQ(fields.at("file"), "images/1");
  EXPECT_EQ(fields.at("checksum[sha512]"), entry.metadata.sha512->hex());
  EXPECT_EQ(fields.at("format"), "raw");
  EXPECT_EQ(fields.at("size"), "7");
  EXPECT_EQ(fields.at("revision"), std::to_string(test::kSampleTime / 1000));
  EXPECT_THAT(fields.at("notes"), HasSubstr("First line\n\n[second]\nthird=line\n\nImage "));
  EXPECT_THAT(fields.at("notes"), HasSubstr("http://r.example/1"));
  EXPECT_EQ(fields.size(), 9U);
}

TEST(ImageIndex, NoTextAddsSectionsOrFields) {
  constexpr const char* kAttacks[] = {"x\n[evil]\nfile=http://evil.example/",
                                      "x\r\n[evil]\r\nfile=y",
                                      "\n\n[evil]",
                                      "]\n[evil",
                                      "\nfile=other\n",
                                      "\tchecksum=0",
                                      "-----BEGIN PGP SIGNATURE-----\nx",
                                      "\n-----BEGIN PGP SIGNED MESSAGE-----\n\n",
                                      "\xe2\x80\xa8[evil]",
                                      "../../../etc/cron.d/evil",
                                      "-rf",
                                      "#\n#"};
  for (const char* attack : kAttacks) {
    auto entry = entry_of("content", attack);
    auto& image = entry.metadata;
    for (std::string* text : {&image.description, &image.os, &image.os_version, &image.os_arch,
                              &image.publisher, &image.version, &image.creator}) {
      *text = attack;
    }
    image.tags = {attack};
    const Sections sections = index_of({entry});
    ASSERT_EQ(sections.size(), 1U) << attack;
    EXPECT_EQ(sections[0].second.size(), 9U) << attack;
    EXPECT_EQ(sections[0].second.at("file"), "images/1");
    for (const std::string& name : {sections[0].first, sections[0].second.at("arch")}) {
      EXPECT_THAT(name, Not(HasSubstr("/")));
      EXPECT_THAT(name, Not(HasSubstr("..")));
      EXPECT_NE(name.front(), '-');
    }
  }
}

TEST(ImageIndex, NamesAreUniqueAndTheNewestHasTheShortOne) {
  auto second = entry_of("2");
  const std::string with_identifier = "a-title-" + second.metadata.identifier.text();
  // A title that tries to take the name that the second one will get.
  const auto squatter = entry_of("3", with_identifier);
  auto same_image = entry_of("1", "Another title");
  same_image.key.endorser = "else@images.example";
  const auto names = names_of(index_of({squatter, entry_of("1"), second, same_image}));
  EXPECT_THAT(names, ElementsAre(ascii_lower(with_identifier), "a-title", with_identifier));

  auto other_arch = entry_of("6");
  other_arch.metadata.os_arch = "aarch64";
  EXPECT_THAT(names_of(index_of({entry_of("1"), other_arch})), ElementsAre("a-title", "a-title"));
  auto system = entry_of("4");
  system.metadata.os = "Debian GNU/Linux";
  system.metadata.os_version = "12.5";
  auto nameless = entry_of("5", "\xc3\xa9");
  nameless.metadata.os_arch = "";
  const Sections sections = index_of({system, nameless});
  EXPECT_THAT(names_of(sections), ElementsAre("debian-gnu-linux-12.5", "image"));
  EXPECT_EQ(sections[1].second.at("arch"), "unknown");
}

TEST(ImageIndex, IsBounded) {
  ImageIndex few(2, 1 * kMiB);
  EXPECT_TRUE(few.add(entry_of("1"), "f", "p"));
  EXPECT_TRUE(few.add(entry_of("2"), "f", "p"));
  EXPECT_FALSE(few.add(entry_of("3"), "f", "p"));
  EXPECT_EQ(read_index(few.take()).size(), 2U);
  ImageIndex small(100, 1000);
  std::size_t taken = 0;
  while (small.add(entry_of(std::to_string(taken)), "f", "p")) ++taken;
  EXPECT_GE(taken, 1U);
  const std::string text = small.take();
  EXPECT_LE(text.size(), 1000U);
  EXPECT_EQ(read_index(text).size(), taken);
  auto long_title = entry_of("1");
  long_title.metadata.title.assign(199, 'a');
  long_title.metadata.title += "\xc3\xa9 and more";
  EXPECT_EQ(index_of({long_title})[0].second.at("name"), std::string(199, 'a'));
}

TEST(ImageIndex, TakesOnlyWhatVirtBuilderCanCheckAndUse) {
  EXPECT_EQ(place_for_virt_builder(entry_of("1"))->text(),
            "http://storage.example/v1/images/1/decoded");
  const auto refuses = [](const char* what, const auto& change) {
    auto entry = entry_of("1");
    change(entry.metadata);
    EXPECT_FALSE(place_for_virt_builder(entry)) << what;
  };
  refuses("format", [](auto& image) { image.format = "iso"; });
  refuses("unknown format", [](auto& image) { image.format = ""; });
  refuses("compressed", [](auto& image) { image.compression = "gz"; });
  refuses("no digest", [](auto& image) { image.sha512.reset(); });
  refuses("nowhere", [](auto& image) { image.locations.clear(); });
  refuses("not on the web", [](auto& image) {
    image.locations = {"pdisk:x", "file:///etc/passwd"};
  });
  refuses("an answer split in two", [](auto& image) {
    image.locations = {"http://a.example/\r\nSet-Cookie: x=y", "http://a.example/\n"};
  });
  auto later = entry_of("1");
  later.metadata.format = "QCOW2";
  later.metadata.locations.insert(later.metadata.locations.begin(), "javascript:alert(1)");
  EXPECT_TRUE(place_for_virt_builder(later));
}

}  // namespace
}  // namespace strata::registry
