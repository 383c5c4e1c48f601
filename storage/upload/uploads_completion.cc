// How an Uploads ends: verification and publication of whole uploads, and concatenation.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "storage/http/server.h"
#include "storage/upload/uploads.h"
#include "strata/base/log.h"

namespace strata::upload {
namespace asio = boost::asio;
namespace {

// Trying again may help, without anybody sending anything.
bool is_transient(const Error& error) {
  switch (error.code()) {
    case Errc::kIo:
    case Errc::kNoSpace:
    case Errc::kUnavailable:
    case Errc::kCancelled:
    case Errc::kInternal:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Uploads::spawn(const SessionPointer& session, asio::awaitable<void> work) {
  asio::co_spawn(context_, std::move(work), [session](const std::exception_ptr& thrown) {
    if (!thrown) return;
    std::string what = "unknown exception";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
    }
    log::error("upload.exception", {{"what", what}});
    session->assembling = false;
    session->update([](SessionView& view) {
      if (view.state == SessionState::kVerifying) view.state = SessionState::kReceiving;
      view.error = Error(Errc::kInternal, "the server failed to complete the upload");
    });
  });
}

void Uploads::begin_completion(const SessionPointer& session) {
  if (session->view().record.kind == Kind::kPartial) {
    session->update([](SessionView& view) { view.state = SessionState::kComplete; });
    return;
  }
  session->update([](SessionView& view) {
    view.state = SessionState::kVerifying;
    view.error.reset();
  });
  spawn(session, complete(session));
}

asio::awaitable<void> Uploads::complete(SessionPointer session) {
  const Status done = co_await finish(*session);
  if (done || !is_transient(done.error())) co_return co_await end(*session, done);
  co_await close_ingest(*session);
  log::warn("upload.not_completed",
            {{"image", session->view().record.image.text()}, {"error", done.error().message()}});
  session->update([&](SessionView& view) {
    view.state = SessionState::kReceiving;
    view.error = done.error();
  });
}

asio::awaitable<Status> Uploads::finish(Session& session) {
  const SessionRecord record = session.view().record;
  const auto published =
      co_await http::run_on(p_.pools.disk, [&] { return p_.publisher.publish_committed(record); });
  if (!published) co_return published.error();
  if (*published) co_return Status();  // a crash or an error came between that and the journal
  if (const Status opened = co_await open_ingest(session); !opened) co_return opened;
  auto finished = co_await session.ingest->finish();
  if (!finished) co_return finished.error();
  read_back_ += session.ingest->read_back();
  session.ingest.reset();
  session.committing = nullptr;
  co_return co_await http::run_on(p_.pools.disk, [&] {
    return p_.publisher.publish(std::move(finished->writer), record, finished->properties);
  });
}

// The outcome is durable before anybody is told.
asio::awaitable<void> Uploads::end(Session& session, Status outcome) {
  co_await close_ingest(session);
  OutcomeRecord record{outcome.has_value(), {}, {}, p_.clock.now()};
  if (!outcome) {
    record.error_type = outcome.error().info().type;
    record.error_detail = outcome.error().detail();
  }
  std::vector<Journal::Change> changes = {
      {Journal::Change::Kind::kPut, session.token(), Journal::Slot::kOutcome, to_json(record)}};
  const Status durable = co_await journal(std::move(changes));
  if (!durable) {
    session.update([&](SessionView& view) {
      view.state = SessionState::kReceiving;
      view.error = durable.error();
    });
    co_return;
  }
  const SessionRecord ended = session.view().record;
  if (ended.blob != BlobId()) {
    // The published bytes have another name by now; what failed goes.
    const Status gone =
        co_await http::run_on(p_.pools.disk, [&] { return p_.blobs.discard(ended.blob); });
    if (!gone) log::error("upload.discard_failed", {{"error", gone.error().message()}});
  }
  touch(session);
  session.update([&](SessionView& view) {
    view.state = outcome ? SessionState::kComplete : SessionState::kFailed;
    view.error.reset();
    if (!outcome) view.error = outcome.error();
  });
  if (ended.kind == Kind::kFinal) co_await remove_parts(ended);
}

asio::awaitable<Status> Uploads::completion(const SessionPointer& session) {
  for (;;) {
    const auto seen = session->changed().version();
    const SessionView view = session->view();
    if (view.state == SessionState::kComplete) co_return Status();
    if (view.error) co_return *view.error;
    if (session->removed()) co_return Error(Errc::kGone, "the upload was cancelled");
    if (draining_) {
      co_return Error(Errc::kUnavailable, "the server is stopping; every byte is there, ask again");
    }
    co_await session->changed().wait(seen);
  }
}

// --- concatenation

SessionState Uploads::state_of(const SessionView& view) const {
  const bool joins = view.record.kind == Kind::kFinal && view.state == SessionState::kReceiving;
  if (!joins || view.error) return view.state;
  const std::lock_guard lock(mutex_);
  const bool whole = std::ranges::all_of(view.record.parts, [this](const RandomId& token) {
    const auto part = sessions_.find(token);
    return part != sessions_.end() &&
           part->second.session->summary().state == SessionState::kComplete;
  });
  return whole ? SessionState::kVerifying : view.state;
}

void Uploads::begin_assembly(const SessionPointer& session) {
  spawn(session, assemble(session));
}

// The first part's file becomes the whole's; the others are read in order as soon as they are
// durable, written behind it and digested in the same pass.
asio::awaitable<void> Uploads::assemble(SessionPointer session) {
  if (draining_ || session->stopped) co_return;
  session->assembling = true;
  // A crash may have come between the publication and the journal: then there is no file to go on
  // with.
  const SessionRecord record = session->view().record;
  const auto published =
      co_await http::run_on(p_.pools.disk, [&] { return p_.publisher.publish_committed(record); });
  Status done;
  if (!published) done = published.error();
  const bool missing = published && !*published;
  if (missing) done = co_await copy_parts(*session);
  if (missing && done) {
    session->update([](SessionView& view) {
      view.state = SessionState::kVerifying;
      view.error.reset();
    });
    done = co_await finish(*session);
  }
  if (!done && is_transient(done.error())) {
    co_await close_ingest(*session);
    session->assembling = false;
    session->update([&](SessionView& view) {
      view.state = SessionState::kReceiving;
      view.error = done.error();
    });
    log::warn("upload.not_assembled", {{"error", done.error().message()}});
    co_return;  // the sweep begins it again; parts and what was assembled are durable
  }
  co_await end(*session, done);
  session->assembling = false;
  session->changed().notify();
}

// The whole goes on where its first part ends, with that part's checkpoint.
asio::awaitable<Status> Uploads::adopt_first(Session& session, Session& first) {
  auto hold = co_await hold_surely(first);
  if (!hold) co_return hold.error();
  co_await close_ingest(first);
  SessionRecord whole = session.view().record;
  SessionRecord part = first.view().record;
  whole.blob = part.blob;
  part.absorbed = true;
  std::vector<Journal::Change> changes = {
      {Journal::Change::Kind::kPut, session.token(), Journal::Slot::kSession, to_json(whole)},
      {Journal::Change::Kind::kPut, first.token(), Journal::Slot::kSession, to_json(part)}};
  const auto checkpoint = co_await http::run_on(
      p_.pools.disk, [&] { return p_.journal.read(first.token(), Journal::Slot::kCheckpoint); });
  if (checkpoint) {
    changes.push_back(
        {Journal::Change::Kind::kPut, session.token(), Journal::Slot::kCheckpoint, *checkpoint});
  } else if (checkpoint.error().code() != Errc::kNotFound) {
    co_return checkpoint.error();
  }
  const Status durable = co_await journal(std::move(changes));
  if (!durable) co_return durable;
  session.update([&](SessionView& view) {
    view.record.blob = whole.blob;
    view.offset = part.length.value_or(0);
  });
  first.update([](SessionView& view) { view.record.absorbed = true; });
  co_return Status();
}

asio::awaitable<Status> Uploads::copy_parts(Session& session) {
  std::uint64_t base = 0;  // of the part, in the whole
  const std::vector<RandomId> tokens = session.view().record.parts;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    SessionPointer part;
    {
      const std::lock_guard lock(mutex_);
      const auto found = sessions_.find(tokens[i]);
      if (found != sessions_.end()) part = found->second.session;
    }
    if (!part) co_return Error(Errc::kCorruptData, "a part of the upload is gone");
    for (;;) {
      const auto seen = part->changed().version();
      const SessionView view = part->view();
      if (draining_ || session.stopped) {
        co_return Error(Errc::kCancelled, "the concatenation was stopped");
      }
      if (part->removed()) co_return Error(Errc::kCorruptData, "a part of the upload is gone");
      if (view.state == SessionState::kFailed) co_return *view.error;
      if (base + view.offset > p_.limits.stored_bytes_max) {
        co_return Error(Errc::kTooLarge, "the parts together are larger than an image may be");
      }
      const bool whole = view.state == SessionState::kComplete;
      if (i > 0) {
        const Status copied = co_await copy_part(session, view, base);
        if (!copied) co_return copied;
      }
      if (whole) {
        if (i == 0 && !view.record.absorbed) {
          const Status adopted = co_await adopt_first(session, *part);
          if (!adopted) co_return adopted;
        }
        if (i == 0) {
          if (const Status opened = co_await open_ingest(session); !opened) co_return opened;
        }
        base += view.offset;
        break;
      }
      if (part->view().offset > view.offset) continue;
      co_await part->changed().wait(seen);
    }
  }
  if (const Status durable = co_await commit(session); !durable) co_return durable;
  co_return co_await set_length(session, base);
}

// What is durable of a part and not yet in the whole.
asio::awaitable<Status> Uploads::copy_part(Session& session, const SessionView& part,
                                           std::uint64_t base) {
  Ingest& ingest = *session.ingest;
  if (ingest.offset() >= base + part.offset) co_return Status();
  const auto reader = co_await http::run_on(
      p_.pools.disk, [&] { return p_.blobs.open_unpublished(part.record.blob, part.offset); });
  if (!reader) co_return reader.error();
  while (ingest.offset() < base + part.offset) {
    STRATA_CO_TRY(auto block, co_await ingest.next_block());
    const std::uint64_t at = ingest.offset() - base;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(ingest.block_room(), part.offset - at));
    const Status read = co_await http::run_on(
        p_.pools.disk, [&] { return (*reader)->read_at(at, block->free_space().first(size)); });
    if (!read) co_return read;
    block->set_size(size);
    ingest.submit(std::move(block));
    const bool idle = !session.committing || session.is_over(*session.committing);
    if (idle && ingest.offset() - session.view().offset >= p_.limits.upload_checkpoint_bytes) {
      if (session.committing && !*session.committing->outcome) {
        co_return *session.committing->outcome;
      }
      begin_commit(session);
    }
  }
  co_return Status();
}

}  // namespace strata::upload
