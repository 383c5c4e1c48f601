#include "bench/digest_variants.h"

#include <algorithm>
#include <map>
#include <string>
#include <thread>

#include "bench/engine_hash.h"
#include "storage/digest/algorithms.h"
#include "storage/digest/kernel_hasher.h"
#include "storage/digest/kernels.h"
#include "storage/digest/lane_kernels.h"

namespace strata::bench {
namespace {

using digest::Algorithms;
using MakeHasher = std::function<std::unique_ptr<digest::Hasher>()>;
using Digests = std::vector<DigestSet>;

std::size_t row_bytes(const DigestRatioOptions& options, int streams) {
  const auto count = static_cast<std::size_t>(streams);
  return std::max(options.bytes, count * std::max<std::size_t>(1, options.bytes / 32));
}

// Those asked for; the others' fields zero, as a Hasher leaves them.
Digests only(Algorithms algorithms, Digests digests) {
  for (DigestSet& set : digests) {
    if (!has(algorithms, Algorithms::kSha1)) set.sha1 = {};
    if (!has(algorithms, Algorithms::kSha256)) set.sha256 = {};
    if (!has(algorithms, Algorithms::kSha512)) set.sha512 = {};
  }
  return digests;
}

Digests one_by_one(const MakeHasher& make, std::span<const Data> streams) {
  Digests digests;
  for (const Data stream : streams) digests.push_back(hash_stream(*make(), stream));
  return digests;
}

std::string times(int count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

class List {
 public:
  List(const DigestRatioOptions& options, Data data) : options_(options), data_(data) {}

  void add_single(Algorithms algorithms, std::string_view group);
  template <typename State>
  void add_lane_kernels(Algorithms algorithms, std::string_view group,
                        std::span<const digest::LaneKernel<State>> kernels);
  void add_pair();
  void add_all();
  std::vector<DigestVariant> take() { return std::move(list_); }

 private:
  using Run = std::function<Digests(std::span<const Data>)>;

  // Sets bytes. The run takes as many streams as the row says, with all row_bytes(); its digests
  // must be those of OpenSSL.
  void add(DigestRatioRow row, Algorithms algorithms, Run run);
  void add_threads();
  [[nodiscard]] std::vector<Data> streams(int count) const {
    return shares(data_.first(row_bytes(options_, count)), static_cast<std::size_t>(count));
  }
  const Digests& expected(int count);

  const DigestRatioOptions& options_;
  const Data data_;
  std::map<int, Digests> expected_;  // by number of streams
  std::vector<DigestVariant> list_;
};

const Digests& List::expected(int count) {
  const auto [found, is_new] = expected_.try_emplace(count);
  if (is_new) {
    found->second =
        one_by_one([] { return digest::make_openssl_hasher(Algorithms::kAll); }, streams(count));
  }
  return found->second;
}

void List::add(DigestRatioRow row, Algorithms algorithms, Run run) {
  row.bytes = row_bytes(options_, row.streams);
  auto checked = [run = std::move(run), streams = streams(row.streams),
                  expected = only(algorithms, expected(row.streams))] {
    check(run(streams) == expected, "a digest differs from OpenSSL's");
  };
  list_.push_back({std::move(row), std::move(checked)});
}

// OpenSSL and our best kernel for one algorithm.
void List::add_single(Algorithms algorithms, std::string_view group) {
  const std::string openssl = "openssl, " + std::string(group);
  const auto add_row = [&](const std::string& name, Method method, const MakeHasher& make) {
    add({.name = name,
         .group = std::string(group),
         .method = method,
         .baseline = method == Method::kOpenssl ? "" : openssl},
        algorithms, [make](std::span<const Data> data) { return one_by_one(make, data); });
  };
  add_row(openssl, Method::kOpenssl,
          [algorithms] { return digest::make_openssl_hasher(algorithms); });
  if (const digest::Kernel* own = digest::best_kernel(algorithms)) {
    add_row(std::string(own->name), Method::kOwnKernel,
            [own] { return digest::make_kernel_hasher(*own); });
  }
}

template <typename State>
void List::add_lane_kernels(Algorithms algorithms, std::string_view group,
                            std::span<const digest::LaneKernel<State>> kernels) {
  for (const auto& kernel : kernels) {
    if (!kernel.supported) continue;
    const auto lanes = shares(data_.first(kernel.lanes * kLaneBytes), kernel.lanes);
    // Four times the bytes: these are so fast that half a millisecond would show, which some
    // processors need to bring wide vectors up to speed.
    const int times = static_cast<int>(
        std::max<std::size_t>(1, 4 * options_.bytes / (kernel.lanes * kLaneBytes)));
    Digests expected;
    for (const Data lane : lanes) {
      const auto hasher = digest::make_openssl_hasher(algorithms);
      for (int i = 0; i < times; ++i) hasher->update(lane);
      expected.push_back(hasher->finish());
    }
    list_.push_back({{.name = std::string(kernel.name),
                      .group = std::string(group),
                      .method = Method::kLaneKernel,
                      .streams = static_cast<int>(kernel.lanes),
                      .baseline = "openssl, " + std::string(group),
                      .bytes = kernel.lanes * kLaneBytes * static_cast<std::size_t>(times)},
                     [=, &kernel] {
                       check(hash_in_lanes(kernel, lanes, times) == expected,
                             "a digest differs from OpenSSL's");
                     }});
  }
}

void List::add_pair() {
  constexpr auto kPair = Algorithms::kSha1Sha256;
  const std::string openssl = "openssl, sha-1 then sha-256";
  add({.name = openssl, .group = std::string(kPairGroup)}, kPair, [](std::span<const Data> data) {
    return one_by_one([] { return digest::make_openssl_hasher(kPair); }, data);
  });
  add({.name = "strata, sha-1 and sha-256 in one pass",
       .group = std::string(kPairGroup),
       .method = Method::kOnePass,
       .baseline = openssl},
      kPair, [](std::span<const Data> data) {
        return one_by_one([] { return digest::make_hasher(kPair); }, data);
      });
}

void List::add_all() {
  constexpr auto kAll = Algorithms::kAll;
  const std::string group(kAllGroup);
  const std::string openssl = "openssl, one after another";
  add({.name = openssl, .group = group}, kAll, [](std::span<const Data> data) {
    return one_by_one([] { return digest::make_openssl_hasher(kAll); }, data);
  });
  add({.name = "strata, one pass", .group = group, .method = Method::kOnePass, .baseline = openssl},
      kAll, [](std::span<const Data> data) {
        return one_by_one([] { return digest::make_hasher(kAll); }, data);
      });
  if (options_.threads >= 2) {
    add({.name = "strata, one stream on two threads",
         .group = group,
         .method = Method::kTwoThreads,
         .threads = 2,
         .baseline = openssl},
        kAll, [stream = BlockStream(streams(1)[0])](std::span<const Data>) {
          return Digests{stream.hash(2)};
        });
  }
  for (const int streams : stream_counts(options_.streams)) {
    add({.name = "strata, lanes, " + times(streams, "stream"),
         .group = group,
         .method = Method::kLanes,
         .streams = streams,
         .baseline = openssl},
        kAll, hash_together);
  }
  if (options_.threads >= 2 && options_.streams >= 2) add_threads();
}

// `work` on every thread's streams: t, t + threads, ...; the digests in the order of the streams.
Digests on_threads(std::size_t threads, std::span<const Data> streams,
                   const std::function<Digests(std::span<const Data>)>& work) {
  Digests digests(streams.size());
  std::vector<std::thread> running;
  for (std::size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      std::vector<Data> mine;
      for (std::size_t s = t; s < streams.size(); s += threads) mine.push_back(streams[s]);
      const Digests found = work(mine);
      for (std::size_t i = 0; i < found.size(); ++i) digests[t + i * threads] = found[i];
    });
  }
  for (auto& thread : running) thread.join();
  return digests;
}

void List::add_threads() {
  const std::string what =
      times(options_.streams, "stream") + " on " + times(options_.threads, "thread");
  const auto threads = static_cast<std::size_t>(options_.threads);
  DigestRatioRow row{.name = "openssl, " + what,
                     .group = std::string(kAllGroup),
                     .streams = options_.streams,
                     .threads = options_.threads};
  add(row, Algorithms::kAll, [threads](std::span<const Data> streams) {
    return on_threads(threads, streams, [](std::span<const Data> mine) {
      return one_by_one([] { return digest::make_openssl_hasher(Algorithms::kAll); }, mine);
    });
  });
  row.baseline = row.name;
  row.name = "strata, lanes, " + what;
  row.method = Method::kLanes;
  add(row, Algorithms::kAll, [threads](std::span<const Data> streams) {
    return on_threads(threads, streams, hash_together);
  });
}

}  // namespace

std::size_t bytes_needed(const DigestRatioOptions& options) {
  return std::max(row_bytes(options, options.streams), digest::kLanesMax * kLaneBytes);
}

std::vector<DigestVariant> digest_variants(const DigestRatioOptions& options, Data data) {
  List list(options, data);
  list.add_single(Algorithms::kSha1, kSha1Group);
  list.add_lane_kernels(Algorithms::kSha1, kSha1Group, digest::sha1_lane_kernels());
  list.add_single(Algorithms::kSha256, kSha256Group);
  list.add_lane_kernels(Algorithms::kSha256, kSha256Group, digest::sha256_lane_kernels());
  list.add_single(Algorithms::kSha512, kSha512Group);
  list.add_lane_kernels(Algorithms::kSha512, kSha512Group, digest::sha512_lane_kernels());
  list.add_pair();
  list.add_all();
  return list.take();
}

}  // namespace strata::bench
