#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

// Counters, gauges and histograms in Prometheus text format 0.0.4. Updating one is a relaxed
// atomic addition; only registration and rendering take the lock. A family's members are found
// once, at start, and held by reference.
namespace strata {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Seconds, in fixed buckets from 1 ms to 10 min.
class Histogram {
 public:
  static constexpr double kBounds[] = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600};
  static constexpr std::size_t kBuckets = sizeof(kBounds) / sizeof(kBounds[0]);
  void observe(double seconds);

 private:
  friend class Metrics;
  std::atomic<std::uint64_t> counts_[kBuckets + 1]{};
  std::atomic<std::uint64_t> sum_micros_{0};
};

class Metrics {
 public:
  // `labels` is the text between the braces, e.g. `method="GET",status="206"`, or empty. The same
  // name and labels give the same object, which lives as long as the Metrics.
  Counter& counter(std::string_view name, std::string_view help, std::string_view labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, std::string_view labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::string_view labels = {});
  [[nodiscard]] std::string render() const;

 private:
  struct Member {
    std::string labels;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
  };
  struct Family {
    std::string name, help, type;
    std::deque<Member> members;
  };
  Member& member(std::string_view name, std::string_view help, std::string_view type,
                 std::string_view labels);
  mutable std::mutex mutex_;
  std::deque<Family> families_;
};

}  // namespace strata
