#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "bench/engine_hash.h"
#include "bench/hash_runs.h"
#include "storage/digest/kernel_hasher.h"
#include "storage/digest/kernels.h"
#include "storage/digest/lane_kernels.h"
#include "strata/digest/hasher.h"

// The variants of digest_ratios.h, each by itself: OpenSSL EVP, our kernels, all three digests of
// one stream and of many. 16 MiB in pieces of 1 MiB, as uploads hand them over.
namespace strata::bench {
namespace {

using digest::Algorithms;
using MakeHasher = std::function<std::unique_ptr<digest::Hasher>()>;

constexpr std::size_t kBytes = std::size_t{16} << 20;

Data input() {
  static const RandomBytes kRandom(kBytes);
  return kRandom.data();
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void one_stream(benchmark::State& state, const MakeHasher& make) {
  for (auto _ : state) benchmark::DoNotOptimize(hash_stream(*make(), input()));
  count_bytes(state, kBytes);
}

void two_threads(benchmark::State& state) {
  const BlockStream stream(input());
  for (auto _ : state) benchmark::DoNotOptimize(stream.hash(2));
  count_bytes(state, kBytes);
}

void lanes(benchmark::State& state) {
  const auto streams = shares(input(), static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(hash_together(streams));
  count_bytes(state, kBytes);
}

template <typename State>
void lane_kernel(benchmark::State& state, const digest::LaneKernel<State>& kernel) {
  const std::size_t pass = kernel.lanes * kLaneBytes;
  const auto streams = shares(input().first(pass), kernel.lanes);
  constexpr int kTimes = 16;
  for (auto _ : state) benchmark::DoNotOptimize(hash_in_lanes(kernel, streams, kTimes));
  count_bytes(state, pass * kTimes);
}

void register_one_stream(const std::string& name, const MakeHasher& make) {
  benchmark::RegisterBenchmark(("hash/" + name).c_str(),
                               [make](benchmark::State& state) { one_stream(state, make); });
}

void register_openssl(const std::string& name, Algorithms algorithms) {
  register_one_stream("openssl " + name, [=] { return digest::make_openssl_hasher(algorithms); });
}

template <typename State>
void register_lane_kernels(std::span<const digest::LaneKernel<State>> kernels) {
  for (const auto& kernel : kernels) {
    if (!kernel.supported) continue;
    benchmark::RegisterBenchmark(
        ("lane kernel/" + std::string(kernel.name)).c_str(),
        [&kernel](benchmark::State& state) { lane_kernel(state, kernel); });
  }
}

// Kernels by their names, those that run here: which exist is only known at run time.
bool register_all() {
  register_openssl("sha-1", Algorithms::kSha1);
  register_openssl("sha-256", Algorithms::kSha256);
  register_openssl("sha-512", Algorithms::kSha512);
  register_openssl("sha-1 then sha-256", Algorithms::kSha1Sha256);
  register_openssl("sha-1 then sha-256 then sha-512", Algorithms::kAll);
  for (const auto& kernel : digest::kernels()) {
    if (!kernel.supported) continue;
    register_one_stream(std::string(kernel.name),
                        [&kernel] { return digest::make_kernel_hasher(kernel); });
  }
  register_one_stream("all three, one pass", [] { return digest::make_hasher(Algorithms::kAll); });
  benchmark::RegisterBenchmark("hash/all three, two threads", two_threads)->UseRealTime();
  auto* together = benchmark::RegisterBenchmark("lanes/streams", lanes);
  for (const int streams : {1, 2, 3, 4, 6, 8, 12, 16}) together->Arg(streams);
  register_lane_kernels(digest::sha1_lane_kernels());
  register_lane_kernels(digest::sha256_lane_kernels());
  register_lane_kernels(digest::sha512_lane_kernels());
  return true;
}

[[maybe_unused]] const bool kRegistered = register_all();

}  // namespace
}  // namespace strata::bench
