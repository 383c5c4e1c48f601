// How an Uploads takes bytes: opening a session's pipeline, receiving, checkpoints.
#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>

#include "storage/http/server.h"
#include "storage/upload/uploads.h"
#include "strata/base/log.h"

namespace strata::upload {
namespace asio = boost::asio;
namespace {

using Steady = std::chrono::steady_clock;

// Errors of the bytes themselves: sending or storing them again gives the same.
bool is_final(const Error& error) {
  switch (error.code()) {
    case Errc::kCorruptGzip:
    case Errc::kCorruptXz:
    case Errc::kCorruptZstd:
    case Errc::kDecompressionLimit:
    case Errc::kUnsafeFormat:
      return true;
    default:
      return false;
  }
}

Error too_long(std::uint64_t limit) {
  return {Errc::kTooLarge,
          "there are more bytes than the " + std::to_string(limit) + " that this upload can have"};
}

}  // namespace

// --- the pipeline

Result<Uploads::Opening> Uploads::reopen(const Session& session) const {
  // Until the journal is well it may hold a checkpoint that was never acknowledged: no byte that
  // one speaks of may change before.
  if (const Status well = p_.journal.heal(); !well) return well.error();
  STRATA_TRY(const Checkpoint checkpoint, last_checkpoint(session));
  const SessionRecord record = session.view().record;
  Opening opening;
  auto writer = p_.blobs.resume(record.blob, checkpoint.offset);
  if (!writer && writer.error().code() == Errc::kNotFound && checkpoint.offset == 0) {
    // The name of an empty file needs not have survived: nothing in it was acknowledged.
    writer = begin_bytes(record.length);
    if (writer) opening.renamed = (*writer)->id();
  }
  if (!writer) return writer.error();
  (*writer)->keep();
  const auto mode = record.digested ? Ingest::Mode::kResumable : Ingest::Mode::kKeepOnly;
  STRATA_TRY(opening.ingest, Ingest::resume(p_.limits, p_.pools, *std::move(writer), mode,
                                            checkpoint, record.created));
  return opening;
}

asio::awaitable<Status> Uploads::open_ingest(Session& session) {
  const auto usable = [&] {
    return session.ingest->status() && session.ingest->offset() == session.summary().offset;
  };
  // Another offset: a request ended by an exception. What is durable counts.
  if (session.ingest && !usable()) co_await close_ingest(session);
  if (!session.ingest) {
    auto opening = co_await http::run_on(p_.pools.disk, [&] { return reopen(session); });
    if (!opening) co_return opening.error();
    if (opening->renamed) {
      std::vector<std::pair<Session*, RecordChange>> records;
      records.emplace_back(
          &session, [blob = *opening->renamed](SessionRecord& record) { record.blob = blob; });
      const Status durable = co_await put_records(std::move(records));
      if (!durable) co_return durable;
    }
    session.ingest = std::move(opening->ingest);
  }
  if (draining_) co_return Error(Errc::kUnavailable, "the server is stopping");
  if (session.stopped) co_return Error(Errc::kCancelled, "the upload was deleted");
  const std::function<bool()> give_up = [this, &session] {
    return draining_ || session.stopped || session.interrupted();
  };
  co_return co_await session.ingest->catch_up(give_up);
}

asio::awaitable<void> Uploads::close_ingest(Session& session) {
  if (!session.ingest) co_return;
  for (;;) {
    const auto seen = session.changed().version();
    if (!session.committing || session.is_over(*session.committing)) break;
    co_await session.changed().wait(seen);
  }
  session.committing = nullptr;
  co_await session.ingest->close();
  read_back_ += session.ingest->read_back();
  session.ingest.reset();
}

// --- checkpoints

// Makes what was submitted so far durable, beside what comes next. None while one is under way.
void Uploads::begin_commit(Session& session) {
  auto commit = std::make_shared<Session::Committing>();
  commit->offset = session.ingest->offset();
  session.committing = commit;
  session.ingest->checkpoint([this, self = session.shared_from_this(),
                              commit](Result<Checkpoint> taken) {
    if (!taken) return self->end_commit(*commit, taken.error());
    taken->saved = p_.clock.now();
    ++checkpoints_;
    p_.journal.append({{Journal::Change::Kind::kPut, self->token(), Journal::Slot::kCheckpoint,
                        to_bytes(*taken)}},
                      [self, commit](const Status& status) { self->end_commit(*commit, status); });
  });
}

asio::awaitable<Status> Uploads::commit(Session& session) {
  for (;;) {
    const auto seen = session.changed().version();
    if (session.committing && !session.is_over(*session.committing)) {
      co_await session.changed().wait(seen);
      continue;
    }
    if (session.committing) {
      const Status ended = *session.committing->outcome;
      session.committing = nullptr;
      if (!ended) co_return ended;
    }
    if (session.view().offset == session.ingest->offset()) co_return Status();
    begin_commit(session);
  }
}

asio::awaitable<Status> Uploads::set_length(Session& session, std::uint64_t length) {
  std::vector<std::pair<Session*, RecordChange>> records;
  records.emplace_back(&session, [length](SessionRecord& record) { record.length = length; });
  co_return co_await put_records(std::move(records));
}

// --- receiving

asio::awaitable<Result<std::uint64_t>> Uploads::append(const Session::Hold& hold,
                                                       const Append& append, AppendSource& source) {
  Session& session = hold.session();
  if (draining_) co_return Error(Errc::kUnavailable, "the server is stopping");
  touch(session);
  const SessionView view = session.view();
  if (view.record.kind == Kind::kFinal) {
    co_return Error(Errc::kForbidden, "a concatenation takes no bytes of its own");
  }
  if (view.state == SessionState::kFailed) co_return *view.error;
  if (append.offset != view.offset) {
    co_return Error(Errc::kOffsetMismatch, "the upload is at offset " +
                                               std::to_string(view.offset) + ", not at " +
                                               std::to_string(append.offset));
  }
  if (view.state != SessionState::kReceiving) {
    co_return Error(Errc::kGone, "the upload has all of its bytes");
  }
  auto length = append.length;
  if (append.last && append.bytes && !length) length = append.offset + *append.bytes;
  if (length && view.record.length && *length != *view.record.length) {
    co_return Error(Errc::kMalformed, "the length was given as " +
                                          std::to_string(*view.record.length) + ", now as " +
                                          std::to_string(*length));
  }
  if (!length) length = view.record.length;
  const std::uint64_t limit = length.value_or(p_.limits.stored_bytes_max);
  if (limit > p_.limits.stored_bytes_max) co_return too_long(p_.limits.stored_bytes_max);
  if (append.offset > limit) {
    co_return Error(Errc::kMalformed, "the length is below what was sent already");
  }
  if (append.bytes && *append.bytes > limit - append.offset) co_return too_long(limit);
  if (length != view.record.length) {
    const Status known = co_await set_length(session, *length);
    if (!known) co_return known.error();
  }
  Status received = co_await open_ingest(session);
  bool thrown = false;
  try {
    // Not "a ? co_await b : co_await c": GCC 12 destroys the temporaries of both twice.
    if (received && append.verified_by) {
      received = co_await receive_checked(session, *append.verified_by, source, limit);
    } else if (received) {
      received = co_await receive(session, source, limit);
    }
  } catch (const std::exception& e) {
    log::error("upload.exception", {{"what", e.what()}});
    thrown = true;
  }
  if (thrown) {  // what is durable stays; the rest is of unknown extent
    co_await close_ingest(session);
    co_return Error(Errc::kInternal, "the server failed to take the bytes");
  }
  co_return co_await after_append(session, append, received);
}

// What was received is kept, whatever ended the receiving.
asio::awaitable<Result<std::uint64_t>> Uploads::after_append(Session& session, const Append& append,
                                                             Status received) {
  touch(session);
  Status kept = session.ingest ? session.ingest->status() : received;
  if (kept) kept = co_await commit(session);
  if (!kept) {
    co_await close_ingest(session);
    if (!is_final(kept.error())) co_return kept.error();
    if (session.summary().kind == Kind::kPartial) co_return co_await stop_digesting(session);
    co_await end(session, kept.error());
    co_return kept.error();
  }
  if (!received && received.error().code() == Errc::kTooLarge) {
    // The client's idea of the upload is another than ours: what would come of it is nobody's
    // image.
    co_await end(session, received.error());
    co_return received.error();
  }
  if (received && append.last && !session.view().record.length) {
    const Status known = co_await set_length(session, session.view().offset);
    if (!known) co_return known.error();
  }
  const SessionView view = session.view();
  const bool whole = view.record.length == view.offset;
  if (whole && !view.record.digested) co_await close_ingest(session);  // only its bytes are needed
  if (whole) begin_completion(session.shared_from_this());
  if (!received) co_return received.error();
  co_return view.offset;
}

// A part that was taken for the first, and is none: its bytes only look like the begin of a stream.
// Whether the whole can be decoded is seen in the whole.
asio::awaitable<Error> Uploads::stop_digesting(Session& session) {
  std::vector<std::pair<Session*, RecordChange>> records;
  records.emplace_back(&session, [](SessionRecord& record) { record.digested = false; });
  const Status durable = co_await put_records(std::move(records));
  if (!durable) co_return durable.error();
  co_return Error(Errc::kUnavailable, "the part is only kept from here on: send it again behind " +
                                          std::to_string(session.summary().offset));
}

// Reads the content straight from the socket into the blocks of the pipeline.
asio::awaitable<Status> Uploads::receive(Session& session, AppendSource& source,
                                         std::uint64_t limit) {
  Ingest& ingest = *session.ingest;
  std::uint64_t acknowledged = session.view().offset;
  auto committed_at = Steady::now();
  for (;;) {
    STRATA_CO_TRY(auto block, co_await ingest.next_block());
    const std::size_t room = ingest.block_room();
    Status ended;
    bool more = true;
    bool due = false;
    while (more && !due && block->size() < room) {
      const std::uint64_t left = limit - ingest.offset() - block->size();
      // One byte more than is allowed tells an upload that is too long from one that ends here.
      std::byte excess{};
      auto out = block->free_space().first(
          static_cast<std::size_t>(std::min<std::uint64_t>(room - block->size(), left)));
      if (left == 0) out = std::span(&excess, 1);
      const auto n = co_await source.read_some(out);
      if (!n || *n == 0) {
        more = false;
        if (!n) ended = n.error();
        break;
      }
      if (left == 0) {
        more = false;
        ended = too_long(limit);
        break;
      }
      block->set_size(block->size() + *n);
      if (!ingest.status()) co_return ingest.status();
      due = Steady::now() - committed_at >= p_.limits.upload_checkpoint_interval;
    }
    if (block->size() > 0) ingest.submit(std::move(block));
    block = nullptr;
    if (!more) co_return ended;
    const bool idle = !session.committing || session.is_over(*session.committing);
    const SessionView view = session.view();
    if (idle && (due || ingest.offset() - view.offset >= p_.limits.upload_checkpoint_bytes)) {
      if (session.committing && !*session.committing->outcome)
        co_return *session.committing->outcome;
      begin_commit(session);
      committed_at = Steady::now();
    } else if (due) {
      committed_at = Steady::now();  // one is under way: the next in another interval
    }
    if (view.offset > acknowledged) {
      acknowledged = view.offset;
      touch(session);
      if (const Status told = co_await source.acknowledged(acknowledged); !told) co_return told;
    }
  }
}

// Bytes with a checksum are believed only behind their last one. What fits into the blocks of one
// upload waits in memory; more goes into the file, unacknowledged, and is read back once.
asio::awaitable<Status> Uploads::receive_checked(Session& session, digest::Algorithms algorithms,
                                                 AppendSource& source, std::uint64_t limit) {
  Ingest& ingest = *session.ingest;
  auto hasher = digest::make_hasher(algorithms);
  std::deque<std::shared_ptr<io::Block>> held;
  const std::size_t held_max = p_.limits.upload_blocks - 1;
  std::uint64_t position = ingest.offset();
  bool spilled = false;
  Status received;
  for (bool more = true; more && received;) {
    auto taken = co_await ingest.next_block();
    if (!taken) co_return taken.error();
    auto block = *std::move(taken);
    const auto room = io::kBlockBytes - static_cast<std::size_t>(position % io::kBlockBytes);
    while (block->size() < room) {
      const std::uint64_t left = limit - position;
      std::byte excess{};
      auto out = block->free_space().first(
          static_cast<std::size_t>(std::min<std::uint64_t>(room - block->size(), left)));
      if (left == 0) out = std::span(&excess, 1);
      const auto n = co_await source.read_some(out);
      more = n && *n > 0 && left > 0;
      if (!n) received = n.error();
      if (n && *n > 0 && left == 0) received = too_long(limit);
      if (!more) break;
      block->set_size(block->size() + *n);
      position += *n;
    }
    if (!received || block->size() == 0) break;
    co_await http::run_on(p_.pools.compute, [&] {
      hasher->update(block->bytes());
      return 0;
    });
    held.push_back(std::move(block));
    if (held.size() < held_max && !spilled) continue;
    spilled = true;
    for (auto& each : held) ingest.submit_unverified(std::move(each));
    held.clear();
  }
  if (received) {
    const auto expected = source.expected();
    received = expected ? expected->compare(hasher->finish(), "sent") : expected.error();
    if (!received && received.error().code() == Errc::kDigestMismatch) {
      received = Error(Errc::kChecksumMismatch, received.error().detail());
    }
  }
  if (!received) {
    held.clear();
    const Status rejected = co_await ingest.reject();
    co_return rejected ? received : rejected;
  }
  ingest.accept();
  for (auto& each : held) ingest.submit(std::move(each));
  held.clear();
  // It is believed and will be durable; what is not digested when somebody else wants the upload is
  // digested by who comes next.
  const std::function<bool()> give_up = [this, &session] {
    return draining_ || session.interrupted();
  };
  co_return co_await ingest.catch_up(give_up);
}

}  // namespace strata::upload
