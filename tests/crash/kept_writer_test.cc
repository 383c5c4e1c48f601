// A kept writer: every offset that was synced is there after a power cut or a failure in any call,
// with exactly the bytes that were appended, and can be gone on from to a blob.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "storage/blob/local_blob_store.h"
#include "strata/digest/hasher.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/fixed.h"

namespace strata::test {
namespace {

using blob::BlobWriter;
using Leaves = FaultyFileSystem::Leaves;

constexpr std::size_t kBytes = 20'000;
constexpr std::uint32_t kSeeds = 8;

std::string whole() {
  std::string bytes(kBytes, '\0');
  for (std::size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  return bytes;
}

// An upload session on a disk that fails, and what its client was told.
class Session {
 public:
  explicit Session(Leaves leaves = Leaves::kNothing, std::uint32_t seed = 0)
      : leaves_(leaves), seed_(seed) {
    EXPECT_TRUE(open());
  }

  FaultPlan& plan() { return plan_; }
  [[nodiscard]] bool committed() const { return committed_; }

  // Everything that happens to a session; stops at the first failure.
  Status run() {
    STRATA_TRY(auto writer, store_->begin({kBytes}));
    writer->keep();
    id_ = writer->id();
    if (auto done = send(*writer, 5000); !done) return done;
    if (auto done = send(*writer, 7000); !done) return done;
    if (auto done = append(*writer, 9000); !done) return done;   // never answered,
    if (auto done = writer->truncate(7000); !done) return done;  // but dropped
    if (auto done = send(*writer, 12'000); !done) return done;
    if (auto done = append(*writer, 13'000); !done) return done;
    writer.reset();  // the connection breaks
    STRATA_TRY(writer, store_->resume(id_, answered_));
    writer->keep();
    return finish(std::move(writer));
  }

  // The power comes back.
  void reboot() {
    store_.reset();
    const auto seed = seed_ * 7919 + static_cast<std::uint32_t>(plan_.calls());
    plan_.reset();
    fs_ = fs_->reboot(leaves_, seed);
  }
  // A new process; the journal knows the session.
  Status open() {
    store_.reset();
    STRATA_TRY(store_, blob::open_local_blob_store(*fs_, "/s", random_));
    STRATA_TRY([[maybe_unused]] const auto removed, store_->clean_up({id_}));
    for (const std::string& left : *fs_->list("/s/staging")) EXPECT_EQ(left, id_.text());
    return {};
  }

  // What was answered is there and becomes a blob; nothing else does.
  void verify() {
    if (id_ == BlobId()) return;  // nobody was told anything
    auto writer = store_->resume(id_, answered_);
    if (writer) {
      EXPECT_FALSE(committed_);
      EXPECT_TRUE(store_->list()->empty());
      verify_prefix(**writer);
      (*writer)->keep();
      EXPECT_TRUE(finish(std::move(*writer)));
    } else if (writer.error().code() == Errc::kNotFound) {
      EXPECT_TRUE(answered_ == 0 || commit_failed_) << writer.error().message();
      EXPECT_TRUE(store_->list()->empty());
      return;
    } else {
      EXPECT_EQ(writer.error().code(), Errc::kConflict) << writer.error().message();
      // The next start takes back what this process could not.
      if (commit_failed_ && store_->list()->empty()) return;
    }
    verify_published();
    EXPECT_TRUE(store_->discard(id_));  // what a commit that was cut off left in staging
    verify_published();
    EXPECT_FALSE(*fs_->exists("/s/staging/" + id_.text()));
  }
  // A commit that was seen to fail ends the session: nothing need be staged.
  void commit_has_failed() { commit_failed_ = committing_ && !committed_; }

 private:
  Status append(BlobWriter& writer, std::size_t up_to) {
    const auto bytes = std::as_bytes(std::span(whole_));
    const auto at = static_cast<std::size_t>(writer.size());
    return writer.append(bytes.subspan(at, up_to - at));
  }
  Status send(BlobWriter& writer, std::size_t up_to) {
    if (auto appended = append(writer, up_to); !appended) return appended;
    if (auto synced = writer.sync(); !synced) return synced;
    answered_ = up_to;
    return {};
  }
  Status finish(std::unique_ptr<BlobWriter> writer) {
    if (auto sent = send(*writer, kBytes); !sent) return sent;
    blob::BlobProperties properties;
    properties.stored = properties.decoded = digest::digest_of(whole_);
    committing_ = true;
    if (auto done = writer->commit(properties, "note"); !done) return done;
    committed_ = true;
    return {};
  }
  void verify_prefix(const BlobWriter& writer) {
    std::string found(static_cast<std::size_t>(writer.size()), '?');
    EXPECT_TRUE(writer.read_at(0, std::as_writable_bytes(std::span(found))));
    EXPECT_EQ(found.size(), answered_);
    EXPECT_TRUE(whole_.starts_with(found));
    const auto reader = store_->open_unpublished(id_, answered_);
    ASSERT_TRUE(reader) << reader.error().message();
    EXPECT_TRUE((*reader)->read_at(0, std::as_writable_bytes(std::span(found))));
    EXPECT_TRUE(whole_.starts_with(found));
  }
  void verify_published() {
    EXPECT_EQ(*store_->list(), std::vector<BlobId>{id_});
    const auto reader = store_->open(id_);
    ASSERT_TRUE(reader) << reader.error().message();
    std::string found(static_cast<std::size_t>((*reader)->size()), '?');
    EXPECT_TRUE((*reader)->read_at(0, std::as_writable_bytes(std::span(found))));
    EXPECT_TRUE(found == whole_);
  }

  const Leaves leaves_;
  const std::uint32_t seed_;
  const std::string whole_ = whole();
  FaultPlan plan_;
  SeededRandom random_;
  std::unique_ptr<FaultyFileSystem> fs_ = std::make_unique<FaultyFileSystem>(plan_);
  std::unique_ptr<blob::BlobStore> store_;
  BlobId id_;
  std::uint64_t answered_ = 0;
  bool committing_ = false;
  bool committed_ = false;
  bool commit_failed_ = false;
};

TEST(KeptWriter, SurvivesAPowerCutInEveryCall) {
  std::vector<std::pair<Leaves, std::uint32_t>> endings = {{Leaves::kNothing, 0},
                                                           {Leaves::kEverything, 0}};
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) endings.emplace_back(Leaves::kSome, seed);
  for (const auto& [leaves, seed] : endings) {
    std::uint64_t k = 0;
    for (bool finished = false; !finished; ++k) {
      SCOPED_TRACE("leaves " + std::to_string(static_cast<int>(leaves)) + ", seed " +
                   std::to_string(seed) + ", cut after call " + std::to_string(k));
      Session session(leaves, seed);
      session.plan().cut_power_after(k);
      finished = session.run().has_value();
      EXPECT_EQ(finished, session.committed());
      session.reboot();
      if (k % 2 == 1) {  // and once more, early in the next start
        session.plan().cut_power_after(k / 2 % 4);
        if (!session.open()) session.reboot();
        session.plan().reset();
      }
      const Status opened = session.open();
      ASSERT_TRUE(opened) << opened.error().message();
      session.verify();
      if (HasFailure()) return;  // one report is enough
    }
    EXPECT_GT(k, 20u);
  }
}

TEST(KeptWriter, SurvivesAFailureOfEveryCall) {
  for (const Errc code : {Errc::kIo, Errc::kNoSpace}) {
    for (const auto then : {FaultPlan::Then::kRecover, FaultPlan::Then::kKeepFailing}) {
      for (const bool restarts : {false, true}) {
        std::uint64_t k = 0;
        for (bool finished = false; !finished; ++k) {
          SCOPED_TRACE("error " + std::to_string(static_cast<int>(code)) + " in call " +
                       std::to_string(k) +
                       (then == FaultPlan::Then::kRecover ? " once" : " and after") +
                       (restarts ? ", then a restart" : ""));
          Session session;
          session.plan().fail_after(k, code, then);
          const Status status = session.run();
          finished = session.plan().calls() <= k;
          if (!status) {
            EXPECT_EQ(status.error().code(), code) << status.error().message();
            session.commit_has_failed();
          }
          session.plan().reset();
          if (restarts) {
            ASSERT_TRUE(session.open());
          }
          session.verify();
          if (HasFailure()) return;
        }
        EXPECT_GT(k, 20u);
      }
    }
  }
}

}  // namespace
}  // namespace strata::test
