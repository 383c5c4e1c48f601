#pragma once

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
#include <map>
#include <random>
#include <thread>

#include "storage/upload/ingest.h"
#include "strata/digest/hasher.h"
#include "tests/support/codec_forge.h"
#include "tests/support/seek_world.h"

// What tests of Ingest share: a writer that records, and an Ingest driven as a connection drives
// it.
namespace strata::upload {

// Collects what is appended; can fail at a given append.
class RecordingWriter final : public blob::BlobWriter {
 public:
  struct Record {
    std::string bytes;
    std::size_t appends = 0;
    std::atomic<bool> aborted = false;
    std::map<blob::Side, std::string> sides;  // that were committed
    std::size_t copy_room = SIZE_MAX;         // a seekable copy does not fit beyond

    void reset() {
      bytes.clear();
      appends = 0;
      aborted = false;
      sides.clear();
    }
  };
  class Side final : public blob::SideWriter {
   public:
    Side(std::string& committed, std::size_t room) : committed_(committed), room_(room) {}
    [[nodiscard]] Status append(std::span<const std::byte> data) override {
      if (data.size() > room_ - bytes_.size()) return Error(Errc::kNoSpace, "the disk is full");
      bytes_.append(reinterpret_cast<const char*>(data.data()), data.size());
      return {};
    }
    [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
    [[nodiscard]] Status commit() override {
      committed_ = bytes_;
      return {};
    }

   private:
    std::string bytes_;
    std::string& committed_;
    std::size_t room_;
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
  [[nodiscard]] Result<std::unique_ptr<blob::SideWriter>> begin_side(blob::Side side) override {
    return std::unique_ptr<blob::SideWriter>(std::make_unique<Side>(
        record_.sides[side], side == blob::Side::kSeekCopy ? record_.copy_room : SIZE_MAX));
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

inline std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

inline std::string gzip(const std::string& plain) {
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
inline std::string xz(const std::string& plain, std::size_t block) {
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

// The same with the sizes in the headers of the blocks, as `xz -T` makes it.
inline std::string xz_threads(const std::string& plain, std::size_t block) {
  lzma_mt options{};
  options.threads = 2;
  options.block_size = block;
  options.check = LZMA_CHECK_CRC64;
  lzma_stream stream = LZMA_STREAM_INIT;
  EXPECT_EQ(lzma_stream_encoder_mt(&stream, &options), LZMA_OK);
  std::string out(plain.size() + plain.size() / 2 + 65536, '\0');
  stream.next_in = reinterpret_cast<const std::uint8_t*>(plain.data());
  stream.avail_in = plain.size();
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = out.size();
  lzma_ret code = LZMA_OK;
  while (code == LZMA_OK) code = lzma_code(&stream, LZMA_FINISH);
  EXPECT_EQ(code, LZMA_STREAM_END);
  out.resize(static_cast<std::size_t>(stream.total_out));
  lzma_end(&stream);
  return out;
}

// Frames of raw blocks.
inline std::string zstd(const std::string& plain) {
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
  [[nodiscard]] IngestPools pools() { return {disk_, compute_, digests_, blocks_, decoding_}; }

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

  // The end of an upload that goes on from a checkpoint: `rest` is what it had not yet.
  struct Ended {
    blob::BlobProperties found;
    std::uint64_t read_back = 0;
  };
  Ended go_on(const Checkpoint& from, std::string_view rest) {
    const auto ingest = resume(from);
    EXPECT_EQ(ingest->processed(), from.offset);
    EXPECT_TRUE(send_now(*ingest, rest));
    const auto finished = finish(*ingest);
    EXPECT_TRUE(finished) << finished.error().message();
    return {finished ? finished->properties : blob::BlobProperties(), ingest->read_back()};
  }

  // Sends `stored` through an Ingest as a connection would.
  Result<Ingest::Finished> ingest(const std::string& stored, std::size_t fail_at = 0) {
    record_.reset();
    const auto ingest = begin(Ingest::Mode::kOnce, fail_at);
    if (const Status sent = send_now(*ingest, stored); !sent) return sent.error();
    return finish(*ingest);
  }

  // The sides are an index and a copy by which every byte of the decoded view is found.
  void expect_index(const std::string& stored, const std::string& plain) {
    test::SeekWorld world;
    world.stored = stored;
    world.index_file = record_.sides[blob::Side::kSeekIndex];
    world.copy_file = record_.sides[blob::Side::kSeekCopy];
    const auto index =
        codec::read_seek_index(test::SeekWorld::reader(world.index_file), world.index_file.size());
    ASSERT_TRUE(index) << index.error().message();
    EXPECT_EQ(index->stored_sha256, digest::digest_of(stored).sha256);
    EXPECT_EQ(index->stored_bytes, stored.size());
    EXPECT_EQ(index->decoded_bytes, plain.size());
    EXPECT_EQ(index->copy_bytes, world.copy_file.size());
    ASSERT_TRUE(index->seekable());
    for (const codec::SeekBlock& block : index->blocks) {
      const auto bytes = world.block(block);
      ASSERT_TRUE(bytes) << bytes.error().message();
      ASSERT_EQ(*bytes, plain.substr(static_cast<std::size_t>(block.decoded_offset),
                                     static_cast<std::size_t>(block.decoded_bytes)));
    }
  }

  Limits limits_;
  io::BlockPool blocks_{64};
  RecordingWriter::Record record_;
  boost::asio::io_context context_;
  io::WorkerPool disk_{"disk", 2};
  Metrics metrics_;
  io::WorkerPool compute_{"compute", 2};
  digest::Engine digests_{compute_, metrics_};
  codec::ParallelDecoding decoding_{compute_, {.bytes_max = limits_.parallel_decoding_bytes_max}};
};

}  // namespace strata::upload
