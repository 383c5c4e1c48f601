#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/upload/journal.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"

// The bytes of storage/FORMAT.md, "Upload journal". Pure functions: no file, no thread. Sizes that
// are too large for the format are programmer errors here.
namespace strata::upload {

// The first half of a SHA-256. Each group's covers the one before it, the first group's that of the
// head, and a head has a random number in it: bytes that an older file left on the disk, or a group
// behind one that is missing, can never be taken for the next group.
using Checksum = std::array<std::uint8_t, 16>;

inline constexpr std::size_t kJournalHeadBytes = 56;
inline constexpr std::size_t kRecordHeaderBytes = 24;
// What a record with a value has besides the value.
inline constexpr std::size_t kPutBytes = kRecordHeaderBytes + sizeof(Checksum);
inline constexpr std::size_t kGroupBytes = sizeof(std::uint32_t) + sizeof(Checksum);
// Of the records of one group: bounds what a reader holds in memory.
inline constexpr std::size_t kRecordBytesMax = Journal::kAppendBytesMax;

struct Head {
  std::string bytes;
  Checksum checksum{};
};
[[nodiscard]] Head encode_head(const Checksum& random);

// Appends a record to `records`.
void encode_put(const RandomId& session, Journal::Slot slot, std::string_view value,
                std::string& records);
void encode_removal(const RandomId& session, std::string& records);
// The same as encode_put for a value that is copied with its checksum from another file,
// unverified: damage stays as visible as it was.
void encode_copy(const RandomId& session, Journal::Slot slot, std::string_view value_and_checksum,
                 std::string& records);
// Appends the group of `records` to `out`; answers its checksum, which the next one needs.
[[nodiscard]] Checksum encode_group(const Checksum& before, std::string_view records,
                                    std::string& out);

// The value of a put, given what follows the header of its record; kCorruptData when it is not what
// was put for this session and slot.
[[nodiscard]] Result<std::string> decode_value(const RandomId& session, Journal::Slot slot,
                                               std::string value_and_checksum);

// Where a change is.
struct Record {
  Journal::Change::Kind kind = Journal::Change::Kind::kPut;
  RandomId session;
  Journal::Slot slot = Journal::Slot::kSession;  // kPut
  std::uint64_t offset = 0;                      // of the record, from the start of the file
  std::uint32_t value_bytes = 0;                 // kPut
};
// The records of one group, the first of which is at `offset`; kCorruptData when they are not
// records of this version. Values are not verified: the group's checksum covers them.
[[nodiscard]] Result<std::vector<Record>> decode_records(std::string_view records,
                                                         std::uint64_t offset);

// Reads at an offset until `out` is full or the bytes end, like io::File::read_at.
using ReadAt = std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> out)>;
struct Scanned {
  std::uint64_t good_bytes = 0;  // head and groups up to the first that is torn, cut or damaged
  std::uint64_t bytes = 0;       // seen; at least one more than good_bytes when anything follows
};
// Streams through a journal and hands over the records of each good group, in order. Memory: one
// group. kCorruptData for a damaged head or one of another version, and for a group that is as it
// was written but is not understood; an error of `read` as it is.
[[nodiscard]] Result<Scanned> scan_journal(
    const ReadAt& read, const std::function<void(const std::vector<Record>&)>& on_group);

}  // namespace strata::upload
