#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <thread>

#include "bench/entries/samples.h"
#include "bench/entries/sqlite_entries.h"
#include "registry/entries/record.h"
#include "registry/entries/rocksdb_store.h"
#include "strata/http/client.h"

// A registry of many entries: how fast they come in, verified, and how fast five questions are
// answered, cold and warm, in the store, in SQLite and over HTTP. bench/load/entries.sh runs it.
//   strata-entries-bench fill DIR COUNT KEY CERT    signs, verifies and inserts
//   strata-entries-bench ask DIR COUNT              the store, and SQLite beside it
//   strata-entries-bench http URL COUNT             a running strata-registry
namespace strata::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 4096;
constexpr std::size_t kColdRounds = 200;
constexpr std::size_t kWarmRounds = 5000;
// Not now, so that runs can be compared; within the certificate that entries.sh makes.
constexpr const char* kBeginFile = "/begin";

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// Of the process (RUSAGE_SELF) or of the calling thread (RUSAGE_THREAD).
double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message().c_str());
    std::exit(1);
  }
  return std::move(*result);
}

// Insertions wait for the disk: more threads than processors, as clients would be.
constexpr unsigned kPosters = 16;

// Runs work(i) for i in [0, count).
void in_parallel(unsigned thread_count, std::size_t count,
                 const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < thread_count; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    });
  }
}

std::uint64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtoull(line.c_str() + 6, nullptr, 10) * kKiB;
  }
  return 0;
}

std::uint64_t folder_bytes(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  return bytes;
}

// Out of the page cache, so that the next read comes from the disk.
void drop_cached(const std::string& path) {
  const auto drop = [](const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY);
    if (descriptor < 0) return;
    ::fdatasync(descriptor);
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    ::close(descriptor);
  };
  if (!std::filesystem::is_directory(path)) return drop(path);
  for (const auto& file : std::filesystem::recursive_directory_iterator(path)) {
    if (file.is_regular_file()) drop(file.path().string());
  }
}

SampleOptions options_of(const std::string& folder, std::uint64_t count) {
  return {.count = count,
          .begin = std::strtoll(read_file(folder + kBeginFile).c_str(), nullptr, 10)};
}

int fill(const std::string& folder, std::uint64_t count, const std::string& key,
         const std::string& certificate) {
  const auto endorser = must(metadata::Endorser::load(read_file(key), read_file(certificate)));
  std::filesystem::create_directories(folder);
  const UnixMillis now = SystemClock().now();
  std::ofstream(folder + kBeginFile) << now - now % 1000;
  const SampleOptions options = options_of(folder, count);
  const Limits limits;
  const auto store = must(entries::open_rocksdb(folder + "/entries", limits));
  SqliteEntries sqlite(folder + "/sqlite.db");
  // Signing and SQLite's part are not ours. What RocksDB does in the background meanwhile is: all
  // of the process's time counts but theirs.
  double wall = 0, other_cpu = 0;
  const double begun = cpu_seconds(RUSAGE_SELF);
  for (std::uint64_t first = 0; first < count; first += kBatch) {
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(kBatch, count - first));
    std::vector<std::string> documents(size);
    std::vector<double> signing(size);
    in_parallel(std::thread::hardware_concurrency(), size, [&](std::size_t i) {
      const double start = cpu_seconds(RUSAGE_THREAD);
      documents[i] = must(metadata::sign(metadata::build(sample_image(first + i, options)),
                                         endorser, sample_created(first + i, options)));
      signing[i] = cpu_seconds(RUSAGE_THREAD) - start;
    });
    other_cpu += std::accumulate(signing.begin(), signing.end(), 0.0);
    std::vector<std::optional<metadata::VerifiedEntry>> verified(size);
    const auto start = SteadyClock::now();
    in_parallel(kPosters, size, [&](std::size_t i) {
      verified[i] = must(metadata::verify(documents[i], metadata::Profile::kStrict, limits));
      (void)must(store->insert(*verified[i]));
    });
    wall += seconds_since(start);
    const double sqlite_start = cpu_seconds(RUSAGE_THREAD);
    for (const auto& entry : verified) {
      const auto stored = must(store->get(entry->key()));
      sqlite.insert(stored.sequence, stored, encode_record(stored));
    }
    other_cpu += cpu_seconds(RUSAGE_THREAD) - sqlite_start;
    if (first / kBatch % 16 == 0) {
      std::fprintf(stderr, "%llu of %llu\n", static_cast<unsigned long long>(first + size),
                   static_cast<unsigned long long>(count));
    }
  }
  const double cpu = cpu_seconds(RUSAGE_SELF) - begun - other_cpu;
  std::printf("ingest_wall_per_s %.0f\ningest_cpu_per_s %.0f\n", static_cast<double>(count) / wall,
              static_cast<double>(count) / cpu);
  sqlite.finish();
  std::fflush(stdout);
  // As after a crash: the next start has RocksDB's log to read again.
  std::_Exit(0);
}

using Ask = std::function<void(const NamedQuery&)>;

// Microseconds by question.
std::map<std::string, std::vector<double>> measure(std::size_t rounds, std::uint64_t seed,
                                                   const SampleOptions& options, const Ask& ask) {
  std::map<std::string, std::vector<double>> times;
  for (std::size_t i = 0; i < rounds; ++i) {
    for (const NamedQuery& query : sample_queries(seed + i, options)) {
      const auto start = SteadyClock::now();
      ask(query);
      times[query.name].push_back(seconds_since(start) * 1e6);
    }
  }
  return times;
}

void print(const char* where, const char* how,
           const std::map<std::string, std::vector<double>>& times) {
  for (const auto& [name, values] : times) {
    std::printf("%-8s %-5s %-24s p50 %9.1f us   p99 %9.1f us\n", where, how, name.c_str(),
                percentile(values, 0.5), percentile(values, 0.99));
  }
}

int ask(const std::string& folder, std::uint64_t count) {
  const SampleOptions options = options_of(folder, count);
  drop_cached(folder + "/entries");
  auto start = SteadyClock::now();
  const auto store = must(entries::open_rocksdb(folder + "/entries", Limits()));
  std::printf("start, cold page cache (behind a fill: after a crash): %.0f ms\n",
              seconds_since(start) * 1e3);
  std::map<std::string, std::uint64_t> hits;
  const Ask in_store = [&](const NamedQuery& query) {
    if (!query.tag.empty()) {
      (void)must(store->tagged(kSampleEmail, query.tag));
      return;
    }
    const auto page = must(store->search(query.query));
    if (page.entries.empty()) {
      std::fprintf(stderr, "%s found nothing\n", query.name.c_str());
      std::exit(1);
    }
    hits[query.name] += page.total;
  };
  print("store", "cold", measure(kColdRounds, 1, options, in_store));
  hits.clear();
  (void)measure(kWarmRounds, 1000, options, in_store);
  hits.clear();
  print("store", "warm", measure(kWarmRounds, 1000, options, in_store));
  for (const auto& [name, total] : hits) {
    std::printf("hits of a \"%s\": %.1f on average\n", name.c_str(),
                static_cast<double>(total) / static_cast<double>(kWarmRounds));
  }
  std::printf("RSS of the store's process: %.0f MiB; store %.0f MiB",
              static_cast<double>(resident_bytes()) / kMiB,
              static_cast<double>(folder_bytes(folder + "/entries")) / kMiB);

  std::printf(", SQLite %.0f MiB\n",
              static_cast<double>(std::filesystem::file_size(folder + "/sqlite.db")) / kMiB);
  drop_cached(folder + "/sqlite.db");
  SqliteEntries sqlite(folder + "/sqlite.db");
  // Both must answer alike, or their times cannot be compared.
  for (const NamedQuery& query : sample_queries(7, options)) {
    if (!query.tag.empty()) continue;
    const auto ours = must(store->search(query.query));
    const auto theirs = sqlite.search(query.query);
    if (std::min<std::uint64_t>(theirs.total, 10'000) != ours.total ||
        theirs.rows != ours.entries.size()) {
      std::fprintf(stderr, "%s: %llu hits in the store, %llu in SQLite\n", query.name.c_str(),
                   static_cast<unsigned long long>(ours.total),
                   static_cast<unsigned long long>(theirs.total));
      return 1;
    }
  }
  const Ask in_sqlite = [&](const NamedQuery& query) {
    (void)(query.tag.empty() ? sqlite.search(query.query) : sqlite.tagged(query.tag));
  };
  drop_cached(folder + "/sqlite.db");
  print("SQLite", "cold", measure(kColdRounds, 1, options, in_sqlite));
  (void)measure(kWarmRounds / 10, 1000, options, in_sqlite);
  print("SQLite", "warm", measure(kWarmRounds / 10, 1000, options, in_sqlite));
  return 0;
}

int ask_http(const std::string& url, const std::string& folder, std::uint64_t count) {
  const SampleOptions options = options_of(folder, count);
  http::Client client(must(http::Url::parse(url)));
  const Ask over_http = [&](const NamedQuery& query) {
    http::ClientRequest request;
    request.target = query.target;
    const auto response = must(client.send(request));
    if (response.head.status != 200) {
      std::fprintf(stderr, "%s: %s\n", query.target.c_str(), response.body.c_str());
      std::exit(1);
    }
  };
  (void)measure(kWarmRounds / 2, 1000, options, over_http);
  print("HTTP", "warm", measure(kWarmRounds / 2, 1000, options, over_http));
  return 0;
}

int usage() {
  std::fputs("strata-entries-bench fill DIR COUNT KEY CERT | ask DIR COUNT | http URL DIR COUNT\n",
             stderr);
  return 2;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](std::size_t at) { return std::strtoull(words[at].c_str(), nullptr, 10); };
  if (words.size() == 5 && words[0] == "fill") {
    return strata::bench::fill(words[1], number(2), words[3], words[4]);
  }
  if (words.size() == 3 && words[0] == "ask") return strata::bench::ask(words[1], number(2));
  if (words.size() == 4 && words[0] == "http") {
    return strata::bench::ask_http(words[1], words[2], number(3));
  }
  return strata::bench::usage();
}
