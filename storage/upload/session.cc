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
  }
  if (call) call();
}

std::optional<Session::Hold> Session::try_hold() {
  const std::lock_guard lock(mutex_);
  if (held_ || removed_) return std::nullopt;
  held_ = true;
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

void Session::set_removed() {
  {
    const std::lock_guard lock(mutex_);
    removed_ = true;
  }
  changed_.notify();
}

}  // namespace strata::upload
