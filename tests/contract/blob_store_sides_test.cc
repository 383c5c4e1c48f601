// The suite for every BlobStore: the sides of blobs.
#include <string>
#include <thread>
#include <vector>

#include "tests/contract/blob_store_suite.h"

namespace strata::blob {
namespace {

TEST_P(BlobStoreContract, SidesAreVisibleWithTheirBlobAndNotBefore) {
  const auto writer = begin();
  ASSERT_TRUE(writer->append(bytes_of("hello")));
  write_side(*writer, Side::kSeekIndex, "the index");
  write_side(*writer, Side::kSeekCopy, std::string(700'000, 'c'));
  EXPECT_EQ(side_of(writer->id(), Side::kSeekIndex), "-");
  ASSERT_TRUE(writer->commit(properties_of("hello"), "note"));
  EXPECT_EQ(get(writer->id()), "hello");
  EXPECT_EQ(side_of(writer->id(), Side::kSeekIndex), "the index");
  EXPECT_EQ(side_of(writer->id(), Side::kSeekCopy), std::string(700'000, 'c'));
  EXPECT_EQ(*store().list(), std::vector<BlobId>{writer->id()});
  EXPECT_EQ(*store().clean_up({}), 0u);
  EXPECT_EQ(side_of(writer->id(), Side::kSeekIndex), "the index");
}

TEST_P(BlobStoreContract, BlobsHaveNoSidesUnlessTheyWereWritten) {
  const BlobId id = put("hello");
  for (const Side side : kSides) {
    EXPECT_EQ(side_of(id, side), "-");
    EXPECT_EQ(side_of(BlobId(), side), "-");
    EXPECT_EQ(store().begin_side(BlobId(), side).error().code(), Errc::kNotFound);
  }
}

TEST_P(BlobStoreContract, SidesAreWrittenInPiecesOfAnySize) {
  const auto writer = begin();
  const auto side = std::move(*writer->begin_side(Side::kSeekIndex));
  std::string expected;
  for (const std::size_t piece : {1, 100'000, 0, 262'143, 1, 262'144, 7, 1 << 20, 5}) {
    const std::string bytes(piece, static_cast<char>('a' + expected.size() % 26));
    ASSERT_TRUE(side->append(bytes_of(bytes)));
    expected += bytes;
    EXPECT_EQ(side->size(), expected.size());
  }
  ASSERT_TRUE(side->commit());
  EXPECT_EQ(side->size(), expected.size());
  ASSERT_TRUE(writer->commit(properties_of(""), ""));
  EXPECT_TRUE(side_of(writer->id(), Side::kSeekIndex) == expected);
  const auto reader = *store().open_side(writer->id(), Side::kSeekIndex);
  std::string two(2, '?');
  const auto out = std::as_writable_bytes(std::span(two));
  EXPECT_TRUE(reader->read_at(expected.size() - 2, out));
  EXPECT_EQ(reader->read_at(expected.size() - 1, out).error().code(), Errc::kCorruptData);
}

TEST_P(BlobStoreContract, SideThatWasNotCommittedIsDropped) {
  const auto writer = begin();
  const auto late = std::move(*writer->begin_side(Side::kSeekIndex));
  ASSERT_TRUE(late->append(bytes_of("not whole")));
  ASSERT_TRUE((*writer->begin_side(Side::kSeekCopy))->append(bytes_of("destroyed")));
  ASSERT_TRUE(writer->commit(properties_of(""), ""));
  EXPECT_TRUE(late->append(bytes_of(", and too late")));
  EXPECT_EQ(late->commit().error().code(), Errc::kConflict);
  EXPECT_EQ(writer->begin_side(Side::kSeekIndex).error().code(), Errc::kConflict);
  for (const Side side : kSides) EXPECT_EQ(side_of(writer->id(), side), "-");
  EXPECT_EQ(*store().clean_up({}), 0u);
}

TEST_P(BlobStoreContract, LaterSideTakesTheEarlierOnesPlaceFromItsBeginning) {
  const auto writer = begin();
  write_side(*writer, Side::kSeekIndex, "committed");
  write_side(*writer, Side::kSeekCopy, "of bytes that were truncated");
  const auto overtaken = std::move(*writer->begin_side(Side::kSeekIndex));
  ASSERT_TRUE(overtaken->append(bytes_of("overtaken")));
  write_side(*writer, Side::kSeekIndex, "the last");
  EXPECT_EQ(overtaken->commit().error().code(), Errc::kConflict);
  ASSERT_TRUE(writer->begin_side(Side::kSeekCopy));  // and destroyed
  ASSERT_TRUE(writer->commit(properties_of(""), ""));
  EXPECT_EQ(side_of(writer->id(), Side::kSeekIndex), "the last");
  EXPECT_EQ(side_of(writer->id(), Side::kSeekCopy), "-");
  EXPECT_EQ(*store().clean_up({}), 0u);
}

TEST_P(BlobStoreContract, SidesGoWithTheirWriter) {
  const BlobId kept = keep("hello");
  std::unique_ptr<SideWriter> orphan;
  for (const bool fails : {true, false}) {
    const auto writer = std::move(*store().resume(kept, 5));
    writer->keep();
    write_side(*writer, Side::kSeekIndex, "of a writer that goes");
    orphan = std::move(*writer->begin_side(Side::kSeekCopy));
    if (fails) {
      EXPECT_EQ(writer->commit(properties_of("x"), "").error().code(), Errc::kSizeMismatch);
    }
  }
  EXPECT_EQ(orphan->commit().error().code(), Errc::kConflict);
  EXPECT_EQ(*store().clean_up({kept}), 0u);
  const auto writer = std::move(*store().resume(kept, 5));
  write_side(*writer, Side::kSeekCopy, "new");
  ASSERT_TRUE(writer->commit(properties_of("hello"), ""));
  EXPECT_EQ(side_of(kept, Side::kSeekIndex), "-");
  EXPECT_EQ(side_of(kept, Side::kSeekCopy), "new");
}

TEST_P(BlobStoreContract, AbortAndDiscardLeaveNoSides) {
  const auto aborted = begin();
  write_side(*aborted, Side::kSeekIndex, "aborted");
  aborted->abort();
  EXPECT_EQ(aborted->begin_side(Side::kSeekIndex).error().code(), Errc::kConflict);
  write_side(*begin(), Side::kSeekCopy, "destroyed");
  const BlobId kept = keep("hello");
  EXPECT_TRUE(store().discard(kept));
  EXPECT_EQ(*store().clean_up({}), 0u);
}

TEST_P(BlobStoreContract, SideOfAPublishedBlobIsReplaced) {
  const BlobId id = put("hello");
  const auto replace = [&](Side side, std::string_view bytes) {
    const auto before = side_of(id, side);
    const auto writer = std::move(*store().begin_side(id, side));
    ASSERT_TRUE(writer->append(bytes_of(bytes)));
    EXPECT_EQ(side_of(id, side), before);
    ASSERT_TRUE(writer->commit());
    EXPECT_EQ(side_of(id, side), bytes);
  };
  replace(Side::kSeekIndex, "first");
  const auto reader = *store().open_side(id, Side::kSeekIndex);
  replace(Side::kSeekIndex, "second, longer");
  replace(Side::kSeekCopy, "");
  std::string first(5, '?');
  ASSERT_TRUE(reader->read_at(0, std::as_writable_bytes(std::span(first))));
  EXPECT_EQ(first, "first");
  ASSERT_TRUE((*store().begin_side(id, Side::kSeekIndex))->append(bytes_of("destroyed")));
  EXPECT_EQ(side_of(id, Side::kSeekIndex), "second, longer");
  EXPECT_EQ(get(id), "hello");
  ASSERT_TRUE(store().annotate(id, "another"));
  EXPECT_EQ(*store().list(), std::vector<BlobId>{id});
  EXPECT_EQ(*store().clean_up({}), 0u);
  EXPECT_EQ(side_of(id, Side::kSeekIndex), "second, longer");
  EXPECT_EQ(side_of(id, Side::kSeekCopy), "");
}

TEST_P(BlobStoreContract, LastCommitOfTwoSidesOfAPublishedBlobCounts) {
  const BlobId id = put("hello");
  const auto one = std::move(*store().begin_side(id, Side::kSeekIndex));
  const auto two = std::move(*store().begin_side(id, Side::kSeekIndex));
  ASSERT_TRUE(one->append(bytes_of("one")));
  ASSERT_TRUE(two->append(bytes_of("two")));
  ASSERT_TRUE(two->commit());
  EXPECT_EQ(side_of(id, Side::kSeekIndex), "two");
  ASSERT_TRUE(one->commit());
  EXPECT_EQ(side_of(id, Side::kSeekIndex), "one");
}

TEST_P(BlobStoreContract, RemoveTakesTheSidesToo) {
  const BlobId id = put("hello");
  for (const Side side : kSides) {
    const auto writer = std::move(*store().begin_side(id, side));
    ASSERT_TRUE(writer->append(bytes_of("side")));
    ASSERT_TRUE(writer->commit());
  }
  const auto reader = *store().open_side(id, Side::kSeekCopy);
  const auto late = std::move(*store().begin_side(id, Side::kSeekIndex));
  ASSERT_TRUE(late->append(bytes_of("late")));
  ASSERT_TRUE(store().remove(id));
  EXPECT_EQ(late->commit().error().code(), Errc::kNotFound);
  for (const Side side : kSides) EXPECT_EQ(side_of(id, side), "-");
  std::string bytes(4, '?');
  EXPECT_TRUE(reader->read_at(0, std::as_writable_bytes(std::span(bytes))));
  EXPECT_EQ(*store().clean_up({}), 0u);
}

TEST_P(BlobStoreContract, SidesAreWrittenBesideTheirBlob) {
  constexpr int kPieces = 200;
  const std::string piece(5000, 'p');
  const auto writer = begin();
  {
    std::vector<std::jthread> threads;
    for (const Side kind : kSides) {
      threads.emplace_back([&writer, &piece, kind] {
        const auto side = std::move(*writer->begin_side(kind));
        for (int i = 0; i < kPieces; ++i) EXPECT_TRUE(side->append(bytes_of(piece)));
        EXPECT_TRUE(side->commit());
      });
    }
    for (int i = 0; i < kPieces; ++i) ASSERT_TRUE(writer->append(bytes_of(piece)));
  }
  const std::string whole = read(*writer);
  ASSERT_TRUE(writer->commit(properties_of(whole), ""));
  for (const Side side : kSides) EXPECT_TRUE(side_of(writer->id(), side) == whole);
}

}  // namespace
}  // namespace strata::blob
