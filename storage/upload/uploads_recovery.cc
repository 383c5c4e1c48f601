// What an Uploads finds at its start.
#include <algorithm>

#include "storage/upload/uploads.h"
#include "strata/base/log.h"

namespace strata::upload {

using Slot = Journal::Slot;

namespace {

Result<SessionRecord> read_record(const Journal& journal, const RandomId& token) {
  STRATA_TRY(const std::string text, journal.read(token, Slot::kSession));
  return session_from_json(text);
}

}  // namespace

Result<std::set<BlobId>> Uploads::kept_blobs(const Journal& journal) {
  std::set<BlobId> blobs;
  for (const RandomId& token : journal.sessions()) {
    // What has ended needs no staged bytes: a crash may have come before they were discarded.
    const auto outcome = journal.read(token, Slot::kOutcome);
    if (outcome) continue;
    if (outcome.error().code() != Errc::kNotFound) return outcome.error();
    const auto record = read_record(journal, token);
    const bool own = record && record->blob != BlobId() && !record->absorbed;  // else its final's
    if (own) blobs.insert(record->blob);
    if (!record && record.error().code() != Errc::kNotFound) return record.error();
  }
  return blobs;
}

Status Uploads::load() {
  for (const RandomId& token : p_.journal.sessions()) {
    if (const Status loaded = load_session(token); !loaded) return loaded;
  }
  return {};
}

Status Uploads::load_session(const RandomId& token) {
  auto record = read_record(p_.journal, token);
  if (!record && record.error().code() == Errc::kNotFound) {
    // A checkpoint that came after its session was removed.
    return p_.journal.append_and_wait({{Journal::Change::Kind::kRemoveSession, token, {}, {}}});
  }
  if (!record) return record.error();
  auto session = std::make_shared<Session>(token, *record);
  UnixMillis used = record->created;
  SessionView loaded;
  const auto outcome = p_.journal.read(token, Slot::kOutcome);
  const auto checkpoint = last_checkpoint(*session);
  if (!checkpoint) return checkpoint.error();
  loaded.offset = checkpoint->offset;
  used = std::max(used, checkpoint->saved);
  if (outcome) {
    STRATA_TRY(const OutcomeRecord ended, outcome_from_json(*outcome));
    loaded.state = ended.complete ? SessionState::kComplete : SessionState::kFailed;
    if (!ended.complete) {
      loaded.error =
          Error(errc_from_type(ended.error_type).value_or(Errc::kInternal), ended.error_detail);
    }
    used = ended.ended;
  } else if (outcome.error().code() != Errc::kNotFound) {
    return outcome.error();
  } else if (record->kind == Kind::kPartial && record->length == loaded.offset) {
    loaded.state = SessionState::kComplete;
  } else if (!record->absorbed && record->blob != BlobId() && loaded.offset > 0) {
    const auto staged = p_.blobs.open_unpublished(record->blob, loaded.offset);
    bool published = false;
    if (!staged) {
      STRATA_TRY(published, p_.publisher.publish_committed(*record));
    }
    if (!published && !staged) {
      // Not by a crash: somebody removed or damaged them. Said, and not tried again for ever.
      log::error("upload.bytes_lost",
                 {{"blob", record->blob.text()}, {"error", staged.error().message()}});
      loaded.state = SessionState::kFailed;
      loaded.error = Error(Errc::kCorruptData, "the bytes of this upload are lost");
    }
  }
  session->update([&](SessionView& view) {
    view.state = loaded.state;
    view.offset = loaded.offset;
    view.error = loaded.error;
  });
  const std::lock_guard lock(mutex_);
  const std::int64_t age = std::clamp<std::int64_t>(
      p_.clock.now() - used, 0,
      // A clock that was wrong while nobody ran leaves an hour to say so.
      std::chrono::milliseconds(p_.limits.upload_idle_max).count() * 9 / 10);
  sessions_[token] = {std::move(session), swept_ms_ - age};
  return {};
}

Result<Checkpoint> Uploads::last_checkpoint(const Session& session) const {
  const auto bytes = p_.journal.read(session.token(), Slot::kCheckpoint);
  if (bytes) return checkpoint_from_bytes(*bytes);
  if (bytes.error().code() == Errc::kNotFound) return Checkpoint();
  return bytes.error();
}

}  // namespace strata::upload
