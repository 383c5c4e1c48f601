#pragma once

#include <cstddef>
#include <string>
#include <vector>

// How much faster our digests are than OpenSSL's on this machine. All variants are measured in one
// run, in turn, round after round, so that a busy machine slows them alike; ratios are therefore
// worth more than rates. Used by `strata-bench --ratios` and `strata bench digest`.
namespace strata::bench {

struct DigestRatioOptions {
  std::size_t bytes = std::size_t{64} << 20;  // hashed by each variant in each round
  int rounds = 5;                             // the median of so many
  int threads = 2;                            // from 2 on also the split over two threads
  int streams = 1;  // from 2 on also so many streams at once, `bytes` shared out among them
};

struct DigestRatioRow {
  std::string name;            // "strata, sha-1 + sha-256 + sha-512 in one pass"
  double bytes_per_second;     // of input: median of the rounds
  std::string baseline;        // name of the row it is compared with; empty: none
  double ratio;                // median / the baseline's median; 1 without a baseline
  std::vector<double> rounds;  // bytes per second of each round, in order
  double cpu_seconds_per_gib;  // of all threads: median of the rounds
};

struct DigestRatioTable {
  std::string kernel;  // digest::hasher_description()
  DigestRatioOptions options;
  std::vector<DigestRatioRow> rows;
};

// Takes a few seconds with the defaults. Every variant's digests are compared with OpenSSL's; a
// difference aborts. Not for two threads at once: they would measure each other.
[[nodiscard]] DigestRatioTable measure_digest_ratios(const DigestRatioOptions& options);

// For people: one line for each row, ending in a newline.
[[nodiscard]] std::string to_text(const DigestRatioTable& table);
// For programs: {"kernel":..., "bytes":N, "rounds":N, "threads":N, "streams":N,
// "rows":[{"name":..., "bytes_per_second":N, "baseline":..., "ratio":N,
// "cpu_seconds_per_gib":N, "rounds":[N...]}]}
[[nodiscard]] std::string to_json(const DigestRatioTable& table);

}  // namespace strata::bench
