// What the local store promises beyond the contract: its layout, its format version, how it finds
// damage and cleans up. The power cuts are in tests/crash.
#include "storage/blob/local_blob_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "storage/blob/sidecar.h"
#include "strata/digest/hasher.h"
#include "strata/io/block.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/fixed.h"
#include "tests/support/open_flags.h"
#include "tests/support/temporary_directory.h"

namespace strata::blob {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

BlobProperties properties_of(std::string_view bytes) {
  BlobProperties properties;
  properties.stored = properties.decoded = digest::digest_of(bytes);
  return properties;
}

class LocalBlobStoreTest : public ::testing::Test {
 protected:
  // A new process on the same disk.
  Status restart(const Limits& limits = {}) {
    store_.reset();
    STRATA_TRY(store_, open_local_blob_store(fs_, "/s", random_, limits));
    return {};
  }
  BlobId put(std::string_view bytes) {
    const auto writer = std::move(*store_->begin({}));
    EXPECT_TRUE(writer->append(bytes_of(bytes)));
    EXPECT_TRUE(writer->commit(properties_of(bytes), "note"));
    return writer->id();
  }
  static std::string path_of(const BlobId& id) {
    return "/s/blobs/" + id.text().substr(0, 2) + "/" + id.text();
  }
  static std::vector<std::string> names(const std::vector<std::string>& suffixes,
                                        const BlobId& id) {
    std::vector<std::string> all;
    for (const std::string& suffix : suffixes) all.push_back(id.text() + suffix);
    return all;
  }
  void write_file(const std::string& path, std::string_view contents) {
    ASSERT_TRUE(io::write_new_file(fs_, path, contents));
  }

  test::FaultPlan plan_;
  test::FaultyFileSystem fs_{plan_};
  test::SeededRandom random_;
  std::unique_ptr<BlobStore> store_ = std::move(*open_local_blob_store(fs_, "/s", random_));
};

TEST_F(LocalBlobStoreTest, HasTheLayoutOfTheFormatDocument) {
  const BlobId id = put("hello");
  const std::vector<std::string> expected = {path_of(id), path_of(id) + ".json", "/s/format"};
  EXPECT_EQ(fs_.all_files(), expected);
  EXPECT_EQ(*io::read_file(fs_, "/s/format", 100), "strata-blobs 1\n");
  const auto writer = std::move(*store_->begin({}));
  EXPECT_TRUE(*fs_.exists("/s/staging/" + writer->id().text()));
}

TEST_F(LocalBlobStoreTest, OpensItsOwnFormatAndRefusesOthers) {
  const BlobId id = put("hello");
  ASSERT_TRUE(restart());
  EXPECT_EQ((*store_->open(id))->size(), 5u);
  const auto error_for = [&](std::string_view format) {
    write_file("/s/format", format);
    return restart().error();
  };
  const Error newer = error_for("strata-blobs 2\n");
  EXPECT_EQ(newer.code(), Errc::kCorruptData);
  EXPECT_NE(newer.detail().find("format version 2"), std::string::npos);
  EXPECT_NE(newer.detail().find("newer"), std::string::npos);
  for (const auto* damaged : {"", "strata-blobs", "strata-blobs x\n", "strata-blobs 0\n", "2\n"}) {
    EXPECT_NE(error_for(damaged).detail().find("damaged"), std::string::npos) << damaged;
  }
  ASSERT_TRUE(fs_.remove("/s/format"));
  EXPECT_NE(restart().error().detail().find("missing"), std::string::npos);
}

TEST_F(LocalBlobStoreTest, CleanUpRemovesWhatAnEarlierProcessLeft) {
  const BlobId kept = put("kept"), torn = put("sidecar lost");
  ASSERT_TRUE(fs_.remove(path_of(torn) + ".json"));
  write_file("/s/staging/" + torn.text(), "half an upload");
  write_file("/s/staging/" + torn.text() + ".json", "{}");
  EXPECT_EQ(*store_->clean_up({}), 3u);
  EXPECT_EQ(fs_.all_files(),
            (std::vector<std::string>{path_of(kept), path_of(kept) + ".json", "/s/format"}));
}

TEST_F(LocalBlobStoreTest, SidesHaveTheLayoutOfTheFormatDocument) {
  const auto writer = std::move(*store_->begin({}));
  const std::string staged = "/s/staging/" + writer->id().text(), path = path_of(writer->id());
  const auto index = std::move(*writer->begin_side(Side::kSeekIndex));
  const auto copy = std::move(*writer->begin_side(Side::kSeekCopy));
  EXPECT_EQ(*fs_.list("/s/staging"), names({"", ".copy.new", ".index.new"}, writer->id()));
  ASSERT_TRUE(index->commit());
  ASSERT_TRUE(copy->commit());
  EXPECT_EQ(*fs_.list("/s/staging"), names({"", ".copy", ".index"}, writer->id()));
  ASSERT_TRUE(writer->commit(properties_of(""), ""));
  EXPECT_EQ(fs_.all_files(), (std::vector<std::string>{path, path + ".copy", path + ".index",
                                                       path + ".json", "/s/format"}));
  const auto again = std::move(*store_->begin_side(writer->id(), Side::kSeekIndex));
  EXPECT_EQ(*fs_.list("/s/staging"), names({".index.1.new"}, writer->id()));
}

TEST_F(LocalBlobStoreTest, CleanUpRemovesSidesWithoutTheirBlob) {
  const BlobId torn = put("sidecar lost"), kept = BlobId::generate(random_);
  for (const auto* suffix : {".index", ".copy"}) write_file(path_of(torn) + suffix, "side");
  ASSERT_TRUE(fs_.remove(path_of(torn) + ".json"));
  write_file(path_of(torn) + ".other", "ignored");
  write_file("/s/staging/" + kept.text(), "half an upload");
  for (const auto* suffix : {".index", ".index.new", ".copy", ".copy.7.new"}) {
    write_file("/s/staging/" + kept.text() + suffix, "side");
  }
  EXPECT_TRUE(store_->list()->empty());
  EXPECT_EQ(store_->open_side(torn, Side::kSeekIndex).error().code(), Errc::kNotFound);
  EXPECT_EQ(*store_->clean_up({kept}), 7u);
  EXPECT_EQ(fs_.all_files(), (std::vector<std::string>{path_of(torn) + ".other", "/s/format",
                                                       "/s/staging/" + kept.text()}));
}

// Of a commit that could not be taken back: made of other bytes than those that follow.
TEST_F(LocalBlobStoreTest, SideLeftInTheShardIsNotOneOfTheNextCommit) {
  auto writer = std::move(*store_->begin({}));
  const BlobId id = writer->id();
  writer->keep();
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  writer.reset();
  ASSERT_TRUE(fs_.make_directories("/s/blobs/" + id.text().substr(0, 2)));
  write_file(path_of(id) + ".index", "stale");
  writer = std::move(*store_->resume(id, 5));
  EXPECT_FALSE(*fs_.exists(path_of(id) + ".index"));
  ASSERT_TRUE(writer->commit(properties_of("hello"), ""));
  EXPECT_EQ(store_->open_side(id, Side::kSeekIndex).error().code(), Errc::kNotFound);
}

TEST_F(LocalBlobStoreTest, SidesLeaveTheReserveFree) {
  const BlobId id = put("hello");
  const auto writer = std::move(*store_->begin({}));
  for (const bool published : {false, true}) {
    fs_.set_free_bytes(Limits{}.disk_reserve_bytes + 5);
    const auto side = published ? std::move(*store_->begin_side(id, Side::kSeekIndex))
                                : std::move(*writer->begin_side(Side::kSeekIndex));
    EXPECT_TRUE(side->append(bytes_of("buffer")));
    EXPECT_EQ(side->commit().error().code(), Errc::kNoSpace);
    const auto large = published ? std::move(*store_->begin_side(id, Side::kSeekIndex))
                                 : std::move(*writer->begin_side(Side::kSeekIndex));
    EXPECT_EQ(large->append(bytes_of(std::string(1 << 20, 'x'))).error().code(), Errc::kNoSpace);
    fs_.set_free_bytes(Limits{}.disk_reserve_bytes * 2);  // too late: bytes are missing
    EXPECT_EQ(large->commit().error().code(), Errc::kNoSpace);
  }
  EXPECT_EQ(store_->open_side(id, Side::kSeekIndex).error().code(), Errc::kNotFound);
  EXPECT_EQ(*fs_.list("/s/staging"), names({""}, writer->id()));
}

// What a commit that was cut off leaves: the staged bytes are a second name of the blob's.
TEST_F(LocalBlobStoreTest, StagedNameOfAPublishedBlobCannotChangeIt) {
  const BlobId id = put("hello");
  const std::string staged = "/s/staging/" + id.text();
  ASSERT_TRUE(fs_.link(path_of(id), staged));
  ASSERT_TRUE(fs_.link(path_of(id) + ".json", staged + ".json"));
  EXPECT_EQ(*store_->clean_up({id}), 1u);  // the staged sidecar
  EXPECT_EQ(store_->resume(id, 0).error().code(), Errc::kConflict);
  EXPECT_EQ((*store_->open_unpublished(id, 5))->size(), 5u);
  ASSERT_TRUE(fs_.remove(path_of(id) + ".json"));  // half a commit, taken back or cut off
  const auto writer = store_->resume(id, 5);
  ASSERT_TRUE(writer);
  EXPECT_FALSE(*fs_.exists(path_of(id)));  // so that nothing that is written now is a blob's
}

TEST_F(LocalBlobStoreTest, DiscardLeavesWhatAnnotateIsWriting) {
  const BlobId id = put("hello");
  write_file("/s/staging/" + id.text(), "hello");
  write_file("/s/staging/" + id.text() + ".json", "the next version");
  ASSERT_TRUE(store_->discard(id));
  EXPECT_FALSE(*fs_.exists("/s/staging/" + id.text()));
  EXPECT_TRUE(*fs_.exists("/s/staging/" + id.text() + ".json"));
  ASSERT_TRUE(store_->remove(id));
  ASSERT_TRUE(store_->discard(id));
  EXPECT_EQ(fs_.all_files(), std::vector<std::string>{"/s/format"});
}

TEST_F(LocalBlobStoreTest, FirstSyncOfAWriterMakesItsNameDurable) {
  auto writer = std::move(*store_->begin({}));
  writer->keep();
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  const auto calls_of_sync = [&] {
    plan_.reset();
    EXPECT_TRUE(writer->sync());
    return plan_.calls();
  };
  EXPECT_EQ(calls_of_sync(), 2u);
  EXPECT_EQ(calls_of_sync(), 1u);
  writer = std::move(*store_->resume(writer->id(), 5));
  EXPECT_EQ(calls_of_sync(), 2u);  // an earlier process may not have come to it
}

TEST_F(LocalBlobStoreTest, FailedSyncOfTheNameIsFinalToo) {
  const auto writer = std::move(*store_->begin({}));
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  plan_.fail_after(1, Errc::kIo);
  EXPECT_EQ(writer->sync().error().code(), Errc::kIo);
  EXPECT_EQ(writer->sync().error().code(), Errc::kIo);
  std::string bytes(5, '?');
  EXPECT_FALSE(writer->read_at(0, std::as_writable_bytes(std::span(bytes))));
  EXPECT_FALSE(writer->truncate(0));
}

TEST_F(LocalBlobStoreTest, ResumedWriterLeavesTheReserveFree) {
  const auto writer = std::move(*store_->begin({100}));
  writer->keep();
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  fs_.set_free_bytes(Limits{}.disk_reserve_bytes);
  ASSERT_TRUE(writer->append(bytes_of(" reserved")));
  const auto again = std::move(*store_->resume(writer->id(), 5));
  EXPECT_EQ(again->append(bytes_of("!")).error().code(), Errc::kNoSpace);
}

TEST_F(LocalBlobStoreTest, EveryFlippedBitOfASidecarIsFound) {
  const BlobId id = put("hello");
  const std::string sidecar = path_of(id) + ".json";
  const auto size = io::read_file(fs_, sidecar, 1 << 20)->size();
  for (std::size_t at = 0; at < size; ++at) {
    fs_.flip_bit(sidecar, at);
    EXPECT_EQ(store_->info(id).error().code(), Errc::kCorruptData) << "byte " << at;
    EXPECT_EQ(store_->open(id).error().code(), Errc::kCorruptData);
    EXPECT_EQ(store_->annotate(id, "x").error().code(), Errc::kCorruptData);
    fs_.flip_bit(sidecar, at);
  }
  EXPECT_TRUE(store_->info(id));
  for (std::size_t length = 0; length < size; length += 7) {
    write_file("/s/copy", io::read_file(fs_, sidecar, 1 << 20)->substr(0, length));
    EXPECT_EQ(from_sidecar(*io::read_file(fs_, "/s/copy", 1 << 20)).error().code(),
              Errc::kCorruptData);
  }
}

// Written by version 1, as FORMAT.md shows it; `tail -c +79 | sha256sum` gives its digest. Later
// versions must go on reading it.
constexpr std::string_view kSidecarOfVersion1 =
    R"({"sha-256":"bfff629d706c81f6396850af05ac7ed5756e9471cba7e55847c679c43d74d5cb","version":)"
    R"(1,"properties":{"stored":{"bytes":26,"sha-1":"aaf97d4509ce524e402011be6c4e483fafca1156",)"
    R"("sha-256":"cf8187e9a5d4c53e63790f6350ea61dee4929bf6b6402c10307df634a741dd41","sha-512":")"
    R"(66fc87477654981a5c7c381fb53ac4ce18f20b130cf092fd19520ecac635da6a6f29c00cde97abb3ed589c84)"
    R"(acff138d8016c388ba433db0ba754dd63a4a80bc"},"decoded":{"bytes":6,"sha-1":"f572d396fae9206)"
    R"(628714fb2ce00f72e94f2258f","sha-256":"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d082)"
    R"(86a2e846f6be03","sha-512":"e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f)"
    R"(931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629"},"encoding":"gzip",)"
    R"("format":"raw","virtual_bytes":6,"created":1700000000123},"annotation":"{\"version\":1,\)"
    R"("images\":[{\"id\":\"018bcfe5-6802-7835-b321-87ae21af301a\",\"name\":\"hello.txt.gz\",\")"
    R"(owner\":\"alice\",\"visibility\":\"public\",\"tags\":[\"demo\"],\"metadata\":{\"os\":\"n)"
    R"(one\"},\"created\":1700000000123,\"updated\":1700000000123}]}"})"
    "\n";

TEST(Sidecar, OfVersion1IsReadAndWrittenAsEver) {
  const auto info = from_sidecar(kSidecarOfVersion1);
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->properties.stored.bytes, 26u);
  EXPECT_EQ(info->properties.decoded, digest::digest_of("hello\n"));
  EXPECT_EQ(info->properties.encoding, codec::Encoding::kGzip);
  EXPECT_EQ(info->properties.disk, (codec::DiskInfo{codec::DiskFormat::kRaw, 6}));
  EXPECT_EQ(info->properties.created, 1'700'000'000'123);
  EXPECT_TRUE(info->annotation.starts_with("{\"version\":1,\"images\":[{\"id\":\"018bcfe5"));
  EXPECT_EQ(to_sidecar(*info), kSidecarOfVersion1);
}

TEST_F(LocalBlobStoreTest, SidecarOfANewerVersionIsRefusedByName) {
  const BlobId id = put("hello");
  write_file(path_of(id) + ".json", "{\"version\":2,\"another\":\"layout\"}");
  const Error error = store_->info(id).error();
  EXPECT_EQ(error.code(), Errc::kCorruptData);
  EXPECT_NE(error.detail().find("format version 2"), std::string::npos);
}

TEST_F(LocalBlobStoreTest, LostOrShortenedBytesAreFoundWhenOpened) {
  const BlobId lost = put("lost"), cut = put("cut");
  ASSERT_TRUE(fs_.remove(path_of(lost)));
  fs_.shorten(path_of(cut), 1);
  EXPECT_EQ(store_->open(lost).error().code(), Errc::kCorruptData);
  EXPECT_EQ(store_->open(cut).error().code(), Errc::kCorruptData);
  EXPECT_TRUE(store_->info(lost));  // its sidecar is whole: published, and listed
  EXPECT_EQ(store_->list()->size(), 2u);
}

TEST_F(LocalBlobStoreTest, BytesShortenedUnderAnOpenReaderAreFound) {
  const BlobId id = put("hello");
  const auto reader = *store_->open(id);
  fs_.shorten(path_of(id), 3);
  std::string bytes(5, '?');
  EXPECT_EQ(reader->read_at(0, std::as_writable_bytes(std::span(bytes))).error().code(),
            Errc::kCorruptData);
}

TEST_F(LocalBlobStoreTest, KeepsAFewReadersOpenAndNoMore) {
  Limits limits;
  limits.blob_readers_kept = 2;
  ASSERT_TRUE(restart(limits));
  const BlobId a = put("a"), b = put("b"), c = put("c");
  const auto* const first = store_->open(a)->get();
  (void)store_->open(b);
  EXPECT_EQ(store_->open(a)->get(), first);  // the same one again
  const std::weak_ptr<const BlobReader> kept_b = *store_->open(b);
  (void)store_->open(a);
  (void)store_->open(c);  // the one used longest ago goes
  EXPECT_TRUE(kept_b.expired());
  EXPECT_EQ(store_->open(a)->get(), first);
}

TEST_F(LocalBlobStoreTest, AnnotationsAreBounded) {
  Limits limits;
  limits.sidecar_bytes_max = 2000;
  ASSERT_TRUE(restart(limits));
  const BlobId id = put("hello");
  EXPECT_EQ(store_->annotate(id, std::string(2000, 'x')).error().code(), Errc::kTooLarge);
  EXPECT_EQ(store_->info(id)->annotation, "note");
  const auto writer = std::move(*store_->begin({}));
  EXPECT_EQ(writer->commit(properties_of(""), std::string(2000, 'x')).error().code(),
            Errc::kTooLarge);
  EXPECT_EQ(store_->list()->size(), 1u);
}

TEST_F(LocalBlobStoreTest, FailedAppendOrSyncCannotBeCommitted) {
  for (const bool in_append : {true, false}) {
    const auto writer = std::move(*store_->begin({}));
    if (in_append) {
      plan_.fail_after(0, Errc::kNoSpace);
      EXPECT_EQ(writer->append(bytes_of("hello")).error().code(), Errc::kNoSpace);
    } else {
      ASSERT_TRUE(writer->append(bytes_of("hello")));
      plan_.fail_after(0, Errc::kIo);
      EXPECT_EQ(writer->sync().error().code(), Errc::kIo);
      // The disk works again, but what it dropped it will not tell.
      EXPECT_EQ(writer->sync().error().code(), Errc::kIo);
    }
    EXPECT_FALSE(writer->append(bytes_of("more")));
    EXPECT_FALSE(writer->commit(properties_of("hello"), ""));
    EXPECT_TRUE(store_->list()->empty());
  }
  EXPECT_EQ(fs_.all_files(), std::vector<std::string>{"/s/format"});
}

TEST(LocalBlobStoreOnDisk, GivesFileSlicesAndReleasesUnusedReservation) {
  const test::TemporaryDirectory dir;
  const auto fs = io::make_posix_file_system();
  test::SeededRandom random;
  const auto store = std::move(*open_local_blob_store(*fs, dir.path() + "/x/y", random));
  io::Block block;
  std::fill_n(block.data(), io::kBlockBytes, std::byte{'z'});
  const auto writer = std::move(*store->begin({64 << 20}));
  ASSERT_TRUE(writer->append({block.data(), io::kBlockBytes}));
  ASSERT_TRUE(writer->append({block.data(), 100}));
  const std::string bytes(io::kBlockBytes + 100, 'z');
  const std::uint64_t before = *store->free_bytes();
  ASSERT_TRUE(writer->commit(properties_of(bytes), ""));
  EXPECT_GT(*store->free_bytes(), before + (32 << 20));
  const auto reader = *store->open(writer->id());
  const auto slice = reader->file_slice(5, 10);
  ASSERT_TRUE(slice);
  EXPECT_GE(slice->descriptor, 0);
  EXPECT_EQ(slice->offset, 5u);
  EXPECT_EQ(slice->length, 10u);
  std::string back(bytes.size(), '?');
  ASSERT_TRUE(reader->read_at(0, std::as_writable_bytes(std::span(back))));
  EXPECT_EQ(back, bytes);
}

struct OnDisk : ::testing::Test {
  static bool is_direct(const BlobId& id) { return test::writes_direct(id.text()); }
  std::uint64_t allocated(const BlobId& id) const {
    struct stat status {};
    EXPECT_EQ(stat((dir_.path() + "/staging/" + id.text()).c_str(), &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  }

  const test::TemporaryDirectory dir_;
  const std::unique_ptr<io::FileSystem> fs_ = io::make_posix_file_system();
  test::SeededRandom random_;
  const std::unique_ptr<BlobStore> store_ =
      std::move(*open_local_blob_store(*fs_, dir_.path(), random_));
};

TEST_F(OnDisk, WritesDirectAgainBehindAnUnalignedPlace) {
  io::Block block;
  std::fill_n(block.data(), io::kBlockBytes, std::byte{'z'});
  const auto writer = std::move(*store_->begin({}));
  if (!is_direct(writer->id())) GTEST_SKIP() << "this file system has no O_DIRECT";
  const auto append = [&](std::size_t from, std::size_t n) {
    EXPECT_TRUE(writer->append({block.data() + from, n}));
    return is_direct(writer->id());
  };
  EXPECT_TRUE(append(0, 8192));
  EXPECT_FALSE(append(0, 1000));                    // an upload that breaks off,
  EXPECT_FALSE(append(0, io::kBlockBytes - 9192));  // goes on to a multiple of 1 MiB,
  EXPECT_TRUE(append(0, io::kBlockBytes));          // and has whole blocks from there on
  EXPECT_FALSE(append(1, 4096));                    // memory that is not aligned
  EXPECT_TRUE(append(0, 4096));                     // at once, when both are again
  EXPECT_FALSE(append(0, 96));
  EXPECT_TRUE(append(96, 4000 + 8192));  // both come to a boundary in mid-append
  ASSERT_TRUE(writer->truncate(writer->size() - 1));
  EXPECT_FALSE(append(0, 1));
  ASSERT_TRUE(writer->truncate(4096));
  EXPECT_TRUE(append(0, 4096));
  std::string back(4096 + 4096, '?');
  ASSERT_TRUE(writer->read_at(0, std::as_writable_bytes(std::span(back))));
  EXPECT_EQ(back, std::string(back.size(), 'z'));
  ASSERT_TRUE(writer->read_at(1, std::as_writable_bytes(std::span(back)).first(3)));
  EXPECT_TRUE(is_direct(writer->id()));  // reading has a descriptor of its own
}

TEST_F(OnDisk, ReservationStaysWithAKeptWriterAndGoesWhenItIsResumedOrCut) {
  constexpr std::uint64_t kReserved = 8 << 20;
  auto writer = std::move(*store_->begin({kReserved}));
  const BlobId id = writer->id();
  writer->keep();
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  writer.reset();
  if (allocated(id) < kReserved) GTEST_SKIP() << "this file system has no fallocate";
  writer = std::move(*store_->resume(id, 5));
  EXPECT_LT(allocated(id), kReserved / 2);
  writer = std::move(*store_->begin({kReserved}));
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  ASSERT_TRUE(writer->truncate(5));
  EXPECT_LT(allocated(writer->id()), kReserved / 2);
}

}  // namespace
}  // namespace strata::blob
