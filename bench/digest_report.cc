#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>

#include "bench/digest_ratios.h"

namespace strata::bench {
namespace {

template <typename... Args>
std::string print(const char* format, Args... args) {
  char line[256];
  const int length = std::snprintf(line, sizeof line, format, args...);
  return {line, static_cast<std::size_t>(std::clamp(length, 0, int{sizeof line} - 1))};
}

std::string_view title_of(std::string_view group) {
  if (group == kPairGroup) return "sha-1 and sha-256";
  return group == kAllGroup ? "sha-1, sha-256 and sha-512" : group;
}

// Why rows of several threads are missing, or of fewer than were asked for; mostly empty.
std::string threads_note(const DigestRatioTable& table) {
  if (table.cpus_usable == 1) {
    return "no rows of two threads: this process may use one CPU only\n";
  }
  if (table.threads == 1) return "no rows of two threads: one thread was asked for\n";
  if (table.threads < table.options.threads) {
    return print("%d threads instead of %d: no more than this process has CPUs\n", table.threads,
                 table.options.threads);
  }
  return "";
}

std::string head(const DigestRatioTable& table) {
  std::string text =
      "cpu:     " + table.cpu + print(", %d usable", table.cpus_usable) +
      (table.pinned_cpu < 0 ? std::string("; not pinned\n")
                            : print("; rows of one thread pinned to CPU %d\n", table.pinned_cpu));
  text += "kernel:  " + table.kernel + "\n";
  return text +
         print("%g MiB in pieces of 1 MiB, median of %d round%s\n",
               static_cast<double>(table.options.bytes) / double{1 << 20}, table.options.rounds,
               table.options.rounds == 1 ? "" : "s") +
         threads_note(table);
}

std::string legend(const DigestRatioTable& table) {
  std::string text =
      "\nratio: to OpenSSL, one algorithm and one stream after another, in the same run\n"
      "limit: share of what one stream can reach, which is OpenSSL's SHA-512 alone";
  text += print(" (%.3f GB/s)\n", table.one_stream_limit / 1e9);
  if (table.lanes_limit > 0) {
    text += print("lanes' limit: %.3f GB/s, the fastest kernels above one after another\n",
                  table.lanes_limit / 1e9);
  }
  return text;
}

// Names come from tables of ours and from the system.
std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

// 0 stands for a figure that there is not.
std::string number(const char* format, double value) {
  return value > 0 ? print(format, value) : "null";
}

std::string row_json(const DigestRatioRow& row) {
  std::string json = "{\"name\":" + quoted(row.name) + ",\"group\":" + quoted(row.group) +
                     ",\"method\":" + quoted(method_name(row.method));
  json += print(",\"streams\":%d,\"threads\":%d,\"bytes\":%zu,\"bytes_per_second\":%.0f",
                row.streams, row.threads, row.bytes, row.bytes_per_second);
  json += ",\"baseline\":" + (row.baseline.empty() ? "null" : quoted(row.baseline));
  json += ",\"ratio\":" + number("%.3f", row.ratio);
  json += ",\"limit_ratio\":" + number("%.3f", row.limit_ratio);
  json += print(",\"cpu_seconds_per_gib\":%.3f,\"rounds\":[", row.cpu_seconds_per_gib);
  for (std::size_t i = 0; i < row.rounds.size(); ++i) {
    json += print(i == 0 ? "%.0f" : ",%.0f", row.rounds[i]);
  }
  return json + "]}";
}

}  // namespace

std::string to_text(const DigestRatioTable& table) {
  std::string text =
      head(table) + print("\n%-52s %7s %10s %7s %7s\n", "", "GB/s", "CPU s/GiB", "ratio", "limit");
  std::string_view group;
  for (const auto& row : table.rows) {
    if (row.group != group) text += std::string(title_of(row.group)) + "\n";
    group = row.group;
    text += print("  %-50s %7.3f %10.3f", row.name.c_str(), row.bytes_per_second / 1e9,
                  row.cpu_seconds_per_gib);
    text += row.baseline.empty() ? std::string(row.limit_ratio > 0 ? 8 : 0, ' ')
                                 : print(" %6.2fx", row.ratio);
    text += row.limit_ratio > 0 ? print(" %7.2f\n", row.limit_ratio) : "\n";
  }
  return text + legend(table);
}

std::string to_json(const DigestRatioTable& table) {
  std::string json =
      "{\"cpu\":" + quoted(table.cpu) + ",\"kernel\":" + quoted(table.kernel) +
      print(",\"cpus_usable\":%d,\"pinned_cpu\":", table.cpus_usable) +
      (table.pinned_cpu < 0 ? "null" : std::to_string(table.pinned_cpu)) +
      print(",\"bytes\":%zu,\"rounds\":%d,\"threads\":%d,\"streams\":%d", table.options.bytes,
            table.options.rounds, table.threads, table.options.streams);
  json += ",\"one_stream_limit\":" + number("%.0f", table.one_stream_limit);
  json += ",\"lanes_limit\":" + number("%.0f", table.lanes_limit) + ",\"rows\":[";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    json += (i == 0 ? "" : ",") + row_json(table.rows[i]);
  }
  return json + "]}\n";
}

}  // namespace strata::bench
