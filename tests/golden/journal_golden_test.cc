#include <gtest/gtest.h>

#include <string>

#include "storage/upload/journal.h"
#include "storage/upload/journal_format.h"
#include "strata/base/text.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/journals.h"
#include "tests/support/tool.h"

// The golden bytes of storage/FORMAT.md, "Upload journal". They come from a few lines of Python
// with hashlib.
namespace strata::upload {
namespace {

using Slot = Journal::Slot;

const std::string kHead =
    "7374726174612d75706c6f61642d6a6f75726e616c20310a0001020304050607"
    "08090a0b0c0d0e0f7eb31e512c0e26286296b06e43a4be17";
const std::string kGroups[] = {
    "000000630101000000000007000102030405060708090a0b0c0d0e0f73657373"
    "696f6e37875f4d40ee452d32e9915766107555010200000000000c0001020304"
    "05060708090a0b0c0d0e0f636865636b706f696e7420317aebc44f41983d3ce6"
    "134015c9291f36ee186f283b7106588ab7ca4b27ab35a6",
    "000000280101000000000000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff9818da49"
    "510da0428b2f5f4762922e9823dc65a055457767e01ccd3d436f3afc",
    "0000004c0200000000000000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff01020000"
    "0000000c000102030405060708090a0b0c0d0e0f636865636b706f696e742032"
    "d4356ee74a79dda37ef92ca97fa915def6b5f00019f7d7289e18d7ac131e8ad4"};

const RandomId kFirst = *RandomId::parse("000102030405060708090a0b0c0d0e0f");
const RandomId kSecond = *RandomId::parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");

std::string bytes_of_hex(const std::string& hex) {
  std::string bytes(hex.size() / 2, '\0');
  EXPECT_TRUE(from_hex(hex, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}));
  return bytes;
}

TEST(JournalGolden, IsProduced) {
  Checksum random{};
  for (std::size_t i = 0; i < random.size(); ++i) random[i] = static_cast<std::uint8_t>(i);
  const Head head = encode_head(random);
  EXPECT_EQ(head.bytes, bytes_of_hex(kHead));
  std::string records[3];
  encode_put(kFirst, Slot::kSession, "session", records[0]);
  encode_put(kFirst, Slot::kCheckpoint, "checkpoint 1", records[0]);
  encode_put(kSecond, Slot::kSession, "", records[1]);
  encode_removal(kSecond, records[2]);
  encode_put(kFirst, Slot::kCheckpoint, "checkpoint 2", records[2]);
  Checksum last = head.checksum;
  for (std::size_t i = 0; i < 3; ++i) {
    std::string group;
    last = encode_group(last, records[i], group);
    EXPECT_EQ(group, bytes_of_hex(kGroups[i]));
  }
}

TEST(JournalGolden, IsRead) {
  test::JournalModel expected;
  std::string bytes = bytes_of_hex(kHead);
  for (std::size_t groups = 0; groups <= 3; ++groups) {
    if (groups > 0) bytes += bytes_of_hex(kGroups[groups - 1]);
    if (groups == 1) expected[kFirst] = {{Slot::kSession, "session"}};
    if (groups >= 1) expected[kFirst][Slot::kCheckpoint] = "checkpoint 1";
    if (groups == 2) expected[kSecond][Slot::kSession] = "";
    if (groups == 3) {
      expected.erase(kSecond);
      expected[kFirst][Slot::kCheckpoint] = "checkpoint 2";
    }
    test::FaultPlan plan;
    test::FaultyFileSystem fs(plan);
    ASSERT_TRUE(fs.make_directories("/data"));
    ASSERT_TRUE(io::write_new_file(fs, "/data/journal", bytes));
    const auto journal = Journal::open(fs, {.directory = "/data"});
    ASSERT_TRUE(journal) << journal.error().message();
    EXPECT_EQ(test::contents(**journal), expected);
  }
}

// As FORMAT.md says that it can be checked by hand.
TEST(JournalGolden, HasTheChecksumOfSha256sum) {
  const std::string sum = test::run_tool("head -c 40 | sha256sum", bytes_of_hex(kHead));
  EXPECT_EQ(sum.substr(0, 32), kHead.substr(kHead.size() - 32));
}

// Document and test cannot drift apart.
TEST(JournalGolden, IsWhatTheFormatDocumentShows) {
  std::string shown = test::read_file(STRATA_SOURCE "/storage/FORMAT.md");
  std::erase_if(shown, [](char c) { return c == '\n' || c == ' '; });
  EXPECT_NE(shown.find(kHead), std::string::npos);
  for (const auto& group : kGroups) EXPECT_NE(shown.find(group), std::string::npos) << group;
}

}  // namespace
}  // namespace strata::upload
