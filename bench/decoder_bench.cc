#include <benchmark/benchmark.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "bench/disk_like.h"
#include "storage/codec/seek_block.h"
#include "storage/codec/seek_indexer.h"
#include "storage/codec/seek_places.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/codec/decoder.h"

// Rates of our decoders, in decoded bytes, each beside the plain library on the same stream: zlib's
// inflate, liblzma, libzstd. 1 MiB blocks in and out.
namespace strata::bench {
namespace {

using codec::Encoding;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kDecodedBytes = std::size_t{16} << 20;
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

const Bytes& decoded_bytes() {
  static const Bytes kBytes = disk_like(kDecodedBytes);
  return kBytes;
}

const Bytef* in_ptr(const Bytes& bytes) {
  return reinterpret_cast<const Bytef*>(bytes.data());
}

// zlib counts in unsigned int; every buffer here is far below its limit.
uInt zlib_size(std::size_t size) {
  return static_cast<uInt>(size);
}

Bytes gzip(const Bytes& plain) {
  z_stream stream{};
  check(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflate");
  Bytes out(deflateBound(&stream, plain.size()));
  stream.next_in = const_cast<Bytef*>(in_ptr(plain));
  stream.avail_in = zlib_size(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = zlib_size(out.size());
  check(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflate");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes xz(const Bytes& plain) {
  Bytes out(lzma_stream_buffer_bound(plain.size()));
  std::size_t size = 0;
  check(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, nullptr, in_ptr(plain), plain.size(),
                                reinterpret_cast<Bytef*>(out.data()), &size, out.size()) == LZMA_OK,
        "lzma_easy_buffer_encode");
  out.resize(size);
  return out;
}

Bytes zstd(const Bytes& plain) {
  Bytes out(ZSTD_compressBound(plain.size()));
  const std::size_t size = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3);
  check(ZSTD_isError(size) == 0, "ZSTD_compress");
  out.resize(size);
  return out;
}

const Bytes& encoded(Encoding encoding) {
  static const Bytes kGzip = gzip(decoded_bytes());
  static const Bytes kXz = xz(decoded_bytes());
  static const Bytes kZstd = zstd(decoded_bytes());
  return encoding == Encoding::kGzip ? kGzip : encoding == Encoding::kXz ? kXz : kZstd;
}

std::size_t decode_strata(Encoding encoding, std::span<const std::byte> in, Bytes& out) {
  const auto decoder = codec::make_decoder(encoding, codec::DecoderLimits::from(Limits{}));
  std::size_t produced = 0;
  for (bool pending = true; pending || !in.empty();) {
    const auto step = decoder->step(in.first(std::min(in.size(), kBufferBytes)), out);
    check(step.has_value(), "a decoder failed");
    in = in.subspan(step->consumed);
    produced += step->produced;
    pending = step->produced > 0;
  }
  check(decoder->finish().has_value(), "a decoder did not see the end");
  return produced;
}

std::size_t decode_zlib(Encoding, std::span<const std::byte> in, Bytes& out) {
  z_stream stream{};
  check(inflateInit2(&stream, 15 + 16) == Z_OK, "inflateInit2");
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
  stream.avail_in = zlib_size(in.size());
  for (int result = Z_OK; result == Z_OK;) {
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = zlib_size(out.size());
    result = inflate(&stream, Z_NO_FLUSH);
  }
  const std::size_t produced = stream.total_out;
  inflateEnd(&stream);
  return produced;
}

std::size_t decode_liblzma(Encoding, std::span<const std::byte> in, Bytes& out) {
  lzma_stream stream = LZMA_STREAM_INIT;
  check(lzma_stream_decoder(&stream, UINT64_MAX, 0) == LZMA_OK, "lzma_stream_decoder");
  stream.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
  stream.avail_in = in.size();
  for (lzma_ret result = LZMA_OK; result == LZMA_OK;) {
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream.avail_out = out.size();
    result = lzma_code(&stream, LZMA_FINISH);
  }
  const std::size_t produced = stream.total_out;
  lzma_end(&stream);
  return produced;
}

std::size_t decode_libzstd(Encoding, std::span<const std::byte> in, Bytes& out) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  std::size_t produced = 0;
  for (std::size_t more = 1; more > 0;) {
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    more = ZSTD_decompressStream(context, &to, &from);
    check(ZSTD_isError(more) == 0, "ZSTD_decompressStream");
    produced += to.pos;
  }
  ZSTD_freeDCtx(context);
  return produced;
}

struct IndexFiles final : codec::SeekSink {
  std::string index;
  std::string copy;
  void append_index(std::string bytes) override { index += bytes; }
  void append_copy(std::string bytes) override { copy += bytes; }
  void drop_copy() override { copy.clear(); }
};

// On one thread, as decode_strata, with a seek index on the way.
codec::SeekIndex index_strata(Encoding encoding, std::span<const std::byte> in, Bytes& out,
                              IndexFiles& files) {
  const auto decoder = codec::make_decoder(encoding, codec::DecoderLimits::from(Limits{}));
  codec::SeekIndexer indexer({.encoding = encoding}, files);
  codec::SeekPlaces places(encoding);
  std::uint64_t produced = 0;
  std::size_t taken = 0;
  for (bool pending = true; pending || taken < in.size();) {
    if (places.due(taken, produced)) {
      if (auto entry = decoder->entry()) {
        places.taken(taken, produced);
        indexer.place(std::move(entry->state), entry->consumed, entry->produced);
      }
    }
    const auto step = decoder->step(in.subspan(taken, std::min(in.size() - taken, kBufferBytes)),
                                    std::span(out).first(places.room(produced, out.size())));
    check(step.has_value(), "a decoder failed");
    taken += step->consumed;
    produced += step->produced;
    indexer.update(std::span(out).first(step->produced), taken);
    pending = step->produced > 0;
  }
  return indexer.finish(in.size(), {});
}

std::size_t decode_indexed(Encoding encoding, std::span<const std::byte> in, Bytes& out) {
  IndexFiles files;
  return static_cast<std::size_t>(index_strata(encoding, in, out, files).decoded_bytes);
}

using Decode = std::size_t (*)(Encoding, std::span<const std::byte> in, Bytes& out);

void decode(benchmark::State& state, Encoding encoding, Decode run) {
  const Bytes& in = encoded(encoding);
  Bytes out(kBufferBytes);
  for (auto _ : state) check(run(encoding, in, out) == kDecodedBytes, "not all was decoded");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kDecodedBytes));
  state.counters["ratio"] = static_cast<double>(kDecodedBytes) / static_cast<double>(in.size());
}

BENCHMARK_CAPTURE(decode, gzip_zlib, Encoding::kGzip, decode_zlib);
BENCHMARK_CAPTURE(decode, gzip_strata, Encoding::kGzip, decode_strata);
BENCHMARK_CAPTURE(decode, gzip_indexed, Encoding::kGzip, decode_indexed);
BENCHMARK_CAPTURE(decode, xz_liblzma, Encoding::kXz, decode_liblzma);
BENCHMARK_CAPTURE(decode, xz_strata, Encoding::kXz, decode_strata);
BENCHMARK_CAPTURE(decode, xz_indexed, Encoding::kXz, decode_indexed);
BENCHMARK_CAPTURE(decode, zstd_libzstd, Encoding::kZstd, decode_libzstd);
BENCHMARK_CAPTURE(decode, zstd_strata, Encoding::kZstd, decode_strata);
BENCHMARK_CAPTURE(decode, zstd_indexed, Encoding::kZstd, decode_indexed);

// Any block of the decoded view, checked; the files are in memory.
void read_block(benchmark::State& state, Encoding encoding) {
  const Bytes& in = encoded(encoding);
  Bytes out(kBufferBytes);
  IndexFiles files;
  const codec::SeekIndex index = index_strata(encoding, in, out, files);
  const auto reader = [](std::span<const std::byte> bytes) {
    return [bytes](std::uint64_t offset, std::span<std::byte> to) -> Status {
      std::ranges::copy(bytes.subspan(static_cast<std::size_t>(offset), to.size()), to.begin());
      return {};
    };
  };
  const codec::SeekSources sources{.stored = reader(in),
                                   .index = reader(std::as_bytes(std::span(files.index))),
                                   .copy = reader(std::as_bytes(std::span(files.copy)))};
  const auto limits = codec::DecoderLimits::from(Limits{});
  std::mt19937_64 random(2);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto& block = index.blocks[random() % index.blocks.size()];
    const auto input = codec::fetch_block(block, sources);
    check(input.has_value(), "a block is not there");
    const auto decoded = codec::decode_block(block, *input, limits);
    check(decoded.has_value(), "a block is damaged");
    bytes += decoded->size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.counters["index_percent"] =
      100.0 * static_cast<double>(files.index.size()) / static_cast<double>(kDecodedBytes);
}

BENCHMARK_CAPTURE(read_block, gzip, Encoding::kGzip);
BENCHMARK_CAPTURE(read_block, xz, Encoding::kXz);
BENCHMARK_CAPTURE(read_block, zstd, Encoding::kZstd);

// Saving and restoring in the middle of the stream, where it can be saved; `bytes` of a state.
void save_state(benchmark::State& state, bool restore) {
  const Bytes& in = encoded(Encoding::kGzip);
  Bytes out(kBufferBytes);
  const auto limits = codec::DecoderLimits::from(Limits{});
  const auto decoder = codec::make_decoder(Encoding::kGzip, limits);
  check(decoder->step(std::span(in).first(in.size() / 2), out).has_value(), "a decoder failed");
  std::string saved;
  for (auto _ : state) {
    saved = decoder->save().value_or("");
    if (restore) {
      check(codec::restore_decoder(std::as_bytes(std::span(saved)), limits).has_value(), "refused");
    }
  }
  state.counters["bytes"] = static_cast<double>(saved.size());
}

BENCHMARK_CAPTURE(save_state, gzip_save, false);
BENCHMARK_CAPTURE(save_state, gzip_save_and_restore, true);

}  // namespace
}  // namespace strata::bench
