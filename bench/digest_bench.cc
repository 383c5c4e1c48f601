#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <vector>

#include "bench/split_hash.h"
#include "strata/digest/hasher.h"

// Rates of single digests and of sets, each against OpenSSL EVP run one after another. 1 MiB blocks
// of a 16 MiB stream, as uploads hand them over.
namespace strata::bench {
namespace {

using digest::Algorithms;

std::span<const std::byte> stream_bytes() {
  static const auto kBytes = [] {
    std::vector<std::byte> bytes(std::size_t{16} << 20);
    std::mt19937_64 random(1);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
    return bytes;
  }();
  return kBytes;
}

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream_bytes().size()));
}

void hash(benchmark::State& state, std::unique_ptr<digest::Hasher> (*make)(Algorithms),
          Algorithms algorithms) {
  const auto bytes = stream_bytes();
  for (auto _ : state) {
    const auto hasher = make(algorithms);
    for (std::size_t at = 0; at < bytes.size(); at += kBlockBytes) {
      hasher->update(bytes.subspan(at, kBlockBytes));
    }
    benchmark::DoNotOptimize(hasher->finish());
  }
  count_bytes(state);
}

void split(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(split_hash(stream_bytes()));
  count_bytes(state);
}

BENCHMARK_CAPTURE(hash, openssl_sha1, digest::make_openssl_hasher, Algorithms::kSha1);
BENCHMARK_CAPTURE(hash, openssl_sha256, digest::make_openssl_hasher, Algorithms::kSha256);
BENCHMARK_CAPTURE(hash, openssl_sha512, digest::make_openssl_hasher, Algorithms::kSha512);
BENCHMARK_CAPTURE(hash, openssl_sha1_then_sha256, digest::make_openssl_hasher,
                  Algorithms::kSha1Sha256);
BENCHMARK_CAPTURE(hash, strata_sha1_sha256_one_pass, digest::make_hasher, Algorithms::kSha1Sha256);
BENCHMARK_CAPTURE(hash, openssl_all_one_after_another, digest::make_openssl_hasher,
                  Algorithms::kAll);
BENCHMARK_CAPTURE(hash, strata_all_one_pass, digest::make_hasher, Algorithms::kAll);
BENCHMARK(split)->Name("hash/strata_all_split_over_two_threads")->UseRealTime();

}  // namespace
}  // namespace strata::bench
