// Sides of blobs: after a power cut or a failure in any call, a published blob has those that its
// writer committed, whole, or is not published; one that is replaced is the old or the new one, and
// never a part; and what was not finished is gone after the next start.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "storage/blob/local_blob_store.h"
#include "strata/digest/hasher.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/fixed.h"

namespace strata::test {
namespace {

using blob::kSides;
using blob::Side;
using blob::SideWriter;
using Leaves = FaultyFileSystem::Leaves;

constexpr std::uint32_t kSeeds = 8;
const std::string kBlob(9000, 'b');
// Larger than the buffer of a SideWriter: several writes.
const std::string kOld(300'000, 'o'), kNew(400'001, 'n');

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Status write_side(Result<std::unique_ptr<SideWriter>> writer, std::string_view bytes) {
  if (!writer) return writer.error();
  const std::size_t half = bytes.size() / 2;
  if (auto done = (*writer)->append(bytes_of(bytes.substr(0, half))); !done) return done;
  if (auto done = (*writer)->append(bytes_of(bytes.substr(half))); !done) return done;
  return (*writer)->commit();
}

// A store on a disk that fails, with at most one blob, and what its user was told.
class World {
 public:
  explicit World(Leaves leaves = Leaves::kNothing, std::uint32_t seed = 0)
      : leaves_(leaves), seed_(seed) {
    EXPECT_TRUE(open());
  }

  FaultPlan& plan() { return plan_; }

  // Each stops at the first failure.
  Status publish() {
    STRATA_TRY(const auto writer, store_->begin({}));
    if (kept_) writer->keep();
    id_ = writer->id();
    if (auto done = writer->append(bytes_of(kBlob)); !done) return done;
    for (const Side side : kSides) {
      if (auto done = write_side(writer->begin_side(side), kOld); !done) return done;
    }
    STRATA_TRY(const auto dropped, writer->begin_side(Side::kSeekCopy));
    if (auto done = dropped->append(bytes_of(kNew)); !done) return done;
    if (auto done = write_side(writer->begin_side(Side::kSeekCopy), kOld); !done) return done;
    blob::BlobProperties properties;
    properties.stored = properties.decoded = digest::digest_of(kBlob);
    if (auto done = writer->commit(properties, "note"); !done) return done;
    must_be_there_ = true;
    return {};
  }
  Status replace() {
    may_be_new_ = true;
    if (auto done = write_side(store_->begin_side(id_, Side::kSeekIndex), kNew); !done) return done;
    must_be_new_ = true;
    return {};
  }
  Status remove() {
    must_be_there_ = false;
    if (auto done = store_->remove(id_); !done) return done;
    must_be_gone_ = true;
    return {};
  }
  void keeps_its_writer() { kept_ = true; }

  // The power comes back.
  void reboot() {
    store_.reset();
    const auto seed = seed_ * 7919 + static_cast<std::uint32_t>(plan_.calls());
    plan_.reset();
    fs_ = fs_->reboot(leaves_, seed);
  }
  // A new process.
  Status open() {
    store_.reset();
    STRATA_TRY(store_, blob::open_local_blob_store(*fs_, "/s", random_));
    STRATA_TRY([[maybe_unused]] const auto removed,
               store_->clean_up(kept_ ? std::set{id_} : std::set<BlobId>{}));
    return {};
  }

  // As a user sees it; `clean`: directly after a start, when nothing unfinished may lie about.
  void verify(bool clean) {
    const auto blobs = *store_->list();
    const bool there = blobs == std::vector<BlobId>{id_};
    EXPECT_TRUE(there || blobs.empty());
    EXPECT_TRUE(there || !must_be_there_) << "the blob is lost";
    EXPECT_TRUE(!there || !must_be_gone_) << "the blob came back";
    if (there) verify_blob();
    if (!there) {
      for (const Side side : kSides) {
        EXPECT_EQ(store_->open_side(id_, side).error().code(), Errc::kNotFound);
      }
    }
    if (!clean) return;
    for (const std::string& file : fs_->all_files()) {
      if (file.starts_with("/s/staging/")) {
        EXPECT_TRUE(kept_ && file == "/s/staging/" + id_.text()) << file;
      }
      if (file.starts_with("/s/blobs/")) {
        EXPECT_TRUE(there) << file;
      }
    }
  }

 private:
  std::string read(const Result<std::shared_ptr<const blob::BlobReader>>& reader) {
    if (!reader) return "(" + reader.error().message() + ")";
    std::string bytes(static_cast<std::size_t>((*reader)->size()), '?');
    EXPECT_TRUE((*reader)->read_at(0, std::as_writable_bytes(std::span(bytes))));
    return bytes;
  }
  void verify_blob() {
    EXPECT_TRUE(read(store_->open(id_)) == kBlob);
    EXPECT_TRUE(read(store_->open_side(id_, Side::kSeekCopy)) == kOld);
    const std::string index = read(store_->open_side(id_, Side::kSeekIndex));
    EXPECT_TRUE((index == kOld && !must_be_new_) || (index == kNew && may_be_new_))
        << "a side of " << index.size() << " bytes: " << index.substr(0, 100);
  }

  const Leaves leaves_;
  const std::uint32_t seed_;
  FaultPlan plan_;
  SeededRandom random_;
  std::unique_ptr<FaultyFileSystem> fs_ = std::make_unique<FaultyFileSystem>(plan_);
  std::unique_ptr<blob::BlobStore> store_;
  BlobId id_;
  bool kept_ = false;
  bool must_be_there_ = false, must_be_gone_ = false;
  bool may_be_new_ = false, must_be_new_ = false;
};

// `prepare` happens in peace.
struct Flow {
  std::string name;
  std::function<Status(World&)> prepare;
  std::function<Status(World&)> run;
};

std::vector<Flow> flows() {
  const auto nothing = [](World&) { return Status(); };
  const auto keep = [](World& world) {
    world.keeps_its_writer();
    return Status();
  };
  const auto publish = [](World& world) { return world.publish(); };
  return {{"publish", nothing, publish},
          {"publish of a kept writer", keep, publish},
          {"replace", publish, [](World& world) { return world.replace(); }},
          {"remove", publish, [](World& world) { return world.remove(); }}};
}

void cut_everywhere(const Flow& flow, Leaves leaves, std::uint32_t seed) {
  std::uint64_t k = 0;
  for (bool finished = false; !finished; ++k) {
    SCOPED_TRACE(flow.name + ", leaves " + std::to_string(static_cast<int>(leaves)) + ", seed " +
                 std::to_string(seed) + ", cut after call " + std::to_string(k));
    World world(leaves, seed);
    ASSERT_TRUE(flow.prepare(world));
    world.plan().cut_power_after(k);
    // What goes on best effort after the last call that counts may be cut as well.
    (void)flow.run(world);
    finished = !world.plan().power_is_off();
    world.reboot();
    if (k % 2 == 1) {  // and once more, early in the next start
      world.plan().cut_power_after(k / 2 % 4);
      if (!world.open()) world.reboot();
      world.plan().reset();
    }
    const Status opened = world.open();
    ASSERT_TRUE(opened) << opened.error().message();
    world.verify(true);
    if (::testing::Test::HasFailure()) return;  // one report is enough
  }
  EXPECT_GT(k, 4u);
}

TEST(Sides, SurviveAPowerCutInEveryCall) {
  for (const Flow& flow : flows()) {
    cut_everywhere(flow, Leaves::kNothing, 0);
    cut_everywhere(flow, Leaves::kEverything, 0);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) cut_everywhere(flow, Leaves::kSome, seed);
    if (HasFailure()) return;
  }
}

void fail_everywhere(const Flow& flow, Errc code, FaultPlan::Then then) {
  std::uint64_t k = 0;
  for (bool finished = false; !finished; ++k) {
    SCOPED_TRACE(flow.name + ", error " + std::to_string(static_cast<int>(code)) + " in call " +
                 std::to_string(k) + (then == FaultPlan::Then::kRecover ? " once" : " and after"));
    World world;
    ASSERT_TRUE(flow.prepare(world));
    world.plan().fail_after(k, code, then);
    const Status status = flow.run(world);
    finished = world.plan().calls() <= k;
    if (!status) {
      EXPECT_EQ(status.error().code(), code) << status.error().message();
    }
    world.plan().reset();
    world.verify(false);
    ASSERT_TRUE(world.open());
    world.verify(true);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(k, 4u);
}

TEST(Sides, SurviveAFailureOfEveryCall) {
  for (const Flow& flow : flows()) {
    for (const Errc code : {Errc::kIo, Errc::kNoSpace}) {
      for (const auto then : {FaultPlan::Then::kRecover, FaultPlan::Then::kKeepFailing}) {
        fail_everywhere(flow, code, then);
        if (HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace strata::test
