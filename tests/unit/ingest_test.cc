#include "storage/upload/ingest.h"

#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <future>
#include <random>
#include <thread>

#include "strata/digest/hasher.h"
#include "tests/support/codec_forge.h"

namespace strata::upload {
namespace {

// Collects what is appended; can fail at a given append.
class RecordingWriter final : public blob::BlobWriter {
 public:
  struct Record {
    std::string bytes;
    std::size_t appends = 0;
    std::atomic<bool> aborted = false;

    void reset() {
      bytes.clear();
      appends = 0;
      aborted = false;
    }
  };
  RecordingWriter(Record& record, std::size_t fail_at) : record_(record), fail_at_(fail_at) {}
  ~RecordingWriter() override {
    if (!kept_) RecordingWriter::abort();
  }
  [[nodiscard]] const BlobId& id() const override { return id_; }
  [[nodiscard]] Status append(std::span<const std::byte> data) override {
    if (++record_.appends == fail_at_) return Error(Errc::kNoSpace, "the disk is full");
    record_.bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  }
  [[nodiscard]] std::uint64_t size() const override { return record_.bytes.size(); }
  [[nodiscard]] Status sync() override { return {}; }
  [[nodiscard]] Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > record_.bytes.size() || out.size() > record_.bytes.size() - offset) {
      return Error(Errc::kCorruptData, "there are fewer bytes");
    }
    std::memcpy(out.data(), record_.bytes.data() + offset, out.size());
    return {};
  }
  [[nodiscard]] Status truncate(std::uint64_t size) override {
    record_.bytes.resize(size);
    return {};
  }
  void keep() override { kept_ = true; }
  [[nodiscard]] Status commit(const blob::BlobProperties&, const std::string&) override {
    return {};
  }
  void abort() override {
    record_.aborted = true;
    record_.aborted.notify_all();
  }

 private:
  BlobId id_;
  Record& record_;
  std::size_t fail_at_;
  bool kept_ = false;
};

std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string gzip(const std::string& plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// An xz stream with a block for every `block` bytes.
std::string xz(const std::string& plain, std::size_t block) {
  lzma_stream stream = LZMA_STREAM_INIT;
  EXPECT_EQ(lzma_easy_encoder(&stream, 0, LZMA_CHECK_CRC64), LZMA_OK);
  std::string out(plain.size() + plain.size() / 2 + 65536, '\0');
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = out.size();
  for (std::size_t at = 0; at < plain.size(); at += block) {
    stream.next_in = reinterpret_cast<const std::uint8_t*>(plain.data() + at);
    stream.avail_in = std::min(block, plain.size() - at);
    const bool last = at + block >= plain.size();
    EXPECT_EQ(lzma_code(&stream, last ? LZMA_FINISH : LZMA_FULL_FLUSH), LZMA_STREAM_END);
  }
  out.resize(static_cast<std::size_t>(stream.total_out));
  lzma_end(&stream);
  return out;
}

// Frames of raw blocks.
std::string zstd(const std::string& plain) {
  constexpr std::size_t kRaw = 100'000;
  constexpr std::uint8_t kWindow128KiB = 7 << 3;
  std::string out;
  for (std::size_t at = 0; at < plain.size(); at += 4 * kRaw) {
    test::ZstdParts frame{{}, kWindow128KiB, 0};
    for (std::size_t i = at; i < std::min(plain.size(), at + 4 * kRaw); i += kRaw) {
      frame.blocks.push_back(plain.substr(i, kRaw));
    }
    out += test::forge_zstd(frame);
  }
  return out;
}

class IngestTest : public testing::Test {
 protected:
  void run(boost::asio::awaitable<void> work) {
    bool ended = false;
    boost::asio::co_spawn(context_, std::move(work), [&](const std::exception_ptr& thrown) {
      ended = true;
      if (thrown) std::rethrow_exception(thrown);
    });
    context_.restart();
    context_.run_for(std::chrono::seconds(60));
    if (!ended) {
      ADD_FAILURE() << "it hangs";
      std::abort();  // what waits refers to the test's own variables
    }
  }

  [[nodiscard]] std::unique_ptr<RecordingWriter> writer(std::size_t fail_at = 0) {
    return std::make_unique<RecordingWriter>(record_, fail_at);
  }
  [[nodiscard]] std::unique_ptr<Ingest> begin(Ingest::Mode mode, std::size_t fail_at = 0) {
    return std::make_unique<Ingest>(limits_, pools(), writer(fail_at), mode, 7);
  }
  [[nodiscard]] IngestPools pools() { return {disk_, compute_, blocks_}; }

  // As a connection does it: blocks that end at borders of blocks in the file.
  boost::asio::awaitable<Status> send(Ingest& ingest, std::string_view bytes) {
    while (!bytes.empty()) {
      STRATA_CO_TRY(auto block, co_await ingest.next_block());
      const std::size_t n = std::min(bytes.size(), ingest.block_room());
      std::memcpy((*block).data(), bytes.data(), n);
      block->set_size(n);
      bytes.remove_prefix(n);
      ingest.submit(std::move(block));
    }
    co_return Status();
  }
  Status send_now(Ingest& ingest, std::string_view bytes) {
    Status sent;
    run([&]() -> boost::asio::awaitable<void> { sent = co_await send(ingest, bytes); }());
    return sent;
  }
  Result<Ingest::Finished> finish(Ingest& ingest) {
    std::optional<Result<Ingest::Finished>> outcome;
    run([&]() -> boost::asio::awaitable<void> { outcome.emplace(co_await ingest.finish()); }());
    return std::move(*outcome);
  }
  Status catch_up(Ingest& ingest) {
    Status done;
    run([&]() -> boost::asio::awaitable<void> { done = co_await ingest.catch_up(); }());
    return done;
  }
  void close(Ingest& ingest) {
    run([&]() -> boost::asio::awaitable<void> { co_await ingest.close(); }());
  }
  Result<Checkpoint> checkpoint(Ingest& ingest) {
    std::promise<Result<Checkpoint>> taken;
    ingest.checkpoint([&](Result<Checkpoint> value) { taken.set_value(std::move(value)); });
    return taken.get_future().get();
  }
  // The next process: it has what the checkpoint speaks of and no more.
  std::unique_ptr<Ingest> resume(const Checkpoint& saved,
                                 Ingest::Mode mode = Ingest::Mode::kResumable) {
    const auto read = checkpoint_from_bytes(to_bytes(saved));
    EXPECT_TRUE(read);
    EXPECT_EQ(*read, saved);
    record_.bytes.resize(static_cast<std::size_t>(saved.offset));
    auto resumed = Ingest::resume(limits_, pools(), writer(), mode, *read, 7);
    EXPECT_TRUE(resumed) << resumed.error().message();
    EXPECT_TRUE(catch_up(**resumed));
    return *std::move(resumed);
  }
  // Sends `stored`; interrupted at each of `cuts` with more bytes on their way, which are lost.
  blob::BlobProperties interrupted(const std::string& stored,
                                   const std::vector<std::size_t>& cuts) {
    record_.reset();
    auto ingest = begin(Ingest::Mode::kResumable);
    for (const std::size_t cut : cuts) {
      const auto at = static_cast<std::size_t>(ingest->offset());
      EXPECT_TRUE(send_now(*ingest, std::string_view(stored).substr(at, cut - at)));
      const auto saved = checkpoint(*ingest);
      EXPECT_TRUE(saved) << saved.error().message();
      EXPECT_EQ(saved->offset, cut);
      EXPECT_TRUE(send_now(*ingest, std::string_view(stored).substr(cut, 70'000)));
      close(*ingest);
      ingest = resume(*saved);
    }
    const auto at = static_cast<std::size_t>(ingest->offset());
    EXPECT_TRUE(send_now(*ingest, std::string_view(stored).substr(at)));
    const auto finished = finish(*ingest);
    EXPECT_TRUE(finished) << finished.error().message();
    EXPECT_EQ(record_.bytes, stored);
    return finished ? finished->properties : blob::BlobProperties();
  }

  // Sends `stored` through an Ingest as a connection would.
  Result<Ingest::Finished> ingest(const std::string& stored, std::size_t fail_at = 0) {
    record_.reset();
    const auto ingest = begin(Ingest::Mode::kOnce, fail_at);
    if (const Status sent = send_now(*ingest, stored); !sent) return sent.error();
    return finish(*ingest);
  }

  Limits limits_;
  io::BlockPool blocks_{64};
  RecordingWriter::Record record_;
  boost::asio::io_context context_;
  io::WorkerPool disk_{"disk", 2};
  io::WorkerPool compute_{"compute", 2};
};

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

struct Encoded {
  const char* name;
  std::string (*encode)(const std::string& plain);
};
void PrintTo(const Encoded& encoded, std::ostream* out) {
  *out << encoded.name;
}
class ResumedIngestTest : public IngestTest, public testing::WithParamInterface<Encoded> {
 protected:
  const std::string plain_ = random_bytes((3 << 20) + 54'321, 8) + std::string(200'000, 'z');
  const std::string stored_ = GetParam().encode(plain_);
  void expect_right(const blob::BlobProperties& found) {
    EXPECT_EQ(found.stored, digest::digest_of(stored_));
    EXPECT_EQ(found.decoded, digest::digest_of(plain_));
    EXPECT_EQ(found.created, 7);
    EXPECT_EQ(found.disk.virtual_bytes, plain_.size());
  }
};

TEST_P(ResumedIngestTest, AtEveryPlaceTheResultIsThatOfAnUninterruptedUpload) {
  std::vector<std::size_t> cuts = {0, 1, 2, 3, 4, 5, 6, 7, 4095, 65'537};
  for (std::size_t border = io::kBlockBytes; border < stored_.size(); border += io::kBlockBytes) {
    for (const std::size_t cut : {border - 1, border, border + 1}) cuts.push_back(cut);
  }
  cuts.push_back(stored_.size() - 1);
  cuts.push_back(stored_.size());
  for (const std::size_t cut : cuts) {
    SCOPED_TRACE("cut at " + std::to_string(cut));
    expect_right(interrupted(stored_, {cut}));
  }
  expect_right(interrupted(stored_, cuts));
}

TEST_P(ResumedIngestTest, ADamagedStateIsComputedAgainFromTheFile) {
  const std::size_t cut = (2 << 20) + 777;
  for (const bool digests : {false, true}) {
    record_.reset();
    auto first = begin(Ingest::Mode::kResumable);
    ASSERT_TRUE(send_now(*first, stored_.substr(0, cut)));
    auto saved = checkpoint(*first);
    ASSERT_TRUE(saved);
    close(*first);
    if (digests) saved->stored->digests.front()[0] ^= 1;
    if (saved->decoding) saved->decoding->decoder[0] ^= 1;
    const auto second = resume(*saved);
    EXPECT_TRUE(send_now(*second, stored_.substr(cut)));
    const auto finished = finish(*second);
    ASSERT_TRUE(finished) << finished.error().message();
    expect_right(finished->properties);
    if (digests) {
      EXPECT_GE(second->read_back(), cut);
    }
  }
}

TEST_P(ResumedIngestTest, UnverifiedBytesAreDigestedWhenTheyAreAcceptedAndOnlyThen) {
  const std::size_t cut = 3;  // the encoding is not known yet
  const auto ingest = begin(Ingest::Mode::kResumable);
  ASSERT_TRUE(send_now(*ingest, stored_.substr(0, cut)));
  const auto unverified = [&](std::string_view bytes) -> boost::asio::awaitable<void> {
    while (!bytes.empty()) {
      auto block = co_await ingest->next_block();
      EXPECT_TRUE(block);
      const std::size_t n = std::min(bytes.size(), ingest->block_room());
      std::memcpy((*block)->data(), bytes.data(), n);
      (*block)->set_size(n);
      bytes.remove_prefix(n);
      ingest->submit_unverified(*std::move(block));
    }
  };
  run([&]() -> boost::asio::awaitable<void> {
    const std::string wrong = random_bytes(1'500'000, 9);
    co_await unverified(wrong);
    EXPECT_EQ(ingest->offset(), cut + wrong.size());
    EXPECT_EQ(ingest->processed(), cut);
    EXPECT_TRUE(co_await ingest->reject());
    EXPECT_EQ(ingest->offset(), cut);
    EXPECT_EQ(record_.bytes.size(), cut);
    EXPECT_TRUE(co_await ingest->reject());  // nothing to forget
    const std::string right = stored_.substr(cut, 1'234'567);
    co_await unverified(right);
    ingest->accept();
    EXPECT_TRUE(co_await ingest->catch_up());
    EXPECT_EQ(ingest->processed(), cut + right.size());
    const std::string_view rest = std::string_view(stored_).substr(cut + right.size());
    EXPECT_TRUE(co_await send(*ingest, rest));
  }());
  EXPECT_GE(ingest->read_back(), 1'234'567u);
  const auto finished = finish(*ingest);
  ASSERT_TRUE(finished) << finished.error().message();
  expect_right(finished->properties);
}

TEST_P(ResumedIngestTest, CloseInEveryPhaseKeepsTheBytes) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{2'000'000}}) {
    for (const bool saving : {false, true}) {
      record_.reset();
      const auto ingest = begin(Ingest::Mode::kResumable);
      EXPECT_TRUE(send_now(*ingest, stored_.substr(0, size)));
      std::promise<void> taken;
      if (saving) ingest->checkpoint([&](const Result<Checkpoint>&) { taken.set_value(); });
      close(*ingest);
      if (saving) taken.get_future().get();
      EXPECT_FALSE(record_.aborted);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ResumedIngestTest,
    testing::Values(Encoded{"identity", [](const std::string& plain) { return plain; }},
                    Encoded{"gzip", gzip},
                    Encoded{"xz_blocks", [](const std::string& p) { return xz(p, 500'000); }},
                    Encoded{"xz_one_block", [](const std::string& p) { return xz(p, p.size()); }},
                    Encoded{"zstd", zstd}),
    [](const auto& value) { return std::string(value.param.name); });

// The end of a block whose bytes fill a decoded block exactly is a place to go on from like any
// other, and is not missed behind the output that is still to be given.
TEST_F(IngestTest, BlocksThatFillDecodedBlocksExactlyAreGoneOnFrom) {
  const std::string plain = random_bytes(8 << 20, 11);
  const std::string stored = xz(plain, 1 << 20);
  const std::size_t cut = (6 << 20) + 4321;
  auto first = begin(Ingest::Mode::kResumable);
  ASSERT_TRUE(send_now(*first, stored.substr(0, cut)));
  std::optional<Checkpoint> saved;
  for (int tries = 0; tries < 200; ++tries) {  // until the decoder has come that far
    const auto taken = checkpoint(*first);
    ASSERT_TRUE(taken);
    saved = *taken;
    if (saved->decoding && saved->decoding->consumed >= 5 << 20) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_TRUE(saved->decoding);
  ASSERT_GE(saved->decoding->consumed, 5u << 20);
  close(*first);
  const auto second = resume(*saved);
  ASSERT_TRUE(send_now(*second, stored.substr(cut)));
  const auto finished = finish(*second);
  ASSERT_TRUE(finished) << finished.error().message();
  EXPECT_EQ(finished->properties.decoded, digest::digest_of(plain));
}

// Inside an xz block there is no state: its beginning is decoded again, from the file, while later
// blocks are taken at once.
TEST_F(IngestTest, ALaggingDecoderReadsTheFileBack) {
  const std::string plain = random_bytes(8 << 20, 10);
  const std::string stored = xz(plain, plain.size());
  const std::size_t cut = (6 << 20) + 5;
  auto first = begin(Ingest::Mode::kResumable);
  ASSERT_TRUE(send_now(*first, stored.substr(0, cut)));
  const auto saved = checkpoint(*first);
  ASSERT_TRUE(saved);
  close(*first);
  const auto second = resume(*saved);
  ASSERT_TRUE(send_now(*second, stored.substr(cut)));
  const auto finished = finish(*second);
  ASSERT_TRUE(finished) << finished.error().message();
  EXPECT_EQ(finished->properties.decoded, digest::digest_of(plain));
  EXPECT_GT(second->read_back(), 0u);
}

TEST_F(IngestTest, CancelIsTheAnswerToWhoeverWaits) {
  const Error why(Errc::kCancelled, "enough");
  const auto ingest = begin(Ingest::Mode::kResumable);
  std::vector<std::shared_ptr<io::Block>> taken;
  run([&]() -> boost::asio::awaitable<void> {
    while (taken.size() < limits_.upload_blocks) taken.push_back(*co_await ingest->next_block());
    disk_.post([&] { ingest->cancel(why); });
    const auto refused = co_await ingest->next_block();
    EXPECT_EQ(refused.error().code(), Errc::kCancelled);
  }());
  taken.clear();
  EXPECT_FALSE(checkpoint(*ingest));
  EXPECT_EQ(finish(*ingest).error().code(), Errc::kCancelled);
  close(*ingest);
  EXPECT_FALSE(record_.aborted);
}

TEST_F(IngestTest, BytesThatAreOnlyKeptAreDigestedLater) {
  const std::string stored = random_bytes(2'500'000, 11);
  auto first = begin(Ingest::Mode::kKeepOnly);
  ASSERT_TRUE(send_now(*first, stored.substr(0, 1'100'000)));
  const auto saved = checkpoint(*first);
  ASSERT_TRUE(saved);
  EXPECT_FALSE(saved->stored);
  close(*first);
  const auto second = resume(*saved);
  EXPECT_EQ(second->processed(), 1'100'000u);
  ASSERT_TRUE(send_now(*second, stored.substr(1'100'000)));
  const auto finished = finish(*second);
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->properties.stored, digest::digest_of(stored));
}

}  // namespace
}  // namespace strata::upload
