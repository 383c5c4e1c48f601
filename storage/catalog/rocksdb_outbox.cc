// The part of the RocksDB catalogue that is the outbox of registrations.
#include "storage/catalog/records.h"
#include "storage/catalog/rocksdb_catalog.h"

namespace strata::catalog {

// Writes `registration` and keeps the outbox, which is an index over those that wait.
void RocksdbCatalog::store(const std::optional<Registration>& old, const Registration& registration,
                           Change& change) {
  if (old && is_waiting(*old)) {
    change.batch.remove(Family::kOutbox, outbox_key(*old));
    --change.outbox;
  }
  if (is_waiting(registration)) {
    change.batch.put(Family::kOutbox, outbox_key(registration), "");
    ++change.outbox;
  }
  change.batch.put(Family::kRegistrations, registration.content.hex(), to_json(registration));
}

Status RocksdbCatalog::raise(const Sha256Digest& content, Change& change) {
  STRATA_TRY(const auto old, registration(content));
  Registration next = old.value_or(Registration{});
  next.content = content;
  ++next.wanted;
  if (next.state != Registration::State::kPending) {
    // A change may be what a refused one lacked. One that waits keeps its back-off.
    next.state = Registration::State::kPending;
    next.attempts = 0;
    next.next_attempt = 0;
  }
  store(old, next, change);
  return {};
}

Result<std::optional<Registration>> RocksdbCatalog::registration(const Sha256Digest& content) {
  STRATA_TRY(const auto json, db_->get(Family::kRegistrations, content.hex()));
  if (!json) return std::optional<Registration>();
  STRATA_TRY(auto found, registration_from_json(*json));
  return std::optional(std::move(found));
}

Result<std::vector<Registration>> RocksdbCatalog::due_registrations(UnixMillis now,
                                                                    std::size_t limit) {
  std::vector<Registration> due;
  Cursor cursor = db_->scan(Family::kOutbox, "");
  for (; cursor.valid() && due.size() < limit; cursor.next()) {
    if (outbox_time(cursor.rest()) > now) break;
    STRATA_TRY(const auto content, Sha256Digest::from_hex(outbox_content(cursor.rest())));
    STRATA_TRY(auto found, registration(content));
    // It may have changed since the scan began.
    if (found && is_waiting(*found) && found->next_attempt <= now) {
      due.push_back(std::move(*found));
    }
  }
  if (auto status = cursor.status(); !status) return status.error();
  return due;
}

Status RocksdbCatalog::update_registration(const Registration& progress) {
  const std::lock_guard lock(mutex_);
  STRATA_TRY(const auto old, registration(progress.content));
  Registration next = progress;
  if (old && old->wanted > progress.wanted) {
    // Raised while the worker was at it: what it reports is true of what it knew, and the change
    // that it did not know is still to be done, at once if it is through with the other.
    next.wanted = old->wanted;
    if (next.state != Registration::State::kPending) {
      next.state = Registration::State::kPending;
      next.attempts = 0;
      next.next_attempt = 0;
    }
  }
  Change change;
  store(old, next, change);
  return write(change);
}

Status RocksdbCatalog::retry_registration(const Sha256Digest& content) {
  const std::lock_guard lock(mutex_);
  STRATA_TRY(const auto old, registration(content));
  Registration next = old.value_or(Registration{});
  next.content = content;
  if (!old) next.wanted = 1;
  if (next.done >= next.wanted) return {};  // the registry has it already
  next.state = Registration::State::kPending;
  next.attempts = 0;
  next.next_attempt = 0;
  Change change;
  store(old, next, change);
  return write(change);
}

}  // namespace strata::catalog
