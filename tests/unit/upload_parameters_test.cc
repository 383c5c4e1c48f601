#include "storage/service/upload_parameters.h"

#include <gtest/gtest.h>

namespace strata::storage {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

const Limits kLimits;

TEST(UploadParameters, ReadsEveryKeyOfTheContract) {
  const std::string sha1(40, 'A');
  const auto parsed = parse_upload_parameters({{"filename", "d.qcow2"},
                                               {"visibility", "public"},
                                               {"tags", "web, db,"},
                                               {"os", "debian"},
                                               {"valid", "2027-01-31T00:00:00Z"},
                                               {"bytes", "12"},
                                               {"sha-1", sha1},
                                               {"decoded-bytes", "99"},
                                               {"decoded-sha-512", std::string(128, '0')}},
                                              kLimits);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->name, "d.qcow2");
  EXPECT_EQ(parsed->visibility, catalog::Visibility::kPublic);
  EXPECT_EQ(parsed->tags, (std::vector<std::string>{"web", "db"}));
  EXPECT_EQ(parsed->metadata.at("os"), "debian");
  EXPECT_EQ(parsed->stored.bytes, 12u);
  EXPECT_EQ(parsed->stored.sha1->hex(), std::string(40, 'a'));  // B36: case does not matter
  EXPECT_EQ(parsed->decoded.bytes, 99u);
  EXPECT_TRUE(parsed->decoded.sha512.has_value());
}

TEST(UploadParameters, RefusesWhatIsWrongAndNamesTheKey) {
  const std::vector<std::pair<Pairs, std::string>> cases = {
      {{{"colour", "red"}}, "colour"},
      {{{"os", "a"}, {"os", "b"}}, "os"},
      {{{"sha-1", std::string(39, 'a')}}, "sha-1"},
      {{{"sha-1", std::string(41, '0')}}, "sha-1"},
      {{{"sha-256", "sha256:" + std::string(64, 'a')}}, "sha-256"},
      {{{"sha-256", "../../etc/passwd"}}, "sha-256"},
      {{{"bytes", "+5"}}, "bytes"},
      {{{"bytes", "-1"}}, "bytes"},
      {{{"bytes", "18446744073709551616"}}, "bytes"},
      {{{"decoded-colour", "1"}}, "decoded-colour"},
      {{{"visibility", "Public"}}, "visibility"},
      {{{"kind", "banana"}}, "kind"},
      {{{"valid", "tomorrow"}}, "valid"},
      {{{"valid", "2027-02-30T00:00:00Z"}}, "valid"},
      {{{"title", std::string("a\0b", 3)}}, "title"},
      {{{"title", "\xff"}}, "title"},
      {{{"title", std::string(kLimits.metadata_value_bytes_max + 1, 'x')}}, "title"},
      {{{"tags", std::string(kLimits.tag_bytes_max + 1, 'x')}}, "tag"},
      {{{"filename", "a/b"}}, "name"},
      {{{"filename", ".."}}, "name"},
      {{{"filename", "a\r\nb"}}, "name"},
      {{{"filename", std::string(kLimits.name_bytes_max + 1, 'n')}}, "name"},
  };
  for (const auto& [pairs, key] : cases) {
    const auto parsed = parse_upload_parameters(pairs, kLimits);
    ASSERT_FALSE(parsed) << pairs.front().first << "=" << pairs.front().second;
    EXPECT_EQ(parsed.error().code(), Errc::kMalformed);
    EXPECT_NE(parsed.error().detail().find(key), std::string::npos) << parsed.error().detail();
  }
}

}  // namespace
}  // namespace strata::storage
