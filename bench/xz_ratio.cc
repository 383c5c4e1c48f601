#include "bench/xz_ratio.h"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <semaphore>
#include <span>
#include <vector>

#include "bench/disk_like.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/codec/decoder.h"

namespace strata::bench {
namespace {

using Bytes = std::vector<std::byte>;

// Ten blocks of 24 MiB: with nine, one of two threads is alone with the last, which allows 1.8.
constexpr std::size_t kDecodedBytes = 240 * kMiB;
constexpr int kRounds = 3;

Bytes xz_threads(const Bytes& plain, std::uint64_t block_bytes) {
  lzma_mt options{};
  options.threads = static_cast<std::uint32_t>(io::usable_cpus());
  options.block_size = block_bytes;
  options.preset = 0;
  options.check = LZMA_CHECK_CRC64;
  lzma_stream stream = LZMA_STREAM_INIT;
  check(::lzma_stream_encoder_mt(&stream, &options) == LZMA_OK, "lzma_stream_encoder_mt");
  Bytes out(plain.size() + kMiB);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(plain.data());
  stream.avail_in = plain.size();
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = out.size();
  lzma_ret code = LZMA_OK;
  while (code == LZMA_OK) code = ::lzma_code(&stream, LZMA_FINISH);
  check(code == LZMA_STREAM_END, "lzma_code");
  out.resize(stream.total_out);
  ::lzma_end(&stream);
  return out;
}

// Seconds. In the pieces of an upload: a MiB of input, a MiB of room.
double decode(std::span<const std::byte> in, const codec::ParallelDecoding* parallel) {
  const auto start = std::chrono::steady_clock::now();
  const auto decoder =
      codec::make_decoder(codec::Encoding::kXz, codec::DecoderLimits::from(Limits{}), parallel);
  const auto woken = std::make_shared<std::counting_semaphore<>>(0);
  decoder->set_wake([woken] { woken->release(); });
  Bytes out(kMiB);
  std::size_t produced = 0;
  for (bool more = true; more;) {
    const auto step = decoder->step(in.first(std::min<std::size_t>(in.size(), kMiB)), out);
    check(step.has_value(), "a decoder failed");
    in = in.subspan(step->consumed);
    produced += step->produced;
    const bool idle = step->consumed == 0 && step->produced == 0;
    if (idle && decoder->waiting()) woken->acquire();
    more = !idle || decoder->waiting();
  }
  check(decoder->finish().has_value() && produced == kDecodedBytes, "not all was decoded");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::array<double, kRounds> values) {
  std::ranges::sort(values);
  return values[kRounds / 2];
}

void print_ratio(std::FILE* out, const Bytes& plain, std::uint64_t block_bytes,
                 const codec::ParallelDecoding& parallel) {
  const Bytes file = xz_threads(plain, block_bytes);
  std::array<double, kRounds> one{};
  std::array<double, kRounds> all{};
  std::array<double, kRounds> ratio{};
  for (std::size_t round = 0; round < kRounds; ++round) {
    one[round] = decode(file, nullptr);
    all[round] = decode(file, &parallel);
    ratio[round] = one[round] / all[round];
  }
  const double gigabytes = static_cast<double>(kDecodedBytes) / 1e9;
  std::fprintf(out, "%8llu KiB  %11zu  %8.3f  %8.3f  %5.2f  %5.2f to %.2f\n",
               static_cast<unsigned long long>(block_bytes / kKiB), file.size(),
               gigabytes / median(one), gigabytes / median(all), median(ratio),
               *std::ranges::min_element(ratio), *std::ranges::max_element(ratio));
}

}  // namespace

void print_xz_ratio(std::FILE* out) {
  io::WorkerPool pool("compute", io::usable_cpus());
  const codec::ParallelDecoding parallel(pool, {.bytes_max = Limits{}.parallel_decoding_bytes_max});
  const Bytes plain = disk_like(kDecodedBytes);
  std::fprintf(out, "xz of %llu MiB, GB/s decoded on 1 and %zu threads, medians of %d\n",
               static_cast<unsigned long long>(kDecodedBytes / kMiB), pool.threads(), kRounds);
  std::fputs("       block   file bytes       one       all  ratio  of the rounds\n", out);
  for (const std::uint64_t block : {24 * kMiB, kMiB, 64 * kKiB}) {
    print_ratio(out, plain, block, parallel);
    std::fflush(out);
  }
}

}  // namespace strata::bench
