#include "storage/upload/uploads.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "storage/http/server.h"
#include "strata/base/log.h"

namespace strata::upload {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kSweepInterval{5'000};

}  // namespace

Uploads::Uploads(Parts parts) : p_(parts), last_sweep_(parts.clock.now()) {}

Uploads::~Uploads() {
  stop();
}

void Uploads::start() {
  work_.emplace(asio::make_work_guard(context_));
  thread_ = std::thread([this] { context_.run(); });
  const std::lock_guard lock(mutex_);
  for (const auto& [token, entry] : sessions_) {
    const SessionView view = entry.session->view();
    if (view.state != SessionState::kReceiving) continue;
    if (view.record.kind == Kind::kFinal) begin_assembly(entry.session);
    if (view.record.kind == Kind::kPlain && view.record.length == view.offset) {
      begin_completion(entry.session);
    }
  }
  asio::co_spawn(
      context_,
      [this]() -> asio::awaitable<void> {
        while (!draining_) {
          timer_.expires_after(kSweepInterval);
          boost::system::error_code ended;
          co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
          if (ended) co_return;
          try {
            co_await sweep(kSweepInterval);
          } catch (const std::exception& e) {
            log::error("upload.sweep_failed", {{"what", e.what()}});
          }
        }
      },
      asio::detached);
}

void Uploads::drain() {
  draining_ = true;
  const std::lock_guard lock(mutex_);
  for (const auto& [token, entry] : sessions_) {
    entry.session->interrupt();
    entry.session->changed().notify();  // whoever waits for a completion
  }
}

void Uploads::stop() {
  if (!thread_.joinable()) return;
  drain();
  asio::post(context_, [this] {
    timer_.cancel();
    const std::lock_guard lock(mutex_);
    for (const auto& [token, entry] : sessions_) {
      if (entry.session->ingest) {
        entry.session->ingest->cancel(Error(Errc::kUnavailable, "the server is stopping"));
      }
      entry.session->changed().notify();
    }
  });
  work_.reset();
  thread_.join();
  // Nothing of a pipeline is left on the pools when this returns.
  asio::io_context closing(1);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [token, entry] : sessions_) {
      asio::co_spawn(closing, close_ingest(*entry.session), asio::detached);
    }
  }
  closing.run();
}

namespace {

// An append on its way; shared by who waits and the journal's callback.
struct Appending {
  Notifier changed;
  std::mutex mutex;
  std::optional<Status> outcome;

  static Journal::Done done(const std::shared_ptr<Appending>& appending) {
    return [appending](const Status& status) {
      {
        const std::lock_guard lock(appending->mutex);
        appending->outcome = status;
      }
      appending->changed.notify();
    };
  }
  static asio::awaitable<Status> wait(std::shared_ptr<Appending> appending) {
    for (;;) {
      const auto seen = appending->changed.version();
      {
        const std::lock_guard lock(appending->mutex);
        if (appending->outcome) co_return *appending->outcome;
      }
      co_await appending->changed.wait(seen);
    }
  }
};

}  // namespace

asio::awaitable<Status> Uploads::journal(std::vector<Journal::Change> changes) {
  auto appending = std::make_shared<Appending>();
  p_.journal.append(std::move(changes), Appending::done(appending));
  co_return co_await Appending::wait(appending);
}

asio::awaitable<Status> Uploads::put_records(
    std::vector<std::pair<Session*, RecordChange>> records) {
  auto appending = std::make_shared<Appending>();
  std::vector<SessionRecord> before;
  {
    const std::lock_guard lock(records_mutex_);
    std::vector<Journal::Change> changes;
    for (const auto& [session, change] : records) {
      std::string json;
      session->update([&](SessionView& view) {
        before.push_back(view.record);
        change(view.record);
        json = to_json(view.record);
      });
      changes.push_back({Journal::Change::Kind::kPut, session->token(), Journal::Slot::kSession,
                         std::move(json)});
    }
    p_.journal.append(std::move(changes), Appending::done(appending));
  }
  const Status durable = co_await Appending::wait(appending);
  if (durable) co_return durable;
  // The journal takes no more until it is well again, so nobody has changed them since for good.
  const std::lock_guard lock(records_mutex_);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].first->update([&](SessionView& view) { view.record = before[i]; });
  }
  co_return durable;
}

// --- creation

Status Uploads::check_creation(const Creation& creation) const {
  std::size_t open = 0;
  std::size_t records = 0;
  for (const auto& [token, entry] : sessions_) {
    if (entry.session->owner() != creation.owner) continue;
    ++records;
    // A part that is whole waits for its final and holds nothing but its bytes.
    if (entry.session->is_open()) ++open;
  }
  if (open >= p_.limits.open_uploads_per_user) {
    return Error(Errc::kTooManyRequests,
                 std::to_string(open) + " uploads are open already: finish or delete some");
  }
  if (records >= p_.limits.upload_records_per_user) {
    return Error(Errc::kTooManyRequests,
                 std::to_string(records) + " uploads are remembered already: delete some");
  }
  return {};
}

// Digests of a part make sense for the first one only, and the order is said at the end. So the
// first that an owner begins is taken for it; a wrong guess costs reading that part once more.
bool Uploads::first_open_part(const std::string& owner) const {
  return std::none_of(sessions_.begin(), sessions_.end(), [&](const auto& item) {
    if (item.second.session->owner() != owner) return false;
    const Session::Summary known = item.second.session->summary();
    return known.kind == Kind::kPartial && !known.final && known.digested;
  });
}

Result<std::vector<Uploads::SessionPointer>> Uploads::check_parts(const Creation& creation) const {
  if (creation.parts.empty() || creation.parts.size() > p_.limits.upload_parts_max) {
    return Error(Errc::kMalformed, "a concatenation has 1 to " +
                                       std::to_string(p_.limits.upload_parts_max) + " parts");
  }
  std::vector<SessionPointer> parts;
  std::uint64_t total = 0;
  for (const RandomId& token : creation.parts) {
    const auto found = sessions_.find(token);
    const std::string name = "part " + std::to_string(parts.size() + 1);
    if (found == sessions_.end() || found->second.session->owner() != creation.owner) {
      return Error(Errc::kMalformed, name + " is no upload of yours");
    }
    const SessionView view = found->second.session->view();
    if (view.record.kind != Kind::kPartial) {
      return Error(Errc::kMalformed, name + " was not created with Upload-Concat: partial");
    }
    if (view.state == SessionState::kFailed) return Error(Errc::kMalformed, name + " has failed");
    const bool twice = std::find(parts.begin(), parts.end(), found->second.session) != parts.end();
    if (view.record.final || twice) {
      return Error(Errc::kMalformed, name + " is part of a concatenation already");
    }
    total += view.record.length.value_or(0);
    parts.push_back(found->second.session);
  }
  if (total > p_.limits.stored_bytes_max) {
    return Error(Errc::kTooLarge, "the parts together are larger than an image may be");
  }
  return parts;
}

asio::awaitable<Result<Uploads::SessionPointer>> Uploads::create(Creation creation) {
  if (draining_) co_return Error(Errc::kUnavailable, "the server is stopping");
  if (creation.length.value_or(0) > p_.limits.stored_bytes_max) {
    co_return Error(
        Errc::kTooLarge,
        "an image has at most " + std::to_string(p_.limits.stored_bytes_max) + " stored bytes");
  }
  SessionPointer session;
  std::optional<Session::Hold> hold;  // until it is complete in every place
  std::vector<SessionPointer> parts;
  {
    const std::lock_guard lock(mutex_);
    if (const Status allowed = check_creation(creation); !allowed) co_return allowed.error();
    if (creation.kind == Kind::kFinal) {
      STRATA_CO_TRY(parts, check_parts(creation));
    }
    SessionRecord record;
    record.kind = creation.kind;
    record.owner = creation.owner;
    record.created = p_.clock.now();
    record.length = creation.length;
    record.image = ImageId::generate(p_.clock, p_.random);
    record.description = std::move(creation.description);
    record.parts = std::move(creation.parts);
    record.digested = creation.kind != Kind::kPartial || first_open_part(creation.owner);
    session = std::make_shared<Session>(RandomId::generate(p_.random), std::move(record));
    hold.emplace(*session->try_hold());
    // In the table before it is durable, so that quotas hold for creations at the same time.
    sessions_[session->token()] = {session, swept_ms_};
    for (const SessionPointer& part : parts) {  // so that no other concatenation takes them
      part->update([&](SessionView& view) { view.record.final = session->token(); });
    }
  }
  const Status durable = co_await make_durable(*session, parts);
  if (!durable) {
    forget(session->token());
    for (const SessionPointer& part : parts) {
      part->update([](SessionView& view) { view.record.final.reset(); });
    }
    co_return durable.error();
  }
  if (session->view().record.kind == Kind::kFinal) begin_assembly(session);
  if (creation.length == 0 && creation.kind == Kind::kPartial) co_await close_ingest(*session);
  if (creation.length == 0 && creation.kind != Kind::kFinal) begin_completion(session);
  co_return session;
}

// Asked for, not reserved: a hundred idle uploads must not fill the disk with nothing.
Result<std::unique_ptr<blob::BlobWriter>> Uploads::begin_bytes(
    const std::optional<std::uint64_t>& length) const {
  STRATA_TRY(const std::uint64_t free, p_.blobs.free_bytes());
  if (length.value_or(0) + p_.limits.disk_reserve_bytes > free) {
    return Error(Errc::kNoSpace,
                 "the disk has room for " +
                     std::to_string(free - std::min(free, p_.limits.disk_reserve_bytes)) +
                     " bytes of uploads");
  }
  STRATA_TRY(auto writer, p_.blobs.begin({}));
  writer->keep();
  return writer;
}

asio::awaitable<Status> Uploads::make_durable(Session& session,
                                              const std::vector<SessionPointer>& parts) {
  const SessionRecord record = session.view().record;
  std::unique_ptr<blob::BlobWriter> writer;
  if (record.kind != Kind::kFinal) {
    auto begun = co_await http::run_on(p_.pools.disk, [&] { return begin_bytes(record.length); });
    if (!begun) co_return begun.error();
    writer = *std::move(begun);
  }
  const BlobId blob = writer ? writer->id() : BlobId();
  std::vector<std::pair<Session*, RecordChange>> records;
  records.emplace_back(&session, [blob](SessionRecord& own) { own.blob = blob; });
  for (const SessionPointer& part : parts) {
    records.emplace_back(part.get(),
                         [token = session.token()](SessionRecord& each) { each.final = token; });
  }
  const Status durable = co_await put_records(std::move(records));
  if (!durable) {
    if (writer) {
      co_await http::run_on(p_.pools.disk, [&] {
        writer.reset();
        (void)p_.blobs.discard(blob);  // what stays, the next start removes
        return 0;
      });
    }
    co_return durable;
  }
  if (!writer) co_return durable;
  const auto mode = record.digested ? Ingest::Mode::kResumable : Ingest::Mode::kKeepOnly;
  session.ingest =
      std::make_unique<Ingest>(p_.limits, p_.pools, std::move(writer), mode, record.created);
  co_return durable;
}

Result<Uploads::SessionPointer> Uploads::find(const std::string& token,
                                              const std::string& owner) const {
  const Error unknown(Errc::kNotFound, "there is no such upload");
  const auto id = RandomId::parse(token);
  if (!id) return unknown;
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(*id);
  if (found == sessions_.end() || found->second.session->owner() != owner) {
    return unknown;
  }
  return found->second.session;
}

asio::awaitable<Result<SessionView>> Uploads::settled(const SessionPointer& session) {
  co_await session->settle();
  if (session->removed()) co_return Error(Errc::kGone, "the upload was cancelled");
  if (!p_.journal.healthy()) {
    // What was read at a start from a disk that takes no writes need not be durable.
    const Status well = co_await http::run_on(p_.pools.disk, [&] { return p_.journal.heal(); });
    if (!well) co_return well.error();
  }
  co_return session->view();
}

void Uploads::touch(const Session& session) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session.token());
  if (found == sessions_.end()) return;
  found->second.used = swept_ms_;
  const auto final = session.summary().final;
  if (!final) return;
  const auto whole = sessions_.find(*final);
  if (whole != sessions_.end()) whole->second.used = swept_ms_;
}

void Uploads::forget(const RandomId& token) {
  SessionPointer gone;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(token);
    if (found == sessions_.end()) return;
    gone = found->second.session;
    sessions_.erase(found);
  }
  gone->set_removed();
}

// --- removal

asio::awaitable<Status> Uploads::remove(const SessionPointer& session) {
  auto hold = co_await session->hold([] {});
  if (!hold) co_return hold.error();
  // On the thread that completes uploads: nobody else has the session's pipeline then.
  co_return co_await asio::co_spawn(context_, remove_unless_part(session), asio::use_awaitable);
}

// The concatenation that a part belongs to, while it is not over.
Uploads::SessionPointer Uploads::open_final(const SessionRecord& record) const {
  if (!record.final) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(*record.final);
  if (found == sessions_.end() || !found->second.session->is_open()) return nullptr;
  return found->second.session;
}

asio::awaitable<Status> Uploads::remove_unless_part(const SessionPointer& session) {
  if (open_final(session->view().record)) {
    co_return Error(Errc::kInUse, "this part belongs to a concatenation: delete that");
  }
  co_return co_await remove_session(session);
}

asio::awaitable<Status> Uploads::remove_session(const SessionPointer& session) {
  session->stopped = true;
  for (;;) {
    const auto seen = session->changed().version();
    if (session->summary().state != SessionState::kVerifying && !session->assembling) break;
    for (const RandomId& token : session->view().record.parts) {
      const std::lock_guard lock(mutex_);
      const auto found = sessions_.find(token);
      if (found != sessions_.end()) found->second.session->changed().notify();
    }
    if (session->ingest) session->ingest->cancel(Error(Errc::kCancelled, "the upload was deleted"));
    co_await session->changed().wait(seen);
  }
  const SessionView view = session->view();
  std::vector<Journal::Change> changes = {
      {Journal::Change::Kind::kRemoveSession, session->token(), {}, {}}};
  const Status gone = co_await journal(std::move(changes));
  if (!gone) {
    session->stopped = false;
    co_return gone;
  }
  forget(session->token());
  co_await close_ingest(*session);
  if (view.state != SessionState::kComplete || view.record.kind == Kind::kPartial) {
    const BlobId blob = view.record.blob;
    if (blob != BlobId() && !view.record.absorbed) {
      const Status removed =
          co_await http::run_on(p_.pools.disk, [&] { return p_.blobs.discard(blob); });
      if (!removed) log::error("upload.discard_failed", {{"error", removed.error().message()}});
    }
  }
  if (view.record.kind == Kind::kFinal) co_await remove_parts(view.record);
  co_return Status();
}

// As hold(), also when clients claim the session at the same time.
asio::awaitable<Result<Session::Hold>> Uploads::hold_surely(Session& session) {
  for (;;) {
    auto hold = co_await session.hold([] {});
    if (hold || hold.error().code() != Errc::kConflict) co_return hold;
  }
}

asio::awaitable<void> Uploads::remove_parts(const SessionRecord& record) {
  for (const RandomId& token : record.parts) {
    SessionPointer part;
    {
      const std::lock_guard lock(mutex_);
      const auto found = sessions_.find(token);
      if (found == sessions_.end()) continue;
      part = found->second.session;
    }
    auto hold = co_await hold_surely(*part);
    if (!hold) continue;  // it is removed
    const Status removed = co_await remove_session(part);
    if (!removed) log::error("upload.part_not_removed", {{"error", removed.error().message()}});
  }
}

}  // namespace strata::upload
