#include "storage/upload/journal_format.h"

#include <gtest/gtest.h>

#include "tests/support/journal_bytes.h"
#include "tests/support/journals.h"

namespace strata::upload {
namespace {

using test::journal_of;
using test::numbered_id;
using test::put_record;
using test::read_from;
using Slot = Journal::Slot;

const RandomId kId = numbered_id(1);

struct Seen {
  Result<Scanned> end;
  std::vector<std::vector<Record>> groups;
};

Seen scan(const std::string& bytes) {
  std::vector<std::vector<Record>> groups;
  auto end = scan_journal(read_from(bytes),
                          [&](const std::vector<Record>& records) { groups.push_back(records); });
  return {std::move(end), std::move(groups)};
}

std::vector<std::string> three_groups() {
  return {put_record(kId, Slot::kSession, "one"), put_record(kId, Slot::kCheckpoint, "two"),
          put_record(kId, Slot::kOutcome, "three")};
}

TEST(JournalFormat, ScansWhatWasEncoded) {
  auto groups = three_groups();
  encode_removal(numbered_id(2), groups[1]);
  const std::string bytes = journal_of(groups);
  const Seen seen = scan(bytes);
  ASSERT_TRUE(seen.end);
  EXPECT_EQ(seen.end->good_bytes, bytes.size());
  ASSERT_EQ(seen.groups.size(), 3U);
  ASSERT_EQ(seen.groups[1].size(), 2U);
  const Record& put = seen.groups[1][0];
  EXPECT_EQ(put.session, kId);
  EXPECT_EQ(put.slot, Slot::kCheckpoint);
  EXPECT_EQ(bytes.substr(put.offset + kRecordHeaderBytes, put.value_bytes), "two");
  EXPECT_EQ(seen.groups[1][1].kind, Journal::Change::Kind::kRemoveSession);
  EXPECT_EQ(seen.groups[1][1].session, numbered_id(2));
}

TEST(JournalFormat, ScansMoreThanItHoldsInMemory) {
  const std::string value(900'000, 'v');
  const std::vector<std::string> groups(20, put_record(kId, Slot::kSession, value));
  const std::string bytes = journal_of(groups);
  std::size_t largest = 0;
  std::size_t count = 0;
  const auto end = scan_journal(
      [&](std::uint64_t offset, std::span<std::byte> out) {
        largest = std::max(largest, out.size());
        return read_from(bytes)(offset, out);
      },
      [&](const std::vector<Record>&) { ++count; });
  ASSERT_TRUE(end);
  EXPECT_EQ(count, 20U);
  EXPECT_LE(largest, kRecordBytesMax + kGroupBytes);
}

TEST(JournalFormat, AMissingGroupEndsIt) {
  const auto groups = three_groups();
  const std::string one = journal_of({groups[0]});
  const std::string two = journal_of({groups[0], groups[1]});
  const std::string all = journal_of(groups);
  const Seen seen = scan(one + all.substr(two.size()));
  ASSERT_TRUE(seen.end);
  EXPECT_EQ(seen.end->good_bytes, one.size());
}

TEST(JournalFormat, GroupsOfAnOlderFileAreNone) {
  const auto groups = three_groups();
  const std::string fresh = journal_of({groups[0]}, 1);
  const Seen seen = scan(fresh + journal_of(groups, 2).substr(fresh.size()));
  ASSERT_TRUE(seen.end);
  EXPECT_EQ(seen.groups.size(), 1U);
  // Nor is a group that comes twice.
  EXPECT_EQ(scan(fresh + fresh.substr(kJournalHeadBytes)).groups.size(), 1U);
}

TEST(JournalFormat, ZerosBehindTheEndAreNoGroup) {
  const std::string bytes = journal_of(three_groups());
  const Seen seen = scan(bytes + std::string(10'000, '\0'));
  ASSERT_TRUE(seen.end);
  EXPECT_EQ(seen.end->good_bytes, bytes.size());
  EXPECT_EQ(seen.end->bytes, bytes.size() + 10'000);
}

TEST(JournalFormat, RefusesGoodGroupsThatItDoesNotUnderstand) {
  const std::string good = put_record(kId, Slot::kSession, "v");
  auto changed = [&](std::size_t at, char to) {
    std::string records = good;
    records[at] = to;
    return records;
  };
  for (const auto& records :
       {changed(0, 0), changed(0, 3), changed(1, 0), changed(1, 4), changed(2, 1), changed(3, 1),
        changed(4, 1), changed(7, 0), changed(7, 2), good + "x", good.substr(0, 10)}) {
    const Seen seen = scan(journal_of({good, records}));
    ASSERT_FALSE(seen.end);
    EXPECT_EQ(seen.end.error().code(), Errc::kCorruptData);
  }
}

TEST(JournalFormat, AReadErrorIsNoEnd) {
  const std::string record = put_record(kId, Slot::kSession, std::string(100'000, 'v'));
  const std::string bytes = journal_of(std::vector<std::string>(10, record));
  const auto end = scan_journal(
      [&](std::uint64_t offset, std::span<std::byte> out) -> Result<std::size_t> {
        if (offset > 0) return Error(Errc::kIo, "read");
        return read_from(bytes)(offset, out);
      },
      [](const std::vector<Record>&) {});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), Errc::kIo);
}

TEST(JournalFormat, AValueIsOfItsSessionAndSlot) {
  const std::string raw = put_record(kId, Slot::kSession, "value").substr(kRecordHeaderBytes);
  EXPECT_EQ(*decode_value(kId, Slot::kSession, raw), "value");
  EXPECT_FALSE(decode_value(kId, Slot::kOutcome, raw));
  EXPECT_FALSE(decode_value(numbered_id(2), Slot::kSession, raw));
  EXPECT_FALSE(decode_value(kId, Slot::kSession, raw.substr(1)));
  EXPECT_FALSE(decode_value(kId, Slot::kSession, "short"));
  std::string copy;
  encode_copy(kId, Slot::kSession, raw, copy);
  EXPECT_EQ(copy, put_record(kId, Slot::kSession, "value"));
}

}  // namespace
}  // namespace strata::upload
