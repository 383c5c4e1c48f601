#include "bench/digest_ratios.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <random>
#include <span>
#include <thread>

#include "bench/split_hash.h"
#include "strata/base/digest.h"
#include "strata/digest/hasher.h"

namespace strata::bench {
namespace {

using digest::Algorithms;
using Data = std::span<const std::byte>;
using MakeHasher = std::unique_ptr<digest::Hasher> (*)(Algorithms);

struct Variant {
  std::string name;
  std::string baseline;
  std::function<void()> run;
};

std::vector<std::byte> random_bytes(std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::mt19937_64 random(1);
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
  return bytes;
}

DigestSet hash_blocks(digest::Hasher& hasher, Data data) {
  for (; !data.empty(); data = data.subspan(std::min(kBlockBytes, data.size()))) {
    hasher.update(data.first(std::min(kBlockBytes, data.size())));
  }
  return hasher.finish();
}

// Only the algorithms asked for are compared: the others' fields are zero on both sides.
std::function<void()> one_stream(MakeHasher make, Algorithms algorithms, Data data) {
  const auto expected = hash_blocks(*digest::make_openssl_hasher(algorithms), data);
  return [=] {
    check(hash_blocks(*make(algorithms), data) == expected, "a digest differs from OpenSSL's");
  };
}

// The data in equal shares, the last with what is left over.
std::vector<Data> shares(Data data, std::size_t count) {
  std::vector<Data> list;
  const std::size_t size = data.size() / count;
  for (std::size_t i = 0; i + 1 < count; ++i) list.push_back(data.subspan(i * size, size));
  list.push_back(data.subspan((count - 1) * size));
  return list;
}

// Thread t takes the streams t, t + threads, ... one after another.
std::function<void()> many_streams(MakeHasher make, const DigestRatioOptions& options, Data data) {
  const auto streams = shares(data, static_cast<std::size_t>(options.streams));
  const auto threads = static_cast<std::size_t>(options.threads);
  std::vector<DigestSet> expected;
  for (const Data stream : streams) {
    expected.push_back(hash_blocks(*digest::make_openssl_hasher(Algorithms::kAll), stream));
  }
  return [=] {
    std::vector<std::thread> running;
    for (std::size_t t = 0; t < threads; ++t) {
      running.emplace_back([&, t] {
        for (std::size_t s = t; s < streams.size(); s += threads) {
          check(hash_blocks(*make(Algorithms::kAll), streams[s]) == expected[s],
                "a digest differs from OpenSSL's");
        }
      });
    }
    for (auto& thread : running) thread.join();
  };
}

std::vector<Variant> variants(const DigestRatioOptions& options, Data data) {
  const auto openssl = digest::make_openssl_hasher;
  const auto ours = digest::make_hasher;
  const std::string pair = "openssl, sha-1 then sha-256";
  const std::string all = "openssl, sha-1 then sha-256 then sha-512";
  std::vector<Variant> list = {
      {"openssl, sha-1", "", one_stream(openssl, Algorithms::kSha1, data)},
      {"openssl, sha-256", "", one_stream(openssl, Algorithms::kSha256, data)},
      {"openssl, sha-512", "", one_stream(openssl, Algorithms::kSha512, data)},
      {pair, "", one_stream(openssl, Algorithms::kSha1Sha256, data)},
      {"strata, sha-1 and sha-256 in one pass", pair,
       one_stream(ours, Algorithms::kSha1Sha256, data)},
      {all, "", one_stream(openssl, Algorithms::kAll, data)},
      {"strata, all three in one pass", all, one_stream(ours, Algorithms::kAll, data)},
  };
  if (options.threads >= 2) {
    const auto expected = hash_blocks(*openssl(Algorithms::kAll), data);
    list.push_back({"strata, all three split over two threads", all, [=] {
                      check(split_hash(data) == expected, "a digest differs from OpenSSL's");
                    }});
  }
  if (options.streams >= 2) {
    const std::string what = "all three, " + std::to_string(options.streams) + " streams on " +
                             std::to_string(options.threads) + " threads";
    list.push_back({"openssl, " + what, "", many_streams(openssl, options, data)});
    list.push_back({"strata, " + what, "openssl, " + what, many_streams(ours, options, data)});
  }
  return list;
}

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

template <typename... Args>
std::string print(const char* format, Args... args) {
  char line[256];
  const int length = std::snprintf(line, sizeof line, format, args...);
  return {line, static_cast<std::size_t>(std::clamp(length, 0, int{sizeof line} - 1))};
}

}  // namespace

DigestRatioTable measure_digest_ratios(const DigestRatioOptions& options) {
  check(options.bytes > 0 && options.rounds > 0 && options.threads > 0 && options.streams > 0,
        "digest ratios need at least one byte, round, thread and stream");
  const auto data = random_bytes(options.bytes);
  const auto list = variants(options, data);
  DigestRatioTable table{std::string(digest::hasher_description()), options, {}};
  for (const auto& variant : list) {
    table.rows.push_back({variant.name, 0, variant.baseline, 1, {}, 0});
  }
  std::vector<std::vector<double>> cpu_seconds(list.size());
  for (int round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Cost cost = measure(list[i].run);
      table.rows[i].rounds.push_back(static_cast<double>(options.bytes) / cost.wall_seconds);
      cpu_seconds[i].push_back(cost.cpu_seconds);
    }
  }
  const double gib = static_cast<double>(options.bytes) / static_cast<double>(1 << 30);
  for (std::size_t i = 0; i < list.size(); ++i) {
    table.rows[i].bytes_per_second = median(table.rows[i].rounds);
    table.rows[i].cpu_seconds_per_gib = median(cpu_seconds[i]) / gib;
  }
  for (auto& row : table.rows) {
    const auto baseline = std::ranges::find(table.rows, row.baseline, &DigestRatioRow::name);
    if (baseline != table.rows.end()) {
      row.ratio = row.bytes_per_second / baseline->bytes_per_second;
    }
  }
  return table;
}

std::string to_text(const DigestRatioTable& table) {
  std::string text = "kernels: " + table.kernel + "\n" +
                     print("%zu MiB in blocks of 1 MiB, median of %d rounds\n\n",
                           table.options.bytes >> 20, table.options.rounds) +
                     print("%-52s %8s %12s %8s\n", "", "GB/s", "CPU s/GiB", "ratio");
  for (const auto& row : table.rows) {
    text += print("%-52s %8.3f %12.3f", row.name.c_str(), row.bytes_per_second / 1e9,
                  row.cpu_seconds_per_gib);
    text += row.baseline.empty() ? "\n" : print(" %7.2fx\n", row.ratio);
  }
  return text + "\nratio: to OpenSSL, one algorithm after another, in the same run\n";
}

std::string to_json(const DigestRatioTable& table) {
  // Names are our own and hold nothing that JSON would have to escape.
  std::string json = "{\"kernel\":\"" + table.kernel + "\"," +
                     print("\"bytes\":%zu,\"rounds\":%d,\"threads\":%d,\"streams\":%d,\"rows\":[",
                           table.options.bytes, table.options.rounds, table.options.threads,
                           table.options.streams);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto& row = table.rows[i];
    json += (i == 0 ? "" : ",");
    json += "{\"name\":\"" + row.name + "\"," +
            print("\"bytes_per_second\":%.0f,", row.bytes_per_second);
    json += "\"baseline\":\"" + row.baseline + "\"," +
            print("\"ratio\":%.3f,\"cpu_seconds_per_gib\":%.3f,\"rounds\":[", row.ratio,
                  row.cpu_seconds_per_gib);
    for (std::size_t r = 0; r < row.rounds.size(); ++r) {
      json += print(r == 0 ? "%.0f" : ",%.0f", row.rounds[r]);
    }
    json += "]}";
  }
  return json + "]}\n";
}

}  // namespace strata::bench
