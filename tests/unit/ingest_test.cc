#include "storage/upload/ingest.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <random>

#include "strata/digest/hasher.h"

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
  void keep() override {}
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

class IngestTest : public testing::Test {
 protected:
  // Sends `stored` through an Ingest as a connection would; in pieces of at most `piece` bytes.
  Result<Ingest::Finished> ingest(const std::string& stored, std::size_t fail_at = 0) {
    std::optional<Result<Ingest::Finished>> outcome;
    boost::asio::co_spawn(context_, run(stored, fail_at, outcome), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context_.run();
    context_.restart();
    return std::move(*outcome);
  }

  boost::asio::awaitable<void> run(const std::string& stored, std::size_t fail_at,
                                   std::optional<Result<Ingest::Finished>>& outcome) {
    Ingest ingest(limits_, {disk_, compute_, blocks_},
                  std::make_unique<RecordingWriter>(record_, fail_at),
                  co_await boost::asio::this_coro::executor, 7);
    for (std::size_t at = 0; at < stored.size();) {
      auto block = co_await ingest.next_block();
      if (!block) {
        outcome.emplace(block.error());
        co_return;
      }
      const std::size_t n = std::min(stored.size() - at, io::kBlockBytes);
      std::memcpy((*block)->data(), stored.data() + at, n);
      (*block)->set_size(n);
      at += n;
      ingest.submit(std::move(*block));
    }
    outcome.emplace(co_await ingest.finish());
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
    auto abandon = [&]() -> boost::asio::awaitable<void> {
      Ingest ingest(limits_, {disk_, compute_, blocks_},
                    std::make_unique<RecordingWriter>(record_, 0),
                    co_await boost::asio::this_coro::executor, 7);
      auto block = co_await ingest.next_block();
      std::memcpy((*block)->data(), stored.data(), io::kBlockBytes);
      (*block)->set_size(io::kBlockBytes);
      ingest.submit(std::move(*block));
    };
    boost::asio::co_spawn(context_, abandon(), boost::asio::detached);
    context_.run();
    context_.restart();
    record_.aborted.wait(false);  // ctest's time-out is the failure
    EXPECT_LE(record_.appends, 1u);
  }
}

}  // namespace
}  // namespace strata::upload
