#include "bench/digest_ratios.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <limits>
#include <optional>

#include "bench/cpu.h"
#include "bench/digest_variants.h"
#include "strata/base/result.h"
#include "strata/digest/hasher.h"

namespace strata::bench {
namespace {

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Cost {
  double wall_seconds;
  double cpu_seconds;  // of all threads of the process
};

Cost measure(const std::function<void()>& run) {
  const std::clock_t cpu_start = std::clock();
  const auto start = std::chrono::steady_clock::now();
  run();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const auto cpu = static_cast<double>(std::clock() - cpu_start);
  return {wall.count(), cpu / static_cast<double>(CLOCKS_PER_SEC)};
}

void check_options(const DigestRatioOptions& options) {
  check(options.bytes > 0 && options.rounds > 0 && options.threads > 0 && options.streams > 0,
        "digest ratios need at least one byte, round, thread and stream");
}

// Seconds for a byte with the fastest kernel that the table has for these algorithms.
double cost_of_kernels(const DigestRatioTable& table, std::string_view group) {
  double best = std::numeric_limits<double>::infinity();
  for (const auto& row : table.rows) {
    const bool is_kernel = row.method == Method::kLaneKernel || row.method == Method::kOwnKernel ||
                           row.method == Method::kOnePass;
    if (row.group == group && is_kernel) best = std::min(best, 1 / row.bytes_per_second);
  }
  return best;
}

double lanes_limit(const DigestRatioTable& table) {
  if (std::ranges::find(table.rows, Method::kLaneKernel, &DigestRatioRow::method) ==
      table.rows.end()) {
    return 0;
  }
  const double sha1_then_sha256 =
      cost_of_kernels(table, kSha1Group) + cost_of_kernels(table, kSha256Group);
  return 1 / (cost_of_kernels(table, kSha512Group) +
              std::min(sha1_then_sha256, cost_of_kernels(table, kPairGroup)));
}

}  // namespace

std::string_view method_name(Method method) {
  switch (method) {
    case Method::kOpenssl:
      return "openssl";
    case Method::kOwnKernel:
      return "own kernel";
    case Method::kOnePass:
      return "one pass";
    case Method::kTwoThreads:
      return "two threads";
    case Method::kLaneKernel:
      return "lane kernel";
    case Method::kLanes:
      break;
  }
  return "lanes";
}

std::vector<int> stream_counts(int streams) {
  std::vector<int> counts = {1};
  for (int power = 2; power <= streams; power *= 2) {
    counts.push_back(power);
    if (power / 2 * 3 <= streams) counts.push_back(power / 2 * 3);
  }
  if (counts.back() != streams) counts.push_back(streams);
  return counts;
}

void complete(DigestRatioTable& table) {
  for (auto& row : table.rows) row.bytes_per_second = median(row.rounds);
  const auto rate_of = [&](std::string_view name) {
    const auto row = std::ranges::find(table.rows, name, &DigestRatioRow::name);
    return row == table.rows.end() ? 0 : row->bytes_per_second;
  };
  table.one_stream_limit = rate_of("openssl, sha-512");
  table.lanes_limit = lanes_limit(table);
  for (auto& row : table.rows) {
    const double baseline = rate_of(row.baseline);
    if (baseline > 0) row.ratio = row.bytes_per_second / baseline;
    const bool limited = row.group == kSha512Group || row.group == kAllGroup;
    if (row.streams == 1 && limited && table.one_stream_limit > 0) {
      row.limit_ratio = row.bytes_per_second / table.one_stream_limit;
    }
  }
}

DigestRatioTable measure_digest_ratios(const DigestRatioOptions& options) {
  check_options(options);
  DigestRatioTable table;
  table.cpu = cpu_model_name();
  table.kernel = digest::hasher_description();
  table.options = options;
  table.cpus_usable = static_cast<int>(io::usable_cpus());
  table.threads = std::min(options.threads, table.cpus_usable);

  DigestRatioOptions used = options;
  used.threads = table.threads;
  const RandomBytes random(bytes_needed(used));
  const auto list = digest_variants(used, random.data());
  for (const auto& variant : list) table.rows.push_back(variant.row);
  std::vector<std::vector<double>> cpu_seconds(list.size());
  const int cpu = sched_getcpu();
  // Round -1 is not counted: it brings the data into memory and the processor up to speed.
  for (int round = -1; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      std::optional<PinnedThread> pin;
      if (list[i].row.threads == 1) pin.emplace(cpu);
      if (pin) table.pinned_cpu = pin->pinned() ? cpu : -1;
      const Cost cost = measure(list[i].run);
      if (round < 0) continue;
      const auto bytes = static_cast<double>(list[i].row.bytes);
      table.rows[i].rounds.push_back(bytes / cost.wall_seconds);
      cpu_seconds[i].push_back(cost.cpu_seconds / bytes * double{1 << 30});
    }
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    table.rows[i].cpu_seconds_per_gib = median(cpu_seconds[i]);
  }
  complete(table);
  return table;
}

}  // namespace strata::bench
