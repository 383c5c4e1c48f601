// What an Uploads does with time: idle sessions end, ended ones are forgotten, idle pipelines
// close.
#include <algorithm>

#include "storage/upload/uploads.h"
#include "strata/base/log.h"

namespace strata::upload {
namespace asio = boost::asio;

// Nobody has used it since it was found to be idle.
bool Uploads::still_idle(const Session& session) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session.token());
  if (found == sessions_.end()) return false;
  const auto idle = std::chrono::milliseconds(swept_ms_ - found->second.used);
  return session.summary().state != SessionState::kVerifying && idle >= p_.limits.upload_idle_max;
}

asio::awaitable<void> Uploads::sweep(std::chrono::milliseconds interval) {
  std::vector<SessionPointer> expired, ended, cooling, again;
  {
    const std::lock_guard lock(mutex_);
    const UnixMillis now = p_.clock.now();
    swept_ms_ += std::clamp<std::int64_t>(now - last_sweep_, 0, 2 * interval.count());
    last_sweep_ = now;
    const auto ms = [](std::chrono::seconds s) { return std::chrono::milliseconds(s).count(); };
    std::vector<std::pair<std::int64_t, SessionPointer>> warm;
    for (const auto& [token, entry] : sessions_) {
      const Session::Summary view = entry.session->summary();
      const std::int64_t idle = swept_ms_ - entry.used;
      const bool receiving = view.state == SessionState::kReceiving;
      if (!entry.session->is_open() && view.kind != Kind::kPartial) {
        if (idle >= ms(p_.limits.upload_ended_kept)) ended.push_back(entry.session);
        continue;
      }
      if (view.final) {  // lives and goes with its final
        const auto whole = sessions_.find(*view.final);
        const bool over = whole == sessions_.end() || !whole->second.session->is_open();
        if (over && idle >= interval.count()) ended.push_back(entry.session);
        continue;
      }
      if (view.state != SessionState::kVerifying && idle >= ms(p_.limits.upload_idle_max)) {
        expired.push_back(entry.session);
      } else if (receiving && view.kind == Kind::kFinal) {
        if (view.failed_before) again.push_back(entry.session);
      } else if (receiving && view.kind == Kind::kPlain && view.length == view.offset) {
        again.push_back(entry.session);
      } else if (view.state != SessionState::kVerifying) {
        if (idle >= ms(p_.limits.upload_warm_idle)) {
          cooling.push_back(entry.session);
        } else {
          warm.emplace_back(idle, entry.session);
        }
      }
    }
    std::sort(warm.begin(), warm.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = p_.limits.upload_warm_max; i < warm.size(); ++i) {
      cooling.push_back(warm[i].second);
    }
  }
  for (const SessionPointer& session : expired) {
    auto hold = session->try_hold();
    if (!hold || !still_idle(*session)) continue;
    const Status removed = co_await remove_unless_part(session);
    log::info("upload.expired",
              {{"image", session->view().record.image.text()}, {"removed", removed.has_value()}});
  }
  for (const SessionPointer& session : ended) {
    auto hold = session->try_hold();
    if (!hold) continue;
    const Status removed = co_await remove_session(session);
    if (!removed) log::error("upload.not_forgotten", {{"error", removed.error().message()}});
  }
  for (const SessionPointer& session : cooling) {
    auto hold = session->try_hold();
    if (!hold || session->summary().state == SessionState::kVerifying) continue;
    co_await close_ingest(*session);
  }
  for (const SessionPointer& session : again) {
    auto hold = session->try_hold();
    if (!hold || session->summary().state != SessionState::kReceiving || session->stopped) continue;
    if (session->summary().kind == Kind::kPlain) begin_completion(session);
    if (session->summary().kind == Kind::kFinal && !session->assembling) begin_assembly(session);
  }
}

std::chrono::milliseconds Uploads::expires_in(const Session& session) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session.token());
  const std::int64_t idle = found == sessions_.end() ? 0 : swept_ms_ - found->second.used;
  return std::chrono::milliseconds(p_.limits.upload_idle_max) - std::chrono::milliseconds(idle);
}

Uploads::Figures Uploads::figures() const {
  Figures figures;
  figures.checkpoints = checkpoints_;
  figures.bytes_read_back = read_back_;
  figures.journal_syncs = p_.journal.figures().groups;
  const std::lock_guard lock(mutex_);
  figures.sessions = sessions_.size();
  for (const auto& [token, entry] : sessions_) {
    if (entry.session->is_open()) ++figures.open;
  }
  return figures;
}

}  // namespace strata::upload
