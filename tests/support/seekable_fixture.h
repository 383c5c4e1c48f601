#pragma once

#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/service/seekable_source.h"
#include "tests/support/codec_streams.h"
#include "tests/support/seek_world.h"

// What tests of seekable views share: encoded disks with an index in memory, and a source that is
// driven as a connection drives it.
namespace strata::test {

// 9 MiB of a disk, with zeros in the middle.
[[nodiscard]] inline const std::string& seekable_disk() {
  static const std::string kDisk =
      sample_data(4 << 20, 1) + std::string(2 << 20, '\0') + sample_data(3 << 20, 2);
  return kDisk;
}

[[nodiscard]] inline std::string gzip_of(const std::string& plain) {
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

// One block, so that the view is served from a seekable copy.
[[nodiscard]] inline std::string xz_of(const std::string& plain) {
  std::string out(lzma_stream_buffer_bound(plain.size()), '\0');
  std::size_t size = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(
                0, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(plain.data()),
                plain.size(), reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size()),
            LZMA_OK);
  out.resize(size);
  return out;
}

// Bytes that are read; a test may look on, from the disk pool.
class WatchedReader final : public blob::BlobReader {
 public:
  WatchedReader(const std::string& bytes, std::function<void()> on_read)
      : bytes_(bytes), on_read_(std::move(on_read)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (on_read_) on_read_();
    return SeekWorld::reader(bytes_)(offset, out);
  }
  [[nodiscard]] std::optional<blob::FileSlice> file_slice(std::uint64_t,
                                                          std::uint64_t) const override {
    return std::nullopt;
  }

 private:
  const std::string& bytes_;
  const std::function<void()> on_read_;
};

class SeekableTest : public testing::Test {
 protected:
  // `stored` stays: views read of it.
  void encode(std::string stored) {
    const Status made = world_.make(std::move(stored));
    ASSERT_TRUE(made) << made.error().message();
    ASSERT_TRUE(world_.index.seekable());
  }
  void start(const Limits& limits = {}, std::size_t disk_threads = 1,
             std::size_t compute_threads = 2) {
    view_.reset();
    blocks_.reset();
    disk_.emplace("disk", disk_threads);
    compute_.emplace("compute", compute_threads);
    blocks_.emplace(limits, *disk_, *compute_, metrics_);
    open();
  }
  // Also again: a new view of the same image.
  void open() {
    const auto reader = [this](const std::string& bytes) {
      return std::make_shared<const WatchedReader>(bytes, on_read_);
    };
    view_ = std::make_shared<storage::SeekableView>(
        world_.index,
        storage::SeekableView::Readers{.stored = reader(world_.stored),
                                       .index = reader(world_.index_file),
                                       .copy = reader(world_.copy_file)},
        blocks_->cache());
  }
  [[nodiscard]] std::unique_ptr<storage::SeekableSource> source(std::vector<http::ByteRange> ranges,
                                                                std::size_t ahead_max = 8,
                                                                bool with_place = true) {
    return std::make_unique<storage::SeekableSource>(
        view_, std::move(ranges), *blocks_,
        storage::SeekableSource::Options{
            .ahead_max = ahead_max,
            .place = with_place ? std::make_unique<storage::StreamPlace>(places_) : nullptr});
  }
  // One call, to its end.
  Result<std::string> read(storage::SeekableSource& from, std::uint64_t offset,
                           std::size_t bytes_max) {
    std::string out(bytes_max, 'x');
    std::optional<Result<std::size_t>> result;
    context_.restart();
    boost::asio::co_spawn(
        context_,
        [&]() -> boost::asio::awaitable<void> {
          result = co_await from.read_some(offset, std::as_writable_bytes(std::span(out)));
        },
        boost::asio::detached);
    context_.run();
    if (!*result) return result->error();
    out.resize(**result);
    return out;
  }
  // A request: all of its ranges, in the pieces that the engine asks for.
  Result<std::string> request(const std::vector<http::ByteRange>& ranges, std::size_t ahead_max = 8,
                              bool with_place = true) {
    const auto from = source(ranges, ahead_max, with_place);
    std::string all;
    for (const http::ByteRange& range : ranges) {
      for (std::uint64_t at = range.first; at < range.end();) {
        const auto wanted = std::min<std::uint64_t>(range.end() - at, 256 << 10);
        STRATA_TRY(const auto part, read(*from, at, static_cast<std::size_t>(wanted)));
        EXPECT_FALSE(part.empty());
        at += part.size();
        all += part;
      }
    }
    return all;
  }
  [[nodiscard]] std::string expected(const http::ByteRange& range) const {
    return world_.decoded.substr(static_cast<std::size_t>(range.first),
                                 static_cast<std::size_t>(range.length));
  }
  [[nodiscard]] std::uint64_t count(std::string_view name, std::string_view label) {
    return metrics_.counter(name, "", label).value();
  }
  [[nodiscard]] std::uint64_t ahead_started() {
    return count("strata_block_cache_read_ahead_total", "result=\"started\"");
  }
  [[nodiscard]] std::uint64_t misses() {
    return count("strata_block_cache_requests_total", "result=\"miss\"");
  }
  // The number of the first block of a kind.
  [[nodiscard]] std::size_t first_of(codec::SeekBlock::Kind kind) const {
    const auto found = std::ranges::find(world_.index.blocks, kind, &codec::SeekBlock::kind);
    EXPECT_NE(found, world_.index.blocks.end());
    return static_cast<std::size_t>(found - world_.index.blocks.begin());
  }

  SeekWorld world_;
  Metrics metrics_;
  std::function<void()> on_read_;
  std::atomic<std::size_t> places_{0};
  std::optional<io::WorkerPool> disk_;
  std::optional<io::WorkerPool> compute_;
  std::optional<storage::ViewBlocks> blocks_;
  std::shared_ptr<storage::SeekableView> view_;
  boost::asio::io_context context_{1};
};

}  // namespace strata::test
