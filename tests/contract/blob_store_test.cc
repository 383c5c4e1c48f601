// One suite for every BlobStore.
#include "storage/blob/blob_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "storage/blob/local_blob_store.h"
#include "storage/blob/memory_blob_store.h"
#include "strata/digest/hasher.h"
#include "strata/io/block.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/fixed.h"
#include "tests/support/temporary_directory.h"

namespace strata::blob {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

BlobProperties properties_of(std::string_view bytes) {
  BlobProperties properties;
  properties.stored = digest::digest_of(bytes);
  properties.decoded = digest::digest_of("decoded " + std::string(bytes));
  properties.encoding = codec::Encoding::kXz;
  properties.disk = {codec::DiskFormat::kQcow2, std::uint64_t{1} << 63};
  properties.created = 1'700'000'000'123;
  return properties;
}

// An implementation under test, with what it needs.
struct Fixture {
  virtual ~Fixture() = default;
  std::unique_ptr<BlobStore> store;
  test::SeededRandom random;
};

struct MemoryFixture final : Fixture {
  MemoryFixture() { store = make_memory_blob_store(random); }
};

struct LocalFixture final : Fixture {
  LocalFixture() { store = std::move(*open_local_blob_store(*fs, dir.path(), random)); }
  test::TemporaryDirectory dir;
  std::unique_ptr<io::FileSystem> fs = io::make_posix_file_system();
};

struct FaultlessFixture final : Fixture {
  FaultlessFixture() { store = std::move(*open_local_blob_store(fs, "/blobs", random)); }
  test::FaultPlan plan;
  test::FaultyFileSystem fs{plan};
};

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Fixture>()> make;
};

class BlobStoreContract : public ::testing::TestWithParam<Implementation> {
 protected:
  BlobStore& store() { return *fixture_->store; }
  std::unique_ptr<BlobWriter> begin(const WriteHints& hints = {}) {
    return std::move(*store().begin(hints));
  }
  BlobId put(std::string_view bytes, const std::string& annotation = "note") {
    const auto writer = begin();
    EXPECT_TRUE(writer->append(bytes_of(bytes)));
    EXPECT_TRUE(writer->commit(properties_of(bytes), annotation));
    return writer->id();
  }
  std::string get(const BlobId& id) {
    const auto reader = *store().open(id);
    std::string bytes(static_cast<std::size_t>(reader->size()), '?');
    EXPECT_TRUE(reader->read_at(0, std::as_writable_bytes(std::span(bytes))));
    return bytes;
  }

  std::unique_ptr<Fixture> fixture_ = GetParam().make();
};

TEST_P(BlobStoreContract, KeepsBytesPropertiesAndAnnotation) {
  const std::string annotation = "{\"quotes\": \"\\ and \xc3\xa4 \"}\n";
  const BlobId id = put("hello", annotation);
  EXPECT_EQ(get(id), "hello");
  const auto info = store().info(id);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->properties, properties_of("hello"));
  EXPECT_EQ(info->annotation, annotation);
}

TEST_P(BlobStoreContract, KeepsEverySizeWhateverThePieces) {
  io::BlockPool pool(2);
  for (const std::size_t size : {0, 1, 511, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, 3'000'001}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 24);
    for (const std::size_t piece : {io::kBlockBytes, std::size_t{70'000}}) {
      const auto writer = begin({size});
      for (std::size_t at = 0; at < size; at += piece) {
        const auto block = pool.take();  // aligned memory, as uploads use it
        const std::size_t n = std::min(piece, size - at);
        std::copy_n(bytes_of(bytes).begin() + static_cast<std::ptrdiff_t>(at), n, block->data());
        ASSERT_TRUE(writer->append({block->data(), n}));
        ASSERT_EQ(writer->size(), at + n);
        ASSERT_TRUE(writer->sync());
      }
      ASSERT_TRUE(writer->commit(properties_of(bytes), ""));
      EXPECT_EQ(get(writer->id()), bytes) << size << " in pieces of " << piece;
    }
  }
}

TEST_P(BlobStoreContract, MemoryThatIsNotAlignedIsWrittenToo) {
  const std::string bytes(3 << 20, 'm');
  const auto writer = begin();
  ASSERT_TRUE(writer->append(bytes_of(bytes).first(3)));
  ASSERT_TRUE(writer->append(bytes_of(bytes).subspan(3)));
  ASSERT_TRUE(writer->commit(properties_of(bytes), ""));
  EXPECT_EQ(get(writer->id()), bytes);
}

TEST_P(BlobStoreContract, NothingIsVisibleBeforeCommit) {
  const auto writer = begin({100});
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  ASSERT_TRUE(writer->sync());
  EXPECT_EQ(store().open(writer->id()).error().code(), Errc::kNotFound);
  EXPECT_EQ(store().info(writer->id()).error().code(), Errc::kNotFound);
  EXPECT_TRUE(store().list()->empty());
}

TEST_P(BlobStoreContract, AbortAndDestructionLeaveNothing) {
  const auto aborted = begin();
  ASSERT_TRUE(aborted->append(bytes_of("hello")));
  aborted->abort();
  aborted->abort();
  (void)begin()->append(bytes_of("destroyed"));
  EXPECT_TRUE(store().list()->empty());
  EXPECT_EQ(*store().clean_up({}), 0u);  // nothing was left to remove
}

TEST_P(BlobStoreContract, CommitWithAnotherSizeIsRefused) {
  const auto writer = begin();
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  EXPECT_EQ(writer->commit(properties_of("hell"), "").error().code(), Errc::kSizeMismatch);
  EXPECT_EQ(store().open(writer->id()).error().code(), Errc::kNotFound);
  EXPECT_TRUE(store().list()->empty());
  EXPECT_EQ(*store().clean_up({}), 0u);
}

TEST_P(BlobStoreContract, AnnotateReplacesTheAnnotationOnly) {
  const BlobId id = put("hello", "first");
  ASSERT_TRUE(store().annotate(id, "second, longer"));
  EXPECT_EQ(store().info(id)->annotation, "second, longer");
  ASSERT_TRUE(store().annotate(id, ""));
  EXPECT_EQ(store().info(id)->annotation, "");
  EXPECT_EQ(store().info(id)->properties, properties_of("hello"));
  EXPECT_EQ(get(id), "hello");
  EXPECT_EQ(store().annotate(BlobId(), "x").error().code(), Errc::kNotFound);
  EXPECT_EQ(store().list()->size(), 1u);
}

TEST_P(BlobStoreContract, RemoveTakesAllOfIt) {
  const BlobId id = put("hello"), other = put("other");
  EXPECT_EQ(get(id), "hello");
  ASSERT_TRUE(store().remove(id));
  EXPECT_EQ(store().open(id).error().code(), Errc::kNotFound);
  EXPECT_EQ(store().info(id).error().code(), Errc::kNotFound);
  EXPECT_EQ(store().annotate(id, "x").error().code(), Errc::kNotFound);
  EXPECT_EQ(store().remove(id).error().code(), Errc::kNotFound);
  EXPECT_EQ(*store().list(), std::vector<BlobId>{other});
}

TEST_P(BlobStoreContract, OpenBlobStaysReadableWhenRemoved) {
  const BlobId id = put("hello");
  const auto reader = *store().open(id);
  ASSERT_TRUE(store().remove(id));
  std::string bytes(5, '?');
  EXPECT_TRUE(reader->read_at(0, std::as_writable_bytes(std::span(bytes))));
  EXPECT_EQ(bytes, "hello");
}

TEST_P(BlobStoreContract, ReadsAtAnyOffsetAndNotBeyondTheEnd) {
  const auto reader = *store().open(put("0123456789"));
  EXPECT_EQ(reader->size(), 10u);
  std::string two(2, '?');
  const auto out = std::as_writable_bytes(std::span(two));
  ASSERT_TRUE(reader->read_at(8, out));
  EXPECT_EQ(two, "89");
  EXPECT_EQ(reader->read_at(9, out).error().code(), Errc::kCorruptData);
  EXPECT_EQ(reader->read_at(10, out).error().code(), Errc::kCorruptData);
  EXPECT_EQ(reader->read_at(std::uint64_t{1} << 62, out).error().code(), Errc::kCorruptData);
  EXPECT_TRUE(reader->read_at(10, {}));
}

TEST_P(BlobStoreContract, ListsInOrder) {
  std::vector<BlobId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(put(std::to_string(i)));
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(*store().list(), ids);
}

TEST_P(BlobStoreContract, CleanUpKeepsWhatIsPublished) {
  const BlobId id = put("hello", "note");
  EXPECT_EQ(*store().clean_up({}), 0u);
  EXPECT_EQ(get(id), "hello");
  EXPECT_EQ(store().info(id)->annotation, "note");
  EXPECT_GT(*store().free_bytes(), 0u);
}

TEST_P(BlobStoreContract, FailsEarlyWhenTheAnnouncedSizeCannotFit) {
  if (GetParam().name == "Memory") {
    EXPECT_EQ(*store().free_bytes(), std::numeric_limits<std::uint64_t>::max());
    return;  // it has no size of its own
  }
  if (auto* faultless = dynamic_cast<FaultlessFixture*>(fixture_.get())) {
    faultless->fs.set_free_bytes(Limits{}.disk_reserve_bytes + 1'000'000);
  }
  EXPECT_EQ(store().begin({std::uint64_t{1} << 60}).error().code(), Errc::kNoSpace);
  EXPECT_EQ(*store().clean_up({}), 0u);
  EXPECT_TRUE(store().begin({1000}));
}

TEST_P(BlobStoreContract, ServesManyThreads) {
  constexpr std::size_t kThreads = 4, kEach = 10;
  std::vector<std::vector<BlobId>> kept(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t, &kept] {
        for (std::size_t i = 0; i < kEach; ++i) {
          const std::string bytes = std::to_string(t * 1000 + i);
          const BlobId id = put(bytes);
          EXPECT_EQ(get(id), bytes);
          EXPECT_TRUE(store().annotate(id, bytes));
          if (i % 2 == 0) {
            EXPECT_TRUE(store().remove(id));
          } else {
            kept[t].push_back(id);
          }
        }
      });
    }
  }
  std::vector<BlobId> all;
  for (const auto& ids : kept) all.insert(all.end(), ids.begin(), ids.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(*store().list(), all);
}

INSTANTIATE_TEST_SUITE_P(
    All, BlobStoreContract,
    ::testing::Values(Implementation{"Local", [] { return std::make_unique<LocalFixture>(); }},
                      Implementation{"LocalOnFaultyFileSystem",
                                     [] { return std::make_unique<FaultlessFixture>(); }},
                      Implementation{"Memory", [] { return std::make_unique<MemoryFixture>(); }}),
    [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace strata::blob
