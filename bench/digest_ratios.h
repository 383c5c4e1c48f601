#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/io/worker_pool.h"

// How much faster our digests are than OpenSSL's on this machine. All variants are measured in one
// run, in turn, round after round, so that a busy machine slows them alike; ratios are therefore
// worth more than rates. Used by `strata-bench --ratios` and `strata bench digest`.
namespace strata::bench {

struct DigestRatioOptions {
  // Hashed by each variant in each round, shared out among its streams. Each has at least a 32nd of
  // it: rows with more streams hash more, and kernels for lanes four times as much.
  std::size_t bytes = std::size_t{64} << 20;
  int rounds = 7;  // the median of so many
  // From 2 on also one stream split over two threads, and `streams` spread over all threads. No
  // more than CPUs that the process may use: that would measure the scheduler.
  int threads = static_cast<int>(io::usable_cpus());
  int streams = 16;  // lanes are measured with 1, 2, 3, 4, 6, 8, 12 ... up to so many
};

enum class Method : std::uint8_t {
  kOpenssl,     // EVP, the algorithms one after another on each piece of 1 MiB
  kOwnKernel,   // one stream, our best kernel for this one algorithm
  kOnePass,     // one stream, what make_hasher() does: a kernel that stitches the algorithms
  kTwoThreads,  // one stream in the engine on two threads: SHA-512, and SHA-1 with SHA-256
  kLaneKernel,  // one algorithm, a stream in each lane of this kernel, data in the second cache
  kLanes,       // update_together(): streams side by side, the kernels as the plan says
};
[[nodiscard]] std::string_view method_name(Method method);  // "own kernel"

// Groups of rows: the algorithms they compute.
inline constexpr std::string_view kSha1Group = "sha-1";
inline constexpr std::string_view kSha256Group = "sha-256";
inline constexpr std::string_view kSha512Group = "sha-512";
inline constexpr std::string_view kPairGroup = "sha-1+sha-256";
inline constexpr std::string_view kAllGroup = "all";

struct DigestRatioRow {
  std::string name;  // "strata, one pass"; no two rows have the same
  std::string group;
  Method method = Method::kOpenssl;
  int streams = 1;
  int threads = 1;
  std::string baseline = "";        // name of the row it is compared with; empty: none
  std::size_t bytes = 0;            // of input in each round, of all streams
  std::vector<double> rounds = {};  // bytes of input per second in each round, in order
  double bytes_per_second = 0;      // median of the rounds
  double cpu_seconds_per_gib = 0;   // of all threads: median of the rounds
  double ratio = 1;                 // median / the baseline's median; 1 without a baseline
  double limit_ratio = 0;           // median / one_stream_limit; 0 where that is no limit
};

struct DigestRatioTable {
  std::string cpu;     // cpu_model_name()
  std::string kernel;  // digest::hasher_description()
  DigestRatioOptions options;
  int cpus_usable = 1;
  int threads = 1;      // at most cpus_usable
  int pinned_cpu = -1;  // where rows of one thread were measured; -1: not pinned
  // Bytes per second. One stream's SHA-512 is a chain of rounds, each of which needs the one
  // before: no second thread and no stitching makes all three digests of one stream faster than
  // OpenSSL's SHA-512 alone.
  double one_stream_limit = 0;
  // Of many streams on one thread: the best kernel for each algorithm, every lane taken, one
  // algorithm after another and nothing lost in between. 0 without lane kernels.
  double lanes_limit = 0;
  std::vector<DigestRatioRow> rows;
};

// 1, 2, 3, 4, 6, 8, 12, 16, 24 ... up to `streams`, and `streams`.
[[nodiscard]] std::vector<int> stream_counts(int streams);

// Takes about 20 seconds with the defaults. Every variant's digests are compared with OpenSSL's; a
// difference aborts. The calling thread is pinned meanwhile to the CPU it is on, except for rows of
// several threads. Not for two threads at once: they would measure each other.
[[nodiscard]] DigestRatioTable measure_digest_ratios(const DigestRatioOptions& options);

// What follows from each row's rounds: medians, ratios and limits. Of cpu_seconds_per_gib nothing.
void complete(DigestRatioTable& table);

// For people: one line for each row, ending in a newline.
[[nodiscard]] std::string to_text(const DigestRatioTable& table);
// For programs; rates in bytes per second, null where there is no such figure:
// {"cpu":..., "kernel":..., "cpus_usable":N, "pinned_cpu":N, "bytes":N, "rounds":N, "threads":N,
// "streams":N, "one_stream_limit":N, "lanes_limit":N, "rows":[{"name":..., "group":...,
// "method":..., "streams":N, "threads":N, "bytes":N, "bytes_per_second":N, "baseline":...,
// "ratio":N, "limit_ratio":N, "cpu_seconds_per_gib":N, "rounds":[N...]}]}
[[nodiscard]] std::string to_json(const DigestRatioTable& table);

}  // namespace strata::bench
