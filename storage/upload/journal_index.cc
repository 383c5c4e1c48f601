#include "storage/upload/journal_index.h"

namespace strata::upload {
namespace {

std::size_t index_of(Journal::Slot slot) {
  const std::size_t i = static_cast<std::size_t>(slot) - 1;
  check(i < Journal::kSlots, "a slot that there is not");
  return i;
}

}  // namespace

JournalIndex::Packed JournalIndex::packed(Place place) {
  check(place.offset != 0 && place.offset < kFileBytesMax, "a place that no file has");
  return place.offset << kLengthBits | place.value_bytes;
}

JournalIndex::Place JournalIndex::unpacked(Packed packed) {
  return {packed >> kLengthBits, packed & ((Packed{1} << kLengthBits) - 1)};
}

void JournalIndex::forget(Packed packed) {
  if (packed != kNone) live_bytes_ -= kPutBytes + unpacked(packed).value_bytes;
}

void JournalIndex::apply(const std::vector<Record>& records) {
  for (const Record& record : records) {
    if (record.kind == Journal::Change::Kind::kPut) {
      Packed& place = sessions_[record.session][index_of(record.slot)];
      forget(place);
      place = packed({record.offset, record.value_bytes});
      live_bytes_ += kPutBytes + record.value_bytes;
    } else if (const auto found = sessions_.find(record.session); found != sessions_.end()) {
      for (const Packed place : found->second) forget(place);
      sessions_.erase(found);
    }
  }
}

std::optional<JournalIndex::Place> JournalIndex::find(const RandomId& session,
                                                      Journal::Slot slot) const {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return std::nullopt;
  const Packed place = found->second[index_of(slot)];
  if (place == kNone) return std::nullopt;
  return unpacked(place);
}

std::vector<RandomId> JournalIndex::sessions() const {
  std::vector<RandomId> ids;
  ids.reserve(sessions_.size());
  for (const auto& [session, slots] : sessions_) ids.push_back(session);
  return ids;
}

void JournalIndex::move_to(const std::vector<std::uint64_t>& offsets) {
  auto next = offsets.begin();
  for (auto& [session, slots] : sessions_) {
    for (Packed& place : slots) {
      if (place != kNone) place = packed({*next++, unpacked(place).value_bytes});
    }
  }
  check(next == offsets.end(), "a new place for each value");
}

}  // namespace strata::upload
