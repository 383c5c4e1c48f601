#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "storage/upload/journal.h"
#include "storage/upload/session.h"
#include "strata/base/clock.h"
#include "strata/digest/hasher.h"
#include "strata/http/headers.h"

// Resumable uploads, apart from any protocol: sessions whose offsets are durable, which go on after
// a cut, a crash or a restart without a byte sent or digested twice. storage/DESIGN.md, "Resumable
// uploads", says how.
namespace strata::upload {

// What becomes of a whole upload; the service implements it. Called on disk threads.
class Publisher {
 public:
  virtual ~Publisher() = default;
  // Compares everything that the client promised with what the bytes are, and publishes them as the
  // image session.image; idempotent for one image. An error that is not retryable ends the session.
  [[nodiscard]] virtual Status publish(std::unique_ptr<blob::BlobWriter> writer,
                                       const SessionRecord& session,
                                       const blob::BlobProperties& properties) = 0;
  // Whether the image is there. Bytes that an earlier publish() had committed before a record
  // failed are published now, as that one would have.
  [[nodiscard]] virtual Result<bool> publish_committed(const SessionRecord& session) = 0;
};

// Where an append's bytes come from: a request's content.
class AppendSource {
 public:
  virtual ~AppendSource() = default;
  [[nodiscard]] virtual boost::asio::awaitable<Result<std::size_t>> read_some(
      std::span<std::byte> out) = 0;  // 0 = the end
  // The digests that the bytes of this request must have, when read_some has answered 0.
  [[nodiscard]] virtual Result<ExpectedDigests> expected() const = 0;
  // A new durable offset while bytes are still coming.
  [[nodiscard]] virtual boost::asio::awaitable<Status> acknowledged(std::uint64_t offset) = 0;
};

class Uploads {
 public:
  struct Parts {
    const Limits& limits;
    Clock& clock;
    Random& random;
    IngestPools pools;
    blob::BlobStore& blobs;
    Journal& journal;
    Publisher& publisher;
  };
  explicit Uploads(Parts parts);
  ~Uploads();  // stop()
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;

  // The blobs of sessions in the journal: to be kept by ImageStore::recover before load().
  [[nodiscard]] static Result<std::set<BlobId>> kept_blobs(const Journal& journal);
  // Reads the journal. After the blob store and the catalogue have recovered; blocks.
  [[nodiscard]] Status load();
  // Starts the thread that completes, assembles and expires; goes on with what was interrupted.
  void start();
  // Holders are interrupted; new appends and those who wait for a completion get kUnavailable.
  void drain();
  // Ends the thread; every session is left durable as it is. Idempotent.
  void stop();

  using SessionPointer = std::shared_ptr<Session>;

  struct Creation {
    Kind kind = Kind::kPlain;
    std::string owner;
    std::optional<std::uint64_t> length;
    std::string description;
    std::vector<RandomId> parts;  // kFinal
  };
  // Durable when it returns. kTooManyRequests (open uploads or records of this owner), kTooLarge,
  // kNoSpace, kMalformed (parts that cannot be joined), kUnavailable (draining).
  [[nodiscard]] boost::asio::awaitable<Result<SessionPointer>> create(Creation creation);
  // A session of this owner: a foreign one is kNotFound like one that never was.
  [[nodiscard]] Result<SessionPointer> find(const std::string& token,
                                            const std::string& owner) const;
  // The session when nobody appends any more, and its offset is durable: for HEAD. kGone, or why
  // the journal cannot be trusted at the moment.
  [[nodiscard]] boost::asio::awaitable<Result<SessionView>> settled(const SessionPointer& session);
  // Cancels: interrupts the holder, removes the bytes. The image of a complete one stays.
  [[nodiscard]] boost::asio::awaitable<Status> remove(const SessionPointer& session);

  struct Append {
    std::uint64_t offset = 0;             // must be the session's
    std::optional<std::uint64_t> length;  // of the whole, said now
    bool last = false;                    // the upload ends behind these bytes
    std::optional<std::uint64_t> bytes;   // of these, when announced
    // When set, source.expected() is compared before a byte is believed.
    std::optional<digest::Algorithms> verified_by;
  };
  // Appends what `source` gives, as far as it comes, and makes it durable; returns the offset, or
  // why there are no more bytes: then view().offset says how far it is. kOffsetMismatch, kTooLarge
  // (before the first byte when that is known), kChecksumMismatch (nothing was appended), kGone
  // (complete), kConnectionLost, kRequestTimeout, kCancelled (taken over), kNoSpace, kIo; or what
  // is wrong with the bytes (kCorruptGzip, ...): the session has failed.
  [[nodiscard]] boost::asio::awaitable<Result<std::uint64_t>> append(const Session::Hold& hold,
                                                                     const Append& append,
                                                                     AppendSource& source);
  // Waits for the end of an upload whose last byte is there: success when it is complete, else why
  // it failed, or why it could not be completed now (a full disk: it is tried again).
  [[nodiscard]] boost::asio::awaitable<Status> completion(const SessionPointer& session);

  // Ends sessions that nobody has touched for limits.upload_idle_max, forgets ended ones after
  // limits.upload_ended_kept, closes idle pipelines, tries again what a full disk interrupted.
  // Called by the thread; tests call it themselves. Time is counted in sweeps: at most twice
  // `interval` passes between two of them, whatever the clock says (a clock that jumps forward
  // must not end uploads).
  [[nodiscard]] boost::asio::awaitable<void> sweep(std::chrono::milliseconds interval);

  // What the session waits for, as its client is told: a concatenation is receiving only while one
  // of its parts is. What has still to be joined then is verifying.
  [[nodiscard]] SessionState state_of(const SessionView& view) const;

  // Until it is removed if nobody touches it.
  [[nodiscard]] std::chrono::milliseconds expires_in(const Session& session) const;

  struct Figures {
    std::uint64_t sessions = 0, open = 0;
    std::uint64_t checkpoints = 0, journal_syncs = 0;
    std::uint64_t bytes_read_back = 0;  // from staging, to go on where a decoder could not
  };
  [[nodiscard]] Figures figures() const;

 private:
  struct Entry {
    SessionPointer session;
    std::int64_t used = 0;  // in swept time, ms
  };
  [[nodiscard]] Status check_creation(const Creation& creation) const;  // under mutex_
  [[nodiscard]] Result<std::vector<SessionPointer>> check_parts(const Creation& creation) const;
  [[nodiscard]] bool first_open_part(const std::string& owner) const;
  using RecordChange = std::function<void(SessionRecord&)>;
  // Changes records in memory and, as one append, in the journal, in the same order for everybody.
  [[nodiscard]] boost::asio::awaitable<Status> put_records(
      std::vector<std::pair<Session*, RecordChange>> records);
  [[nodiscard]] Result<std::unique_ptr<blob::BlobWriter>> begin_bytes(
      const std::optional<std::uint64_t>& length) const;
  [[nodiscard]] boost::asio::awaitable<Status> make_durable(
      Session& session, const std::vector<SessionPointer>& parts);
  [[nodiscard]] Status load_session(const RandomId& token);
  void touch(const Session& session);
  [[nodiscard]] bool still_idle(const Session& session) const;
  void forget(const RandomId& token);

  [[nodiscard]] Result<Checkpoint> last_checkpoint(const Session& session) const;  // disk thread
  struct Opening {
    std::unique_ptr<Ingest> ingest;
    std::optional<BlobId> renamed;  // the bytes had to be begun anew
  };
  [[nodiscard]] Result<Opening> reopen(const Session& session) const;  // disk thread
  [[nodiscard]] boost::asio::awaitable<Status> open_ingest(Session& session);
  [[nodiscard]] boost::asio::awaitable<void> close_ingest(Session& session);
  void begin_commit(Session& session);
  [[nodiscard]] boost::asio::awaitable<Status> commit(Session& session);
  [[nodiscard]] boost::asio::awaitable<Result<std::uint64_t>> after_append(Session& session,
                                                                           const Append& append,
                                                                           Status received);
  [[nodiscard]] boost::asio::awaitable<Status> receive(Session& session, AppendSource& source,
                                                       std::uint64_t limit);
  [[nodiscard]] boost::asio::awaitable<Status> receive_checked(Session& session,
                                                               digest::Algorithms algorithms,
                                                               AppendSource& source,
                                                               std::uint64_t limit);
  [[nodiscard]] boost::asio::awaitable<Error> stop_digesting(Session& session);
  [[nodiscard]] boost::asio::awaitable<Status> set_length(Session& session, std::uint64_t length);

  // Runs `work` on our thread; an exception (no memory) leaves the session to be tried again.
  void spawn(const SessionPointer& session, boost::asio::awaitable<void> work);
  void begin_completion(const SessionPointer& session);
  [[nodiscard]] boost::asio::awaitable<void> complete(SessionPointer session);
  [[nodiscard]] boost::asio::awaitable<Status> finish(Session& session);
  [[nodiscard]] boost::asio::awaitable<void> end(Session& session, Status outcome);
  void begin_assembly(const SessionPointer& session);
  [[nodiscard]] boost::asio::awaitable<void> assemble(SessionPointer session);
  [[nodiscard]] boost::asio::awaitable<Status> adopt_first(Session& session, Session& first);
  [[nodiscard]] boost::asio::awaitable<Status> copy_parts(Session& session);
  [[nodiscard]] boost::asio::awaitable<Status> copy_part(Session& session, const SessionView& part,
                                                         std::uint64_t base);
  [[nodiscard]] boost::asio::awaitable<void> remove_parts(const SessionRecord& record);
  [[nodiscard]] boost::asio::awaitable<Status> remove_session(const SessionPointer& session);
  [[nodiscard]] boost::asio::awaitable<Status> remove_unless_part(const SessionPointer& session);
  [[nodiscard]] SessionPointer open_final(const SessionRecord& record) const;
  [[nodiscard]] boost::asio::awaitable<Result<Session::Hold>> hold_surely(Session& session);
  [[nodiscard]] boost::asio::awaitable<Status> journal(std::vector<Journal::Change> changes);

  Parts p_;
  std::mutex records_mutex_;  // before the sessions' own
  mutable std::mutex mutex_;  // before the sessions' own
  std::map<RandomId, Entry> sessions_;
  std::int64_t swept_ms_ = 0;  // the time that sweeps have counted
  UnixMillis last_sweep_ = 0;
  std::atomic<bool> draining_{false};
  std::atomic<std::uint64_t> checkpoints_{0};
  std::atomic<std::uint64_t> read_back_{0};

  boost::asio::io_context context_{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  boost::asio::steady_timer timer_{context_};
  std::thread thread_;
};

}  // namespace strata::upload
