#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "storage/upload/journal_format.h"

namespace strata::upload {

// Where the last value of each slot is in the file: a node of 72 bytes for a session (16 for the
// id, 8 for each slot, 32 for the tree), 80 from the allocator. One thread at a time.
class JournalIndex {
 public:
  // Files are shorter than this, so that a place fits into 8 bytes.
  static constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 43;

  struct Place {
    std::uint64_t offset = 0;       // of the record
    std::uint64_t value_bytes = 0;  // of its value
  };

  void apply(const std::vector<Record>& records);
  [[nodiscard]] std::optional<Place> find(const RandomId& session, Journal::Slot slot) const;
  [[nodiscard]] std::vector<RandomId> sessions() const;
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }  // of all records found

  // Every value there is, in an order that only changes of sessions and slots change. f: Status
  // (const RandomId&, Journal::Slot, Place); the first error ends it.
  template <typename F>
  [[nodiscard]] Status for_each(F f) const {
    for (const auto& [session, slots] : sessions_) {
      for (std::size_t i = 0; i < slots.size(); ++i) {
        if (slots[i] == kNone) continue;
        if (auto status = f(session, slot_of(i), unpacked(slots[i])); !status) return status;
      }
    }
    return {};
  }
  // The same values at new places: their records' offsets, in the order of for_each.
  void move_to(const std::vector<std::uint64_t>& offsets);

 private:
  using Packed = std::uint64_t;  // the offset, and the length of the value in the low 21 bits
  static constexpr Packed kNone = 0;
  static constexpr unsigned kLengthBits = 21;
  static_assert(Journal::kValueBytesMax < std::size_t{1} << kLengthBits);

  [[nodiscard]] static Packed packed(Place place);
  [[nodiscard]] static Place unpacked(Packed packed);
  [[nodiscard]] static Journal::Slot slot_of(std::size_t i) {
    return static_cast<Journal::Slot>(i + 1);
  }
  void forget(Packed packed);

  std::map<RandomId, std::array<Packed, Journal::kSlots>> sessions_;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace strata::upload
