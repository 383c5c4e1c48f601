// Quotas, time, takeover and removal of resumable uploads.
#include "storage/upload/uploads.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <map>

#include "storage/blob/memory_blob_store.h"
#include "strata/digest/hasher.h"
#include "tests/support/append_text.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/fixed.h"
#include "tests/support/watchdog.h"

namespace strata::upload {
namespace {
namespace asio = boost::asio;
using std::chrono::milliseconds;
using test::AppendText;

class MapPublisher final : public Publisher {
 public:
  Status publish(std::unique_ptr<blob::BlobWriter> writer, const SessionRecord& session,
                 const blob::BlobProperties& properties) override {
    if (const Status done = writer->commit(properties, ""); !done) return done;
    const std::lock_guard lock(mutex_);
    images_[session.image] = properties;
    return {};
  }
  Result<bool> publish_committed(const SessionRecord& session) override {
    const std::lock_guard gate(gate_);
    const std::lock_guard lock(mutex_);
    return images_.contains(session.image);
  }
  [[nodiscard]] blob::BlobProperties at(const ImageId& image) {
    const std::lock_guard lock(mutex_);
    return images_.at(image);
  }
  // Who locks it holds every completion and every concatenation up at its beginning.
  [[nodiscard]] std::mutex& gate() { return gate_; }

 private:
  std::mutex gate_;
  std::mutex mutex_;
  std::map<ImageId, blob::BlobProperties> images_;
};

// A client that sends nothing, until it is interrupted.
class SilentSource final : public AppendSource {
 public:
  asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> /*out*/) override {
    for (;;) {
      const auto seen = changed_.version();
      reading_ = true;
      if (interrupted_) co_return Error(Errc::kCancelled, "interrupted");
      co_await changed_.wait(seen);
    }
  }
  Result<ExpectedDigests> expected() const override { return ExpectedDigests(); }
  asio::awaitable<Status> acknowledged(std::uint64_t /*offset*/) override { co_return Status(); }
  void interrupt() {
    interrupted_ = true;
    changed_.notify();
  }
  [[nodiscard]] bool reading() const { return reading_; }

 private:
  Notifier changed_;
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> reading_{false};
};

class UploadsTest : public testing::Test {
 protected:
  UploadsTest() {
    limits_.disk_reserve_bytes = 0;
    limits_.open_uploads_per_user = 2;
    limits_.upload_records_per_user = 3;
    uploads_.start();
  }
  ~UploadsTest() override { uploads_.stop(); }

  template <typename T>
  T run(asio::awaitable<T> work) {
    std::optional<T> result;
    const auto keep = [&]() -> asio::awaitable<void> { result.emplace(co_await std::move(work)); };
    asio::co_spawn(context_, keep(), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context_.restart();
    context_.run();
    return *std::move(result);
  }
  Result<Uploads::SessionPointer> create(const std::string& owner = "alice",
                                         std::optional<std::uint64_t> length = 10) {
    Uploads::Creation creation;
    creation.owner = owner;
    creation.length = length;
    return run(uploads_.create(creation));
  }
  asio::awaitable<Result<std::uint64_t>> appending(Uploads::SessionPointer session,
                                                   AppendSource& source,
                                                   std::function<void()> interrupt) {
    auto hold = co_await session->hold(std::move(interrupt));
    if (!hold) co_return hold.error();
    Uploads::Append append;
    append.offset = session->view().offset;
    co_return co_await uploads_.append(*hold, append, source);
  }
  Result<std::uint64_t> append(const Uploads::SessionPointer& session, std::string_view bytes) {
    AppendText source(bytes);
    return run(appending(session, source, [] {}));
  }
  Status complete(const Uploads::SessionPointer& session) {
    if (const auto sent = append(session, "0123456789"); !sent) return sent.error();
    return run(uploads_.completion(session));
  }
  // `time` passes, in sweeps of an hour.
  void pass(std::chrono::seconds time) {
    const auto hour = milliseconds(std::chrono::hours(1));
    for (milliseconds left = time; left.count() > 0; left -= hour) {
      clock_.advance(std::min(left, hour).count());
      sweep(hour);
    }
  }
  void sweep(milliseconds interval) {
    const auto swept = [&]() -> asio::awaitable<Status> {
      co_await uploads_.sweep(interval);
      co_return Status();
    };
    EXPECT_TRUE(run(swept()));
  }
  bool known(const Uploads::SessionPointer& session) {
    return uploads_.find(session->token().text(), session->view().record.owner).has_value();
  }

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  test::ManualClock clock_;
  test::SeededRandom random_;
  test::FaultPlan plan_;
  test::FaultyFileSystem fs_{plan_};
  Limits limits_;
  std::unique_ptr<blob::BlobStore> blobs_ = blob::make_memory_blob_store(random_);
  std::unique_ptr<Journal> journal_ = std::move(*Journal::open(fs_, {.directory = "/uploads"}));
  MapPublisher publisher_;
  io::BlockPool blocks_{16};
  asio::io_context context_;
  io::WorkerPool disk_{"disk", 2};
  Metrics metrics_;
  io::WorkerPool compute_{"compute", 2};
  digest::Engine digests_{compute_, metrics_};
  codec::ParallelDecoding decoding_{compute_, {.bytes_max = limits_.parallel_decoding_bytes_max}};
  Uploads uploads_{Uploads::Parts{limits_,
                                  clock_,
                                  random_,
                                  {disk_, compute_, digests_, blocks_, decoding_},
                                  *blobs_,
                                  *journal_,
                                  publisher_}};
};

TEST_F(UploadsTest, QuotasAreForEachOwner) {
  const auto first = create();
  const auto second = create();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(create().error().code(), Errc::kTooManyRequests);
  EXPECT_TRUE(create("bob"));
  EXPECT_TRUE(complete(*first));  // no longer open, but still remembered
  EXPECT_TRUE(create());
  EXPECT_EQ(create().error().code(), Errc::kTooManyRequests);
  EXPECT_TRUE(complete(*second));
  EXPECT_EQ(create().error().code(), Errc::kTooManyRequests);  // three records
  EXPECT_TRUE(run(uploads_.remove(*first)));
  EXPECT_TRUE(create());
  EXPECT_EQ(create("carol", limits_.stored_bytes_max + 1).error().code(), Errc::kTooLarge);
}

TEST_F(UploadsTest, AForeignSessionIsNotThere) {
  const auto session = create();
  const std::string token = (*session)->token().text();
  EXPECT_TRUE(uploads_.find(token, "alice"));
  EXPECT_EQ(uploads_.find(token, "bob").error().code(), Errc::kNotFound);
  EXPECT_EQ(uploads_.find("nonsense", "alice").error().code(), Errc::kNotFound);
}

// B26: another tenant's part is refused in the words for one that never was, and stays free.
TEST_F(UploadsTest, AForeignPartCannotBeJoined) {
  Uploads::Creation part;
  part.kind = Kind::kPartial;
  part.owner = "alice";
  part.length = 10;
  const auto made = run(uploads_.create(part));
  ASSERT_TRUE(made);
  const auto join = [&](const std::string& owner, const RandomId& token) {
    Uploads::Creation whole;
    whole.kind = Kind::kFinal;
    whole.owner = owner;
    whole.parts = {token};
    return run(uploads_.create(whole));
  };
  const auto foreign = join("bob", (*made)->token());
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code(), Errc::kMalformed);
  const auto unknown = join("bob", RandomId::generate(random_));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(foreign.error().detail(), unknown.error().detail());
  EXPECT_FALSE((*made)->view().record.final);
  EXPECT_TRUE(join("alice", (*made)->token()));
}

TEST_F(UploadsTest, AnUploadExpiresWhenNobodyTouchesIt) {
  const auto session = *create();
  const auto other = *create();
  pass(limits_.upload_idle_max / 2);
  EXPECT_EQ(uploads_.expires_in(*session), milliseconds(limits_.upload_idle_max) / 2);
  EXPECT_TRUE(append(other, "012"));
  EXPECT_EQ(uploads_.expires_in(*other), milliseconds(limits_.upload_idle_max));
  pass(limits_.upload_idle_max / 2 + std::chrono::hours(1));
  EXPECT_FALSE(known(session));
  EXPECT_TRUE(known(other));
  EXPECT_EQ(blobs_->open_unpublished(session->view().record.blob, 0).error().code(),
            Errc::kNotFound);
  EXPECT_EQ(journal_->sessions(), std::vector<RandomId>{other->token()});
}

TEST_F(UploadsTest, AClockThatJumpsEndsNothing) {
  const auto session = *create();
  clock_.advance(365LL * 24 * 3600 * 1000);
  sweep(std::chrono::seconds(5));
  EXPECT_TRUE(known(session));
  EXPECT_GT(uploads_.expires_in(*session), milliseconds(limits_.upload_idle_max) * 9 / 10);
  clock_.advance(-2LL * 365 * 24 * 3600 * 1000);
  sweep(std::chrono::seconds(5));
  EXPECT_TRUE(known(session));
}

TEST_F(UploadsTest, AnEndedSessionIsForgottenAndItsImageStays) {
  const auto session = *create();
  ASSERT_TRUE(complete(session));
  EXPECT_EQ(publisher_.at(session->view().record.image).stored, digest::digest_of("0123456789"));
  EXPECT_EQ(append(session, "").error().code(), Errc::kGone);
  pass(limits_.upload_ended_kept - std::chrono::hours(1));
  EXPECT_TRUE(known(session));
  pass(std::chrono::hours(1));
  EXPECT_FALSE(known(session));
  EXPECT_EQ(blobs_->list()->size(), 1u);
  EXPECT_TRUE(journal_->sessions().empty());
}

TEST_F(UploadsTest, AnIdlePipelineIsClosedAndGoesOnFromItsCheckpoint) {
  const auto session = *create();
  ASSERT_TRUE(append(session, "0123"));
  EXPECT_TRUE(session->ingest);
  pass(limits_.upload_warm_idle);
  EXPECT_FALSE(session->ingest);
  ASSERT_TRUE(append(session, "456789"));
  EXPECT_TRUE(run(uploads_.completion(session)));
  EXPECT_EQ(publisher_.at(session->view().record.image).stored, digest::digest_of("0123456789"));
}

TEST_F(UploadsTest, OnlySoManyPipelinesStayWarm) {
  limits_.upload_warm_max = 1;
  const auto first = *create();
  ASSERT_TRUE(append(first, "0123"));
  pass(std::chrono::seconds(1));
  const auto second = *create();
  ASSERT_TRUE(append(second, "0123"));
  pass(std::chrono::seconds(1));
  EXPECT_FALSE(first->ingest);
  EXPECT_TRUE(second->ingest);
}

TEST_F(UploadsTest, ANewerRequestTakesOver) {
  const auto session = *create();
  ASSERT_TRUE(append(session, "0123"));
  const auto both = [&]() -> asio::awaitable<Status> {
    SilentSource silent;
    std::optional<Result<std::uint64_t>> old;
    Notifier ended;
    asio::co_spawn(
        context_,
        [&]() -> asio::awaitable<void> {
          old.emplace(co_await appending(session, silent, [&] { silent.interrupt(); }));
          ended.notify();
        },
        [](const std::exception_ptr&) {});
    while (!silent.reading()) co_await asio::post(context_, asio::use_awaitable);
    AppendText rest("456789");
    const auto sent = co_await appending(session, rest, [] {});
    EXPECT_TRUE(sent);
    for (;;) {
      const auto seen = ended.version();
      if (old) break;
      co_await ended.wait(seen);
    }
    EXPECT_EQ(old->error().code(), Errc::kCancelled);
    co_return co_await uploads_.completion(session);
  };
  EXPECT_TRUE(run(both()));
  EXPECT_EQ(publisher_.at(session->view().record.image).stored, digest::digest_of("0123456789"));
}

// Nobody has to send anything for what is only still to be joined.
TEST_F(UploadsTest, AConcatenationReceivesOnlyWhileAPartDoes) {
  limits_.open_uploads_per_user = 3;
  Uploads::Creation creation;
  creation.owner = "alice";
  creation.length = 10;
  creation.kind = Kind::kPartial;
  const auto first = *run(uploads_.create(creation));
  const auto second = *run(uploads_.create(creation));
  creation.kind = Kind::kFinal;
  creation.length.reset();
  creation.parts = {first->token(), second->token()};
  std::unique_lock gate(publisher_.gate());
  const auto whole = *run(uploads_.create(creation));
  EXPECT_EQ(uploads_.state_of(whole->view()), SessionState::kReceiving);
  ASSERT_TRUE(append(first, "0123456789"));
  EXPECT_EQ(uploads_.state_of(first->view()), SessionState::kComplete);
  EXPECT_EQ(uploads_.state_of(whole->view()), SessionState::kReceiving);
  ASSERT_TRUE(append(second, "0123456789"));
  EXPECT_EQ(whole->view().state, SessionState::kReceiving) << "the gate is open";
  EXPECT_EQ(uploads_.state_of(whole->view()), SessionState::kVerifying);
  gate.unlock();
  EXPECT_TRUE(run(uploads_.completion(whole)));
  EXPECT_EQ(uploads_.state_of(whole->view()), SessionState::kComplete);
  EXPECT_EQ(publisher_.at(whole->view().record.image).stored,
            digest::digest_of("01234567890123456789"));
}

TEST_F(UploadsTest, RemoveInEveryState) {
  for (const std::string_view sent : {"", "0123", "0123456789"}) {
    const auto session = *create();
    if (!sent.empty()) {
      ASSERT_TRUE(append(session, sent));  // the last one: verifying, or complete already
    }
    EXPECT_TRUE(run(uploads_.remove(session)));
    EXPECT_FALSE(known(session));
    EXPECT_EQ(run(uploads_.remove(session)).error().code(), Errc::kGone);
    EXPECT_EQ(append(session, "4").error().code(), Errc::kGone);
    EXPECT_EQ(blobs_->open_unpublished(session->view().record.blob, 0).error().code(),
              Errc::kNotFound);
  }
  EXPECT_TRUE(journal_->sessions().empty());
}

TEST_F(UploadsTest, AppendIsRefusedWithItsReason) {
  const auto session = *create();
  EXPECT_EQ(append(session, "0123456789X").error().code(), Errc::kTooLarge);
  const auto other = *create();
  const auto wrong = [&]() -> asio::awaitable<Result<std::uint64_t>> {
    const auto hold = co_await other->hold([] {});
    ExpectedDigests expected;
    expected.sha256 = digest::digest_of("other").sha256;
    AppendText source("0123", expected);
    Uploads::Append request;
    request.verified_by = digest::Algorithms::kSha256;
    co_return co_await uploads_.append(*hold, request, source);
  };
  EXPECT_EQ(run(wrong()).error().code(), Errc::kChecksumMismatch);
  EXPECT_EQ(other->view().offset, 0u);
  EXPECT_TRUE(complete(other));
}

}  // namespace
}  // namespace strata::upload
