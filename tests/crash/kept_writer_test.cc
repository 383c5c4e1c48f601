// A kept writer: every offset that was synced is there after a power cut or a failure in any call,
// with exactly the bytes that were appended, and can be gone on from to a blob.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "storage/blob/local_blob_store.h"
#include "strata/digest/hasher.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/fixed.h"

namespace strata::test {
namespace {

using blob::BlobWriter;
using Leaves = FaultyFileSystem::Leaves;

constexpr std::uint32_t kSeeds = 8;

// What is uploaded: dense bytes, or ones with zeros that become holes. Holes are large, so the
// places where something happens are multiplied.
struct Content {
  std::string name;
  std::size_t scale;
  std::vector<std::pair<std::size_t, std::size_t>> zeros;  // from, to
};

std::vector<Content> contents() {
  return {{"dense", 1, {}},
          // Across an answer, the truncation and the resumption; and one at the end.
          {"sparse", 37, {{40'000, 170'000}, {200'000, 480'000}, {650'000, 740'000}}}};
}

std::string whole(const Content& content) {
  std::string bytes(20'000 * content.scale, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  for (const auto& [from, to] : content.zeros) {
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from),
              bytes.begin() + static_cast<std::ptrdiff_t>(to), '\0');
  }
  return bytes;
}

// An upload session on a disk that fails, and what its client was told.
class Session {
 public:
  explicit Session(const Content& content, Leaves leaves = Leaves::kNothing, std::uint32_t seed = 0)
      : leaves_(leaves), seed_(seed), scale_(content.scale), whole_(whole(content)) {
    EXPECT_TRUE(open());
  }

  FaultPlan& plan() { return plan_; }
  [[nodiscard]] bool committed() const { return committed_; }

  // Everything that happens to a session; stops at the first failure.
  Status run() {
    STRATA_TRY(auto writer, store_->begin({whole_.size()}));
    writer->keep();
    id_ = writer->id();
    if (auto done = send(*writer, 5000); !done) return done;
    if (auto done = send(*writer, 7000); !done) return done;
    if (auto done = append(*writer, 9000); !done) return done;            // never answered,
    if (auto done = writer->truncate(7000 * scale_); !done) return done;  // but dropped
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
    return writer.append(bytes.subspan(at, up_to * scale_ - at));
  }
  Status send(BlobWriter& writer, std::size_t up_to) {
    if (auto appended = append(writer, up_to); !appended) return appended;
    if (auto synced = writer.sync(); !synced) return synced;
    answered_ = up_to * scale_;
    return {};
  }
  Status finish(std::unique_ptr<BlobWriter> writer) {
    if (auto sent = send(*writer, 20'000); !sent) return sent;
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
  const std::size_t scale_;
  const std::string whole_;
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

void cut_everywhere(const Content& content, Leaves leaves, std::uint32_t seed) {
  std::uint64_t k = 0;
  for (bool finished = false; !finished; ++k) {
    SCOPED_TRACE(content.name + ", leaves " + std::to_string(static_cast<int>(leaves)) + ", seed " +
                 std::to_string(seed) + ", cut after call " + std::to_string(k));
    Session session(content, leaves, seed);
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
    if (::testing::Test::HasFailure()) return;  // one report is enough
  }
  EXPECT_GT(k, 20u);
}

TEST(KeptWriter, SurvivesAPowerCutInEveryCall) {
  for (const Content& content : contents()) {
    cut_everywhere(content, Leaves::kNothing, 0);
    cut_everywhere(content, Leaves::kEverything, 0);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      cut_everywhere(content, Leaves::kSome, seed);
    }
    if (HasFailure()) return;
  }
}

struct Failure {
  Errc code;
  FaultPlan::Then then;
  bool restarts;
};

void fail_everywhere(const Content& content, const Failure& failure) {
  std::uint64_t k = 0;
  for (bool finished = false; !finished; ++k) {
    SCOPED_TRACE(content.name + ", error " + std::to_string(static_cast<int>(failure.code)) +
                 " in call " + std::to_string(k) +
                 (failure.then == FaultPlan::Then::kRecover ? " once" : " and after") +
                 (failure.restarts ? ", then a restart" : ""));
    Session session(content);
    session.plan().fail_after(k, failure.code, failure.then);
    const Status status = session.run();
    finished = session.plan().calls() <= k;
    if (!status) {
      EXPECT_EQ(status.error().code(), failure.code) << status.error().message();
      session.commit_has_failed();
    }
    session.plan().reset();
    if (failure.restarts) {
      ASSERT_TRUE(session.open());
    }
    session.verify();
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(k, 20u);
}

TEST(KeptWriter, SurvivesAFailureOfEveryCall) {
  for (const Content& content : contents()) {
    for (const Errc code : {Errc::kIo, Errc::kNoSpace}) {
      for (const auto then : {FaultPlan::Then::kRecover, FaultPlan::Then::kKeepFailing}) {
        for (const bool restarts : {false, true}) {
          fail_everywhere(content, {code, then, restarts});
          if (HasFailure()) return;
        }
      }
    }
  }
}

}  // namespace
}  // namespace strata::test
