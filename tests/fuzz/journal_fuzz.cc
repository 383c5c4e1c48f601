#include <string>

#include "storage/upload/journal_index.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/journal_bytes.h"

// Any bytes as an upload journal: as they are, and as the records of groups with checksums that
// fit. Refused as corrupt, or a prefix whose records are where they say they are.
namespace strata::upload {
namespace {

void scan(const std::string& bytes) {
  JournalIndex index;
  std::uint64_t end = kJournalHeadBytes;
  std::uint64_t live_bytes_max = 0;
  const auto scanned =
      scan_journal(test::read_from(bytes), [&](const std::vector<Record>& records) {
        check(!records.empty(), "a group of no records");
        end += sizeof(std::uint32_t);
        for (const Record& record : records) {
          check(record.offset == end, "a record that is somewhere else");
          const bool puts = record.kind == Journal::Change::Kind::kPut;
          end += puts ? kPutBytes + record.value_bytes : kRecordHeaderBytes;
          live_bytes_max += puts ? kPutBytes + record.value_bytes : 0;
        }
        end += sizeof(Checksum);
        check(end <= bytes.size(), "a group that is longer than the file");
        index.apply(records);
      });
  if (!scanned) {
    check(scanned.error().code() == Errc::kCorruptData, "refused as something else");
    return;
  }
  check(scanned->good_bytes == end, "good bytes that are in no group");
  check(scanned->bytes >= end && scanned->bytes <= bytes.size(), "bytes that there are not");
  check(index.live_bytes() <= live_bytes_max, "more is live than was put");
  const auto status = index.for_each(
      [&](const RandomId& session, Journal::Slot slot, JournalIndex::Place place) -> Status {
        const std::uint64_t first = place.offset + kRecordHeaderBytes;
        check(first + place.value_bytes + sizeof(Checksum) <= end, "a value outside the file");
        // Groups are sealed here, values are not: a value is right or refused.
        const auto value =
            decode_value(session, slot, bytes.substr(first, place.value_bytes + sizeof(Checksum)));
        check(!value || *value == bytes.substr(first, place.value_bytes), "another value");
        return {};
      });
  check(status.has_value(), "nothing here fails");
}

// Groups from the input: a byte for the length of the records, in units of 8, and the records.
std::string sealed(std::string_view input) {
  std::vector<std::string> groups;
  while (input.size() > 1) {
    const std::size_t length = 8 * static_cast<std::uint8_t>(input[0]);
    groups.emplace_back(input.substr(1, length));
    if (groups.back().empty()) groups.pop_back();
    input.remove_prefix(std::min(input.size(), 1 + length));
  }
  return test::journal_of(groups);
}

}  // namespace
}  // namespace strata::upload

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata;  // NOLINT: the entry point must be global
  const std::string input(reinterpret_cast<const char*>(data), size);
  upload::scan(input);
  upload::scan(test::journal_of({}) + input);
  upload::scan(upload::sealed(input));
  return 0;
}
