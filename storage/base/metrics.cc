#include "strata/base/metrics.h"

#include <cstdio>

namespace strata {
namespace {

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::string_view labels, std::string_view extra_label,
                   const std::string& value) {
  out += name;
  out += suffix;
  if (!labels.empty() || !extra_label.empty()) {
    out += '{';
    out += labels;
    if (!labels.empty() && !extra_label.empty()) out += ',';
    out += extra_label;
    out += '}';
  }
  out += ' ';
  out += value;
  out += '\n';
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

}  // namespace

void Histogram::observe(double seconds) {
  std::size_t bucket = 0;
  while (bucket < kBuckets && seconds > kBounds[bucket]) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_micros_.fetch_add(static_cast<std::uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

Metrics::Member& Metrics::member(std::string_view name, std::string_view help,
                                 std::string_view type, std::string_view labels) {
  Family* family = nullptr;
  for (Family& f : families_) {
    if (f.name == name) family = &f;
  }
  if (family == nullptr) {
    families_.push_back({std::string(name), std::string(help), std::string(type), {}});
    family = &families_.back();
  }
  for (Member& m : family->members) {
    if (m.labels == labels) return m;
  }
  family->members.push_back({std::string(labels), nullptr, nullptr, nullptr});
  return family->members.back();
}

Counter& Metrics::counter(std::string_view name, std::string_view help, std::string_view labels) {
  const std::lock_guard lock(mutex_);
  Member& m = member(name, help, "counter", labels);
  if (!m.counter) m.counter = std::make_unique<Counter>();
  return *m.counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, std::string_view labels) {
  const std::lock_guard lock(mutex_);
  Member& m = member(name, help, "gauge", labels);
  if (!m.gauge) m.gauge = std::make_unique<Gauge>();
  return *m.gauge;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help,
                              std::string_view labels) {
  const std::lock_guard lock(mutex_);
  Member& m = member(name, help, "histogram", labels);
  if (!m.histogram) m.histogram = std::make_unique<Histogram>();
  return *m.histogram;
}

std::string Metrics::render() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const Family& family : families_) {
    out += "# HELP " + family.name + " " + family.help + "\n";
    out += "# TYPE " + family.name + " " + family.type + "\n";
    for (const Member& m : family.members) {
      if (m.counter)
        append_sample(out, family.name, "", m.labels, "", std::to_string(m.counter->value()));
      if (m.gauge)
        append_sample(out, family.name, "", m.labels, "", std::to_string(m.gauge->value()));
      if (!m.histogram) continue;
      std::uint64_t total = 0;
      for (std::size_t i = 0; i <= Histogram::kBuckets; ++i) {
        total += m.histogram->counts_[i].load(std::memory_order_relaxed);
        const std::string bound =
            i < Histogram::kBuckets ? number(Histogram::kBounds[i]) : std::string("+Inf");
        append_sample(out, family.name, "_bucket", m.labels, "le=\"" + bound + "\"",
                      std::to_string(total));
      }
      const double sum =
          static_cast<double>(m.histogram->sum_micros_.load(std::memory_order_relaxed)) / 1e6;
      append_sample(out, family.name, "_sum", m.labels, "", number(sum));
      append_sample(out, family.name, "_count", m.labels, "", std::to_string(total));
    }
  }
  return out;
}

}  // namespace strata
