// What the local store does not write: long runs of zeros are holes of the file. That they read as
// zeros in every mixture is in the contract suite, that they last in
// tests/crash/kept_writer_test.cc.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <thread>

#include "storage/blob/local_blob_store.h"
#include "strata/io/block.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/fixed.h"
#include "tests/support/open_flags.h"
#include "tests/support/temporary_directory.h"

namespace strata::blob {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// A MiB of zeros with some bytes in front.
class Piece {
 public:
  explicit Piece(std::size_t bytes = 0) {
    std::fill_n(block_.data(), io::kBlockBytes, std::byte{0});
    std::fill_n(block_.data(), bytes, std::byte{'d'});
  }
  std::span<const std::byte> all() { return {block_.data(), io::kBlockBytes}; }

 private:
  io::Block block_;
};

BlobProperties properties_of(std::uint64_t bytes) {
  BlobProperties properties;  // whether the digests are right is for others to know
  properties.stored.bytes = properties.decoded.bytes = bytes;
  return properties;
}

struct OnDisk : ::testing::Test {
  [[nodiscard]] std::uint64_t allocated(const std::string& path) const {
    struct stat status {};
    EXPECT_EQ(stat((dir_.path() + path).c_str(), &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  [[nodiscard]] std::uint64_t allocated(const BlobId& id) const {
    return allocated("/blobs/" + id.text().substr(0, 2) + "/" + id.text());
  }
  // Whether this file system has holes at all, and gives back what was reserved.
  [[nodiscard]] bool has_holes() {
    const auto file = std::move(*fs_->open(dir_.path() + "/probe", io::OpenMode::kCreateNew));
    EXPECT_TRUE(file->reserve(4 * kMiB));
    EXPECT_TRUE(file->truncate(4 * kMiB));
    return *file->punch_hole(0, 4 * kMiB) && allocated("/probe") < kMiB;
  }

  const test::TemporaryDirectory dir_;
  const std::unique_ptr<io::FileSystem> fs_ = io::make_posix_file_system();
  test::SeededRandom random_;
  const std::unique_ptr<BlobStore> store_ =
      std::move(*open_local_blob_store(*fs_, dir_.path(), random_));
};

// Up to 1 GiB, of which every 64th MiB begins with some bytes.
TEST_F(OnDisk, MostlyEmptyImageTakesFewBlocks) {
  constexpr std::uint64_t kEvery = 64;
  const bool holes = has_holes();
  Piece zeros, some(10'000);
  for (const std::uint64_t pieces : {200, 1024}) {
    const auto writer =
        std::move(*store_->begin(pieces == 200 ? WriteHints{} : WriteHints{pieces * kMiB}));
    for (std::uint64_t i = 0; i < pieces; ++i) {
      ASSERT_TRUE(writer->append((i % kEvery == 0 ? some : zeros).all()));
    }
    ASSERT_TRUE(writer->commit(properties_of(pieces * kMiB), ""));
    if (holes) {
      EXPECT_LE(allocated(writer->id()), 2 * kMiB);
    }
    const auto reader = *store_->open(writer->id());
    ASSERT_EQ(reader->size(), pieces * kMiB);
    io::Block back;
    for (std::uint64_t i = 0; i < pieces; ++i) {
      ASSERT_TRUE(reader->read_at(i * kMiB, {back.data(), io::kBlockBytes}));
      const auto expected = (i % kEvery == 0 ? some : zeros).all();
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), back.data())) << i;
    }
  }
}

// What a hole gives back of the reservation is free for others at once; the rest stays reserved.
TEST_F(OnDisk, HolesGiveBackOnlyTheirPartOfTheReservation) {
  if (!has_holes()) return;
  const auto writer = std::move(*store_->begin({16 * kMiB}));
  const std::string path = "/staging/" + writer->id().text();
  Piece zeros, dense(io::kBlockBytes);
  ASSERT_TRUE(writer->append(dense.all()));
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(writer->append(zeros.all()));
  ASSERT_TRUE(writer->append(dense.all()));
  EXPECT_GE(allocated(path), 9 * kMiB);
  EXPECT_LT(allocated(path), 10 * kMiB);
}

// Zeros at the end, when nothing follows any more.
TEST_F(OnDisk, HoleAtTheEndGivesBackItsSpaceHoweverTheWriterEnds) {
  if (!has_holes()) return;
  Piece zeros, dense(io::kBlockBytes);
  for (const std::uint64_t cut : {std::uint64_t{0}, 3 * kMiB + 5}) {
    auto writer = std::move(*store_->begin({8 * kMiB}));
    writer->keep();
    ASSERT_TRUE(writer->append(dense.all()));
    for (int i = 0; i < 7; ++i) ASSERT_TRUE(writer->append(zeros.all()));
    ASSERT_TRUE(writer->truncate(writer->size() - cut));
    const BlobId id = writer->id();
    writer.reset();
    EXPECT_LT(allocated("/staging/" + id.text()), 2 * kMiB);
    EXPECT_TRUE(store_->resume(id, 8 * kMiB - cut));
  }
}

// The reservation ends inside a run: all that was reserved of it is given back.
TEST_F(OnDisk, RunAcrossTheEndOfTheReservationIsGivenBack) {
  if (!has_holes()) return;
  Piece zeros, dense(io::kBlockBytes);
  const auto writer = std::move(*store_->begin({4 * kMiB}));
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(writer->append(zeros.all()));
  ASSERT_TRUE(writer->append(dense.all()));
  ASSERT_TRUE(writer->commit(properties_of(9 * kMiB), ""));
  EXPECT_LT(allocated(writer->id()), 2 * kMiB);
}

// A page is written one way or the other; a hole is in the way of neither.
TEST_F(OnDisk, WritesDirectBehindAHole) {
  Piece zeros, dense(io::kBlockBytes);
  const auto writer = std::move(*store_->begin({}));
  const bool direct = test::writes_direct(writer->id().text());  // this file system has it
  const auto append = [&](Piece& piece, std::size_t n) {
    EXPECT_TRUE(writer->append(piece.all().first(n)));
    return test::writes_direct(writer->id().text());
  };
  EXPECT_EQ(append(zeros, kMiB), direct);
  EXPECT_EQ(append(dense, kMiB), direct);
  EXPECT_FALSE(append(zeros, 70'000));      // a hole, and a page of the cache
  EXPECT_FALSE(append(dense, 100));         // which goes on there
  ASSERT_TRUE(writer->truncate(kMiB - 5));  // into the first hole
  EXPECT_FALSE(append(dense, 5));           // to its end
  EXPECT_FALSE(append(zeros, kMiB));        // nothing is written, so nothing changes
  EXPECT_EQ(append(dense, io::kBlockAlignment), direct);
  ASSERT_TRUE(writer->sync());
  std::string back(10, '?');
  const auto out = std::as_writable_bytes(std::span(back));
  ASSERT_TRUE(writer->read_at(kMiB - 10, out));
  EXPECT_EQ(back, std::string(5, '\0') + "ddddd");
  ASSERT_TRUE(writer->read_at(2 * kMiB - 5, out));
  EXPECT_EQ(back, std::string(5, '\0') + "ddddd");
}

TEST_F(OnDisk, SyncsAndReadsBesideHoles) {
  constexpr std::uint64_t kPieces = 200;
  Piece zeros, some(5000);
  const auto writer = std::move(*store_->begin({kPieces * kMiB / 2}));
  const std::jthread syncs([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) EXPECT_TRUE(writer->sync());
  });
  const std::jthread reads([&](const std::stop_token& stop) {
    io::Block back;
    for (std::uint64_t i = 0; !stop.stop_requested(); ++i) {
      const std::uint64_t whole = writer->size() / kMiB;
      if (whole == 0) continue;
      EXPECT_TRUE(writer->read_at(i % whole * kMiB, {back.data(), io::kBlockBytes}));
      const auto expected = (i % whole % 3 == 0 ? some : zeros).all();
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), back.data()));
    }
  });
  for (std::uint64_t i = 0; i < kPieces; ++i) {
    ASSERT_TRUE(writer->append((i % 3 == 0 ? some : zeros).all()));
  }
}

struct OnFaultyFileSystem : ::testing::Test {
  [[nodiscard]] std::uint64_t written_by(BlobWriter& writer, std::span<const std::byte> data) {
    const std::uint64_t before = fs_.bytes_written();
    EXPECT_TRUE(writer.append(data));
    return fs_.bytes_written() - before;
  }

  test::FaultPlan plan_;
  test::FaultyFileSystem fs_{plan_};
  test::SeededRandom random_;
  const std::unique_ptr<BlobStore> store_ = std::move(*open_local_blob_store(fs_, "/s", random_));
};

TEST_F(OnFaultyFileSystem, ZerosAreNotWrittenWhetherHolesArePunchedOrNot) {
  Piece zeros, some(10'000);
  for (const bool punches : {true, false}) {
    fs_.set_punches_holes(punches);
    const auto writer = std::move(*store_->begin({2 * kMiB}));
    for (Piece* piece : {&zeros, &some, &zeros}) {
      EXPECT_EQ(written_by(*writer, piece->all()), piece == &some ? 12'288u : 0u);  // whole pages
    }
    ASSERT_TRUE(writer->commit(properties_of(3 * kMiB), ""));
    const auto reader = *store_->open(writer->id());
    ASSERT_EQ(reader->size(), 3 * kMiB);
    io::Block back;
    ASSERT_TRUE(reader->read_at(kMiB, {back.data(), io::kBlockBytes}));
    EXPECT_TRUE(std::equal(some.all().begin(), some.all().end(), back.data()));
  }
}

// A long run is one hole, but it does not keep its space for long.
TEST_F(OnFaultyFileSystem, HolesArePunchedForLongRunsAtOnce) {
  Piece zeros;
  const auto writer = std::move(*store_->begin({200 * kMiB}));
  plan_.reset();
  for (int i = 0; i < 130; ++i) ASSERT_TRUE(writer->append(zeros.all()));
  EXPECT_EQ(plan_.calls(), 130u + 2u);
}

TEST_F(OnFaultyFileSystem, ReserveOfTheDiskIsForWhatIsWritten) {
  Piece zeros, some(10'000), dense(io::kBlockBytes);
  fs_.set_free_bytes(Limits{}.disk_reserve_bytes + 20'000);
  const auto writer = std::move(*store_->begin({}));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(written_by(*writer, zeros.all()), 0u);
  EXPECT_EQ(written_by(*writer, some.all()), 12'288u);
  EXPECT_EQ(writer->append(dense.all()).error().code(), Errc::kNoSpace);
}

TEST_F(OnFaultyFileSystem, FailedHoleIsFinal) {
  Piece zeros;
  Piece dense(io::kBlockBytes);
  for (const std::uint64_t call : {0, 1}) {  // the size; the hole, when data follow
    const auto writer = std::move(*store_->begin({2 * kMiB}));
    plan_.fail_after(call, Errc::kIo);
    EXPECT_EQ(writer->append(zeros.all()).has_value(), call == 1);
    EXPECT_EQ(writer->append(dense.all()).error().code(), Errc::kIo);
    EXPECT_EQ(writer->append(zeros.all()).error().code(), Errc::kIo);
    EXPECT_FALSE(writer->commit(properties_of(writer->size()), ""));
  }
  EXPECT_EQ(fs_.all_files(), std::vector<std::string>{"/s/format"});
}

}  // namespace
}  // namespace strata::blob
