#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "storage/upload/ingest.h"
#include "storage/upload/notifier.h"
#include "storage/upload/session_record.h"

namespace strata::upload {

// The life of a resumable upload. An offset that anyone was told is durable.
//
//   receiving --all bytes, length known--> verifying --> complete | failed
//
// Verifying ends in receiving again when the storage fails meanwhile (a full disk): nothing is
// lost, and it is tried again.
enum class SessionState : unsigned char { kReceiving, kVerifying, kComplete, kFailed };
[[nodiscard]] std::string_view session_state_name(SessionState state);

// What is known of a session at one moment.
struct SessionView {
  SessionRecord record;
  SessionState state = SessionState::kReceiving;
  std::uint64_t offset = 0;      // durable
  std::optional<Error> error{};  // kFailed, or why verifying was interrupted
};

// One session; shared by the table of sessions and the requests that use it. Thread-safe, but for
// `ingest`, which belongs to the holder, and behind the last byte to whoever completes the upload.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(const RandomId& token, SessionRecord record) : token_(token), owner_(record.owner) {
    view_.record = std::move(record);
  }

  // The right to append, for one request at a time. Given back by destruction.
  class Hold {
   public:
    explicit Hold(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    Hold(Hold&&) noexcept = default;
    Hold& operator=(Hold&&) = delete;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      if (session_) session_->let_go();
    }
    [[nodiscard]] Session& session() const { return *session_; }

   private:
    std::shared_ptr<Session> session_;
  };
  // A newer request takes the session over: the holder is interrupted (on any thread, and soon),
  // keeps what it has received and lets go. kConflict when a still newer one comes meanwhile;
  // kGone when the session is removed.
  [[nodiscard]] boost::asio::awaitable<Result<Hold>> hold(std::function<void()> interrupt);
  // Ends what the holder receives and waits until it has let go, without claiming the session: for
  // who only wants to know the offset.
  [[nodiscard]] boost::asio::awaitable<void> settle();
  // Only if nobody has it.
  [[nodiscard]] std::optional<Hold> try_hold();
  void interrupt();
  // Whether the holder was asked to let go.
  [[nodiscard]] bool interrupted() const;

  [[nodiscard]] const RandomId& token() const { return token_; }
  [[nodiscard]] SessionView view() const;
  // What can be asked of thousands of sessions at a time: no text is copied.
  struct Summary {
    Kind kind;
    SessionState state;
    std::uint64_t offset;
    std::optional<std::uint64_t> length;
    std::optional<RandomId> final;
    bool digested;
    bool failed_before;  // it has an error
  };
  [[nodiscard]] Summary summary() const;
  // Not over: bytes are missing, or it is being verified.
  [[nodiscard]] bool is_open() const {
    const SessionState state = summary().state;
    return state == SessionState::kReceiving || state == SessionState::kVerifying;
  }
  [[nodiscard]] const std::string& owner() const { return owner_; }
  [[nodiscard]] Notifier& changed() { return changed_; }

  // Changes the record or the moment, and wakes whoever waits for a change.
  void update(const std::function<void(SessionView&)>& change);
  void set_removed();
  [[nodiscard]] bool removed() const;

  // A checkpoint on its way into the journal; one at a time, so that they arrive in order.
  struct Committing {
    std::uint64_t offset = 0;
    std::optional<Status> outcome;  // under the session's mutex
  };
  std::unique_ptr<Ingest> ingest;
  std::shared_ptr<Committing> committing;  // shared with the callbacks that end it
  bool assembling = false;                 // a concatenation; touched on the thread of Uploads only
  std::atomic<bool> stopped{false};        // it is being removed: nothing new is begun
  [[nodiscard]] bool is_over(const Committing& commit) const;
  void end_commit(Committing& commit, const Status& outcome);

 private:
  friend class Hold;
  void let_go();

  const RandomId token_;
  const std::string owner_;
  Notifier changed_;
  mutable std::mutex mutex_;
  SessionView view_;
  std::function<void()> interrupt_;
  bool held_ = false;
  bool interrupted_ = false;
  bool removed_ = false;
  std::uint64_t claims_ = 0;
  std::uint64_t holds_ = 0;  // how many there have been
};

}  // namespace strata::upload
