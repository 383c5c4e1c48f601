#include "tests/support/ingest_fixture.h"

namespace strata::upload {
namespace {

TEST_F(IngestTest, IdentityBytesAreWrittenAndDigestedOnce) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, io::kBlockBytes, io::kBlockBytes * 20 + 12345}) {
    record_.reset();
    const std::string bytes = random_bytes(size, 1);
    const auto finished = ingest(bytes);
    ASSERT_TRUE(finished) << finished.error().message();
    EXPECT_EQ(record_.bytes, bytes);
    EXPECT_EQ(finished->properties.stored, digest::digest_of(bytes));
    EXPECT_EQ(finished->properties.decoded, finished->properties.stored);
    EXPECT_EQ(finished->properties.encoding, codec::Encoding::kIdentity);
    EXPECT_EQ(finished->properties.disk.virtual_bytes, size);
    EXPECT_EQ(finished->properties.created, 7);
  }
}

TEST_F(IngestTest, EncodedBytesAreDecodedBesideTheWriting) {
  // Decodes to far more than the decoded blocks that may exist at a time.
  const std::string plain = random_bytes(3 << 20, 2) + std::string(40 << 20, 'x');
  const std::string stored = gzip(plain);
  const auto finished = ingest(stored);
  ASSERT_TRUE(finished) << finished.error().message();
  EXPECT_EQ(record_.bytes, stored);
  EXPECT_EQ(finished->properties.encoding, codec::Encoding::kGzip);
  EXPECT_EQ(finished->properties.stored, digest::digest_of(stored));
  EXPECT_EQ(finished->properties.decoded, digest::digest_of(plain));
  expect_index(stored, plain);
}

TEST_F(IngestTest, ZerosOfIdentityBytesAreIndexed) {
  const std::string bytes = random_bytes(3, 1) + std::string(300'000, '\0') + random_bytes(9, 2);
  for (const std::size_t first : {std::size_t{2}, bytes.size()}) {
    record_.reset();
    const auto ingest = begin(Ingest::Mode::kResumable);
    ASSERT_TRUE(send_now(*ingest, std::string_view(bytes).substr(0, first)));
    ASSERT_TRUE(send_now(*ingest, std::string_view(bytes).substr(first)));
    ASSERT_TRUE(finish(*ingest));
    const std::string& file = record_.sides[blob::Side::kSeekIndex];
    const auto index = codec::read_seek_index(test::SeekWorld::reader(file), file.size());
    ASSERT_TRUE(index) << index.error().message();
    EXPECT_EQ(index->zero_runs, (std::vector<codec::ZeroRun>{{4096, 294'912}}));
    EXPECT_EQ(index->decoded_bytes, bytes.size());
  }
  ASSERT_TRUE(ingest(random_bytes(3 << 20, 3)));
  EXPECT_TRUE(record_.sides.empty());
}

TEST_F(IngestTest, AViewWithoutPlacesIsCopiedUnlessThatIsForbidden) {
  const std::string plain = random_bytes(2 << 20, 2) + std::string(3 << 20, '\0');
  const std::string stored = xz(plain, plain.size());
  ASSERT_TRUE(ingest(stored));
  expect_index(stored, plain);
  EXPECT_GT(record_.sides[blob::Side::kSeekCopy].size(), 2U << 20);
  for (const std::uint64_t copy_max : {std::uint64_t{0}, std::uint64_t{1} << 20}) {
    limits_.seek_copy_bytes_max = copy_max;
    ASSERT_TRUE(ingest(stored));
    EXPECT_TRUE(record_.sides[blob::Side::kSeekCopy].empty());
    const std::string& file = record_.sides[blob::Side::kSeekIndex];
    const auto index = codec::read_seek_index(test::SeekWorld::reader(file), file.size());
    ASSERT_TRUE(index);
    EXPECT_FALSE(index->seekable());
    EXPECT_EQ(index->zero_runs.size(), 1U);
  }
}

// What an index says of blocks, but for the bytes that a reader may fetch beyond a block's end:
// they depend on how far ahead of its output a decoder has read.
std::string blocks_of(const std::string& file) {
  const auto index = codec::read_seek_index(test::SeekWorld::reader(file), file.size());
  EXPECT_TRUE(index);
  std::string text;
  for (const codec::SeekBlock& block : index ? index->blocks : std::vector<codec::SeekBlock>()) {
    text += std::to_string(static_cast<int>(block.kind)) + ' ' +
            std::to_string(block.decoded_offset) + ' ' + std::to_string(block.decoded_bytes) + ' ' +
            std::to_string(block.stored_offset) + ' ' + std::to_string(block.checksum) + '\n';
  }
  return text;
}

// Of blocks of several sizes: some beside each other, some in step. The index does not tell.
TEST_F(IngestTest, XzBlocksAreDecodedBesideEachOther) {
  const std::string plain = random_bytes(3 << 20, 12) + std::string(2 << 20, 'x');
  for (const std::size_t block :
       {std::size_t{50'000}, std::size_t{200'000}, std::size_t{2} << 20}) {
    SCOPED_TRACE(block);
    const std::string stored = xz_threads(plain, block) + xz(plain, 2 * block);
    decoding_ = {compute_, {.bytes_max = limits_.parallel_decoding_bytes_max}};
    const auto beside = ingest(stored);
    ASSERT_TRUE(beside) << beside.error().message();
    EXPECT_EQ(beside->properties.decoded, digest::digest_of(plain + plain));
    EXPECT_EQ(decoding_.used(), 0U);
    auto sides = std::move(record_.sides);
    decoding_ = {compute_, {.bytes_max = 0}};  // suits no block
    ASSERT_TRUE(ingest(stored));
    EXPECT_EQ(blocks_of(sides[blob::Side::kSeekIndex]),
              blocks_of(record_.sides[blob::Side::kSeekIndex]));
    EXPECT_TRUE(sides[blob::Side::kSeekCopy] == record_.sides[blob::Side::kSeekCopy]);
  }
}

TEST_F(IngestTest, DamageInAXzBlockEndsTheUpload) {
  std::string stored = xz_threads(random_bytes(9 << 20, 13), 1 << 20);
  stored[stored.size() / 2] ^= 0x55;
  const auto finished = ingest(stored);
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code(), Errc::kCorruptXz);
}

TEST_F(IngestTest, ADiskWithoutRoomForTheCopyCostsTheRangesAndNotTheUpload) {
  const std::string plain = random_bytes(2 << 20, 2);
  const std::string stored = xz(plain, plain.size());
  ASSERT_TRUE(ingest(stored));
  const std::size_t whole = record_.sides[blob::Side::kSeekCopy].size();
  for (const std::size_t room : {std::size_t{0}, whole / 2}) {
    record_.copy_room = room;
    const auto finished = ingest(stored);
    ASSERT_TRUE(finished) << finished.error().message();
    EXPECT_EQ(finished->properties.decoded, digest::digest_of(plain));
    EXPECT_TRUE(record_.sides[blob::Side::kSeekCopy].empty());
    const std::string& file = record_.sides[blob::Side::kSeekIndex];
    const auto index = codec::read_seek_index(test::SeekWorld::reader(file), file.size());
    ASSERT_TRUE(index) << index.error().message();
    EXPECT_FALSE(index->seekable());
    EXPECT_EQ(index->copy_bytes, 0U);
  }
  record_.copy_room = whole - 1;  // the seek table, which comes with the tables of the index
  ASSERT_TRUE(ingest(stored));
  EXPECT_TRUE(record_.sides[blob::Side::kSeekCopy].empty());
  EXPECT_TRUE(record_.sides[blob::Side::kSeekIndex].empty());
}

TEST_F(IngestTest, DecodedSizeThatFillsBlocksExactly) {
  for (const std::size_t extra : {0, 1}) {
    const std::string plain = random_bytes(4 * io::kBlockBytes + extra, 3);
    const auto finished = ingest(gzip(plain));
    ASSERT_TRUE(finished) << finished.error().message();
    EXPECT_EQ(finished->properties.decoded, digest::digest_of(plain));
  }
}

TEST_F(IngestTest, CorruptDataIsTheAnswerAndTheWriterIsAborted) {
  std::string stored = gzip(random_bytes(12 << 20, 4));
  stored[stored.size() / 2] ^= 0x55;
  stored[stored.size() / 2 + 1] ^= 0x55;
  const auto finished = ingest(stored);
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code(), Errc::kCorruptGzip);
}

TEST_F(IngestTest, TruncatedDataIsFoundAtTheEnd) {
  const std::string stored = gzip(random_bytes(2 << 20, 5));
  const auto finished = ingest(stored.substr(0, stored.size() - 1));
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code(), Errc::kCorruptGzip);
}

TEST_F(IngestTest, DecodedLimitEndsTheUpload) {
  limits_.decoded_bytes_max = 1 << 20;
  const auto finished = ingest(gzip(std::string(64 << 20, '\0')));
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code(), Errc::kDecompressionLimit);
}

TEST_F(IngestTest, FailedWriteEndsTheUpload) {
  const auto finished = ingest(random_bytes(30 << 20, 6), 3);
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code(), Errc::kNoSpace);
  EXPECT_EQ(record_.appends, 3u);
}

// The connection goes away in mid-upload: everything is given back (the sanitizers watch), and the
// writer is aborted after its last write.
TEST_F(IngestTest, AbandonedUploadAbortsTheWriter) {
  for (const bool encoded : {false, true}) {
    record_.reset();
    const std::string plain = random_bytes(5 << 20, 7);
    const std::string stored = encoded ? gzip(plain) : plain;
    {
      const auto ingest = begin(Ingest::Mode::kOnce);
      EXPECT_TRUE(send_now(*ingest, stored.substr(0, io::kBlockBytes)));
    }
    record_.aborted.wait(false);  // ctest's time-out is the failure
    EXPECT_LE(record_.appends, 1u);
  }
}

}  // namespace
}  // namespace strata::upload
