// One suite for every BlobStore; what it says of sides is in blob_store_sides_test.cc.
#include <algorithm>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "strata/io/block.h"
#include "tests/contract/blob_store_suite.h"

namespace strata::blob {
namespace {

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

TEST_P(BlobStoreContract, WriterReadsBackWhatWasAppended) {
  const auto writer = begin();
  ASSERT_TRUE(writer->append(bytes_of("0123456789")));
  EXPECT_EQ(read(*writer), "0123456789");
  std::string two(2, '?');
  const auto out = std::as_writable_bytes(std::span(two));
  ASSERT_TRUE(writer->read_at(8, out));
  EXPECT_EQ(two, "89");
  EXPECT_EQ(writer->read_at(9, out).error().code(), Errc::kCorruptData);
  EXPECT_EQ(writer->read_at(std::uint64_t{1} << 62, out).error().code(), Errc::kCorruptData);
  EXPECT_TRUE(writer->read_at(10, {}));
  ASSERT_TRUE(writer->append(bytes_of("ab")));
  ASSERT_TRUE(writer->read_at(10, out));
  EXPECT_EQ(two, "ab");
}

TEST_P(BlobStoreContract, TruncateForgetsTheEnd) {
  const auto writer = begin({100});
  ASSERT_TRUE(writer->append(bytes_of("hello, unverified")));
  ASSERT_TRUE(writer->truncate(5));
  EXPECT_EQ(writer->size(), 5u);
  std::string beyond(6, '?');
  EXPECT_EQ(writer->read_at(0, std::as_writable_bytes(std::span(beyond))).error().code(),
            Errc::kCorruptData);
  ASSERT_TRUE(writer->append(bytes_of(" world")));
  ASSERT_TRUE(writer->truncate(11));
  ASSERT_TRUE(writer->commit(properties_of("hello world"), ""));
  EXPECT_EQ(get(writer->id()), "hello world");
}

// Appends of every size and alignment, truncations, and a new writer now and then.
TEST_P(BlobStoreContract, KeepsEveryMixtureOfAlignments) {
  std::mt19937 random(7);
  io::Block block;
  for (int round = 0; round < 20; ++round) {
    std::string model;
    auto writer = begin();
    writer->keep();
    const BlobId id = writer->id();
    for (int step = 0; step < 25; ++step) {
      const std::size_t from = random() % 2 == 0 ? 0 : random() % 5000;
      const std::size_t to_boundary = (0 - model.size()) % io::kBlockAlignment;
      const std::size_t sizes[] = {random() % 10, random() % 30'000, to_boundary, 8192, 65'536};
      const std::size_t n = sizes[random() % std::size(sizes)];
      for (std::size_t i = 0; i < n; ++i) block.data()[from + i] = std::byte(random());
      ASSERT_TRUE(writer->append({block.data() + from, n}));
      model.append(reinterpret_cast<const char*>(block.data() + from), n);
      if (random() % 6 == 0) {
        model.resize(random() % 2 == 0 ? random() % (model.size() + 1)
                                       : model.size() / io::kBlockAlignment * io::kBlockAlignment);
        ASSERT_TRUE(writer->truncate(model.size()));
      }
      if (random() % 6 == 0) {
        ASSERT_TRUE(writer->sync());
      }
      if (random() % 6 == 0) {
        writer.reset();
        model.resize(model.size() - random() % (model.size() + 1) / 2);
        writer = std::move(*store().resume(id, model.size()));
        writer->keep();
      }
      ASSERT_EQ(writer->size(), model.size());
      ASSERT_EQ(read(*writer), model);
    }
    ASSERT_TRUE(writer->commit(properties_of(model), ""));
    EXPECT_EQ(get(id), model);
  }
}

// As above, with runs of zeros of every length: what a store does not write reads as zeros, behind
// a truncation into the run and in a new writer too.
TEST_P(BlobStoreContract, KeepsEveryMixtureOfZerosAndData) {
  std::mt19937 random(11);
  io::Block block;
  for (int round = 0; round < 8; ++round) {
    std::string model;
    auto writer = begin(round % 2 == 0 ? WriteHints{4 << 20} : WriteHints{});
    writer->keep();
    const BlobId id = writer->id();
    for (int step = 0; step < 15; ++step) {
      const std::size_t from = random() % 2 == 0 ? 0 : random() % 5000;
      const std::size_t sizes[] = {random() % 10, random() % 200'000, 65'536, 512 << 10};
      const std::size_t n = sizes[random() % std::size(sizes)];
      std::byte* const data = block.data() + from;
      for (std::size_t at = 0; at < n;) {
        const std::size_t run = std::min<std::size_t>(n - at, random() % 150'000);
        std::fill_n(data + at, run, std::byte(random() % 3 == 0 ? random() : 0));
        at += run;
      }
      ASSERT_TRUE(writer->append({data, n}));
      model.append(reinterpret_cast<const char*>(data), n);
      if (random() % 5 == 0) {
        model.resize(model.size() - random() % (model.size() + 1) / 3);
        ASSERT_TRUE(writer->truncate(model.size()));
      }
      if (random() % 6 == 0) {
        ASSERT_TRUE(writer->sync());
      }
      if (random() % 8 == 0) {
        writer.reset();
        model.resize(model.size() - random() % (model.size() + 1) / 3);
        writer = std::move(*store().resume(id, model.size()));
        writer->keep();
      }
      ASSERT_EQ(writer->size(), model.size());
      ASSERT_TRUE(read(*writer) == model) << "round " << round << ", step " << step;
    }
    ASSERT_TRUE(writer->commit(properties_of(model), ""));
    EXPECT_TRUE(get(id) == model) << "round " << round;
  }
}

TEST_P(BlobStoreContract, TruncationIntoZerosKeepsWhatIsBeforeThem) {
  constexpr std::size_t kEnd = 200 * io::kBlockAlignment;  // no byte follows the zeros
  const std::string data(400'000, 'd'), zeros(kEnd - data.size(), '\0');
  for (const std::size_t size : {std::size_t{400'000}, std::size_t{500'000}, kEnd - 1}) {
    const auto writer = begin({1'000'000});
    for (const std::string& bytes : {data, zeros}) ASSERT_TRUE(writer->append(bytes_of(bytes)));
    ASSERT_TRUE(writer->truncate(size));
    ASSERT_TRUE(writer->append(bytes_of(data)));
    const std::string expected = (data + zeros).substr(0, size) + data;
    EXPECT_TRUE(read(*writer) == expected) << size;
    ASSERT_TRUE(writer->commit(properties_of(expected), ""));
    EXPECT_TRUE(get(writer->id()) == expected) << size;
  }
}

TEST_P(BlobStoreContract, SyncsAndReadsBesideAppends) {
  constexpr std::size_t kPieces = 200;
  io::Block block;
  std::fill_n(block.data(), 8192, std::byte{'a'});
  const auto writer = begin();
  {
    const std::jthread syncs([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) EXPECT_TRUE(writer->sync());
    });
    const std::jthread reads([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const std::string bytes = read(*writer);
        EXPECT_EQ(bytes, std::string(bytes.size(), 'a'));
      }
    });
    for (std::size_t i = 0; i < kPieces; ++i) {
      ASSERT_TRUE(writer->append({block.data(), i % 3 == 0 ? std::size_t{8192} : 4096 - i}));
    }
  }
  const std::string whole = read(*writer);
  ASSERT_TRUE(writer->commit(properties_of(whole), ""));
  EXPECT_EQ(get(writer->id()), whole);
}

TEST_P(BlobStoreContract, KeptWriterIsResumedBehindItsFirstBytes) {
  const BlobId id = keep("hello, what was not answered");
  EXPECT_EQ(store().open(id).error().code(), Errc::kNotFound);
  EXPECT_TRUE(store().list()->empty());
  EXPECT_EQ(store().resume(id, 29).error().code(), Errc::kCorruptData);
  EXPECT_EQ(store().resume(BlobId(), 0).error().code(), Errc::kNotFound);
  const auto writer = std::move(*store().resume(id, 5));
  EXPECT_EQ(writer->id(), id);
  EXPECT_EQ(read(*writer), "hello");
  ASSERT_TRUE(writer->append(bytes_of(" world")));
  ASSERT_TRUE(writer->sync());
  ASSERT_TRUE(writer->commit(properties_of("hello world"), "note"));
  EXPECT_EQ(get(id), "hello world");
  EXPECT_EQ(*store().clean_up({}), 0u);
}

TEST_P(BlobStoreContract, ResumedWriterIsKeptOnlyIfItSaysSo) {
  const BlobId id = keep("hello");
  (*store().resume(id, 5))->keep();
  EXPECT_TRUE(store().resume(id, 5));  // and destroyed
  EXPECT_EQ(store().resume(id, 0).error().code(), Errc::kNotFound);
}

TEST_P(BlobStoreContract, AbortEndsAKeptWriterAFailedCommitDoesNot) {
  const auto aborted = begin(), failed = begin();
  for (BlobWriter* writer : {aborted.get(), failed.get()}) writer->keep();
  aborted->abort();
  EXPECT_EQ(failed->commit(properties_of("x"), "").error().code(), Errc::kSizeMismatch);
  EXPECT_EQ(store().resume(aborted->id(), 0).error().code(), Errc::kNotFound);
  EXPECT_TRUE(store().resume(failed->id(), 0));  // which is not kept, and so gone now
  EXPECT_EQ(*store().clean_up({}), 0u);
}

TEST_P(BlobStoreContract, PublishedBytesAreNeverResumed) {
  const BlobId id = put("hello");
  EXPECT_EQ(store().resume(id, 0).error().code(), Errc::kConflict);
  EXPECT_TRUE(store().discard(id));
  EXPECT_EQ(get(id), "hello");
}

TEST_P(BlobStoreContract, UnpublishedBytesCanBeRead) {
  const BlobId id = keep("hello, and more");
  const auto reader = *store().open_unpublished(id, 5);
  EXPECT_EQ(reader->size(), 5u);
  std::string five(5, '?');
  ASSERT_TRUE(reader->read_at(0, std::as_writable_bytes(std::span(five))));
  EXPECT_EQ(five, "hello");
  // Not what the file has beyond.
  EXPECT_EQ(reader->read_at(1, std::as_writable_bytes(std::span(five))).error().code(),
            Errc::kCorruptData);
  const auto writer = begin();  // still open
  ASSERT_TRUE(writer->append(bytes_of("open")));
  EXPECT_EQ((*store().open_unpublished(writer->id(), 4))->size(), 4u);
  EXPECT_EQ(store().open_unpublished(id, 16).error().code(), Errc::kCorruptData);
  EXPECT_EQ(store().open_unpublished(BlobId(), 0).error().code(), Errc::kNotFound);
}

TEST_P(BlobStoreContract, DiscardRemovesWhatWasKept) {
  const BlobId id = keep("hello"), other = keep("other");
  ASSERT_TRUE(store().discard(id));
  EXPECT_TRUE(store().discard(id));
  EXPECT_EQ(store().resume(id, 0).error().code(), Errc::kNotFound);
  EXPECT_EQ(store().open_unpublished(id, 0).error().code(), Errc::kNotFound);
  EXPECT_TRUE(store().resume(other, 5));
}

TEST_P(BlobStoreContract, CleanUpLeavesTheBytesOfKeptWriters) {
  const BlobId kept = keep("kept"), forgotten = keep("forgotten"), published = put("published");
  EXPECT_EQ(*store().clean_up({kept, published, BlobId()}), 1u);
  EXPECT_EQ(store().resume(forgotten, 0).error().code(), Errc::kNotFound);
  EXPECT_EQ(get(published), "published");
  const auto writer = std::move(*store().resume(kept, 4));
  EXPECT_EQ(read(*writer), "kept");
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
