#include "storage/upload/session.h"

namespace strata::upload {
namespace asio = boost::asio;

std::string_view session_state_name(SessionState state) {
  switch (state) {
    case SessionState::kReceiving:
      return "receiving";
    case SessionState::kVerifying:
      return "verifying";
    case SessionState::kComplete:
      return "complete";
    case SessionState::kFailed:
      break;
  }
  return "failed";
}

asio::awaitable<Result<Session::Hold>> Session::hold(std::function<void()> interrupt_holder) {
  std::uint64_t claim = 0;
  {
    const std::lock_guard lock(mutex_);
    claim = ++claims_;
  }
  interrupt();
  changed_.notify();  // an older request that waits gives way too
  for (;;) {
    const auto seen = changed_.version();
    {
      const std::lock_guard lock(mutex_);
      if (removed_) co_return Error(Errc::kGone, "the upload was cancelled");
      if (claims_ != claim) {
        co_return Error(Errc::kConflict, "a newer request has taken this upload over");
      }
      if (!held_) {
        held_ = true;
        ++holds_;
        interrupted_ = false;
        interrupt_ = std::move(interrupt_holder);
        co_return Hold(shared_from_this());
      }
    }
    co_await changed_.wait(seen);
  }
}

void Session::interrupt() {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    if (held_) call = interrupt_;
    interrupted_ = held_;
  }
  if (call) call();
}

asio::awaitable<void> Session::settle() {
  std::uint64_t holder = 0;
  {
    const std::lock_guard lock(mutex_);
    holder = holds_;
  }
  interrupt();
  for (;;) {
    const auto seen = changed_.version();
    {
      const std::lock_guard lock(mutex_);
      if (!held_ || holds_ != holder || removed_) co_return;
    }
    co_await changed_.wait(seen);
  }
}

Session::Summary Session::summary() const {
  const std::lock_guard lock(mutex_);
  return {view_.record.kind,  view_.state,           view_.offset,           view_.record.length,
          view_.record.final, view_.record.digested, view_.error.has_value()};
}

std::optional<Session::Hold> Session::try_hold() {
  const std::lock_guard lock(mutex_);
  if (held_ || removed_) return std::nullopt;
  held_ = true;
  ++holds_;
  interrupted_ = false;
  return Hold(shared_from_this());
}

bool Session::is_over(const Committing& commit) const {
  const std::lock_guard lock(mutex_);
  return commit.outcome.has_value();
}

void Session::end_commit(Committing& commit, const Status& outcome) {
  {
    const std::lock_guard lock(mutex_);
    if (outcome) view_.offset = commit.offset;
    commit.outcome = outcome;
  }
  changed_.notify();
}

bool Session::interrupted() const {
  const std::lock_guard lock(mutex_);
  return interrupted_;
}

void Session::let_go() {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
    interrupt_ = nullptr;
  }
  changed_.notify();
}

SessionView Session::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void Session::update(const std::function<void(SessionView&)>& change) {
  {
    const std::lock_guard lock(mutex_);
    change(view_);
  }
  changed_.notify();
}

bool Session::removed() const {
  const std::lock_guard lock(mutex_);
  return removed_;
}

void Session::set_removed() {
  {
    const std::lock_guard lock(mutex_);
    removed_ = true;
  }
  changed_.notify();
}

}  // namespace strata::upload
