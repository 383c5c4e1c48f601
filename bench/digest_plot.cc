#include "bench/digest_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "bench/svg.h"

namespace strata::bench {
namespace {

constexpr int kWidth = 1040;
constexpr int kHeight = 540;
constexpr double kTop = 96;  // of both panels

// Okabe and Ito's colours, which those who do not see all colours tell apart too.
constexpr std::string_view kOpensslColour = "#7d8590";
constexpr std::string_view kOnePassColour = "#0072b2";
constexpr std::string_view kTwoThreadsColour = "#009e73";
constexpr std::string_view kLanesColour = "#d55e00";
constexpr std::string_view kInk = "#222222";
constexpr std::string_view kFaint = "#e3e5e8";
constexpr std::string_view kDashes = "6 4";
constexpr std::string_view kDots = "2 3";

std::string gigabytes(double bytes_per_second, const char* format = "%.2f") {
  char text[32];
  std::snprintf(text, sizeof text, format, bytes_per_second / 1e9);
  return text;
}

std::string_view colour_of(Method method) {
  switch (method) {
    case Method::kOpenssl:
      return kOpensslColour;
    case Method::kTwoThreads:
      return kTwoThreadsColour;
    case Method::kLanes:
    case Method::kLaneKernel:
      return kLanesColour;
    case Method::kOwnKernel:
    case Method::kOnePass:
      break;
  }
  return kOnePassColour;
}

// From 0 to at least the largest value, with about five ticks at 1, 2 or 5 times a power of ten.
struct Scale {
  double step = 1;
  int ticks = 1;
  double from = 0;
  double to = 0;  // pixels; of the last tick

  Scale(double value_max, double start, double end) : from(start), to(end) {
    const double rough = std::max(value_max, 1.0) / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1, 2, 5, 10}) {
      step = factor * power;
      if (step >= rough) break;
    }
    ticks = std::max(1, static_cast<int>(std::ceil(value_max / step)));
  }
  [[nodiscard]] double at(double value) const {
    return from + (to - from) * value / (step * ticks);
  }
};

// ---- One stream: bars ----

struct Bar {
  std::string label;
  const DigestRatioRow* row;
};
struct BarGroup {
  std::string_view name;
  std::string_view title;
  std::vector<Bar> bars;
};

std::string bar_label(Method method, bool all) {
  switch (method) {
    case Method::kOpenssl:
      return all ? "OpenSSL, one after another" : "OpenSSL";
    case Method::kOnePass:
      return "Strata, one pass";
    case Method::kTwoThreads:
      return "Strata, two threads";
    default:
      return "Strata";
  }
}

std::vector<BarGroup> bar_groups(const DigestRatioTable& table) {
  std::vector<BarGroup> groups = {{kSha1Group, "SHA-1", {}},
                                  {kSha256Group, "SHA-256", {}},
                                  {kSha512Group, "SHA-512", {}},
                                  {kAllGroup, "All three", {}}};
  for (auto& group : groups) {
    for (const auto& row : table.rows) {
      if (row.group != group.name || row.streams != 1 || row.method == Method::kLanes) continue;
      group.bars.push_back({bar_label(row.method, group.name == kAllGroup), &row});
    }
  }
  std::erase_if(groups, [](const BarGroup& group) { return group.bars.empty(); });
  return groups;
}

class BarPanel {
 public:
  BarPanel(Svg& svg, const DigestRatioTable& table)
      : svg_(svg), table_(table), groups_(bar_groups(table)), x_(rate_max(), kLeft, kRight) {}
  void draw();

 private:
  static constexpr double kLeft = 200;
  static constexpr double kRight = 490;
  static constexpr double kTitleHeight = 28;
  static constexpr double kBarHeight = 20;
  static constexpr double kBarGap = 5;

  [[nodiscard]] double rate_max() const;
  [[nodiscard]] double height() const;
  void draw_axis();
  void draw_bar(const Bar& bar, double y);
  void draw_limit(double top, double bottom);

  Svg& svg_;
  const DigestRatioTable& table_;
  const std::vector<BarGroup> groups_;
  const Scale x_;
};

double BarPanel::rate_max() const {
  double rate = table_.one_stream_limit;
  for (const auto& group : groups_) {
    for (const auto& bar : group.bars) rate = std::max(rate, bar.row->bytes_per_second);
  }
  return rate;
}

double BarPanel::height() const {
  double height = 6;
  for (const auto& group : groups_) {
    height += kTitleHeight + static_cast<double>(group.bars.size()) * (kBarHeight + kBarGap);
  }
  return height;
}

void BarPanel::draw() {
  svg_.text({24, kTop - 16}, "One stream", {.size = 14, .bold = true});
  draw_axis();
  double y = kTop;
  double limit_top = 0;
  for (const auto& group : groups_) {
    if (group.name == kSha512Group) limit_top = y + kTitleHeight - 9;
    svg_.text({24, y + kTitleHeight - 8}, group.title, {.bold = true});
    y += kTitleHeight;
    for (const auto& bar : group.bars) {
      draw_bar(bar, y);
      y += kBarHeight + kBarGap;
    }
  }
  if (limit_top > 0 && table_.one_stream_limit > 0) draw_limit(limit_top, kTop + height());
}

void BarPanel::draw_axis() {
  const double bottom = kTop + height();
  for (int i = 0; i <= x_.ticks; ++i) {
    const double x = x_.at(i * x_.step);
    svg_.line({x, kTop}, {x, bottom}, i == 0 ? kInk : kFaint, 1);
    svg_.text({x, bottom + 18}, gigabytes(i * x_.step, "%g"), {.anchor = "middle"});
  }
  svg_.text({(kLeft + kRight) / 2, bottom + 38}, "GB/s", {.anchor = "middle"});
}

void BarPanel::draw_bar(const Bar& bar, double y) {
  constexpr double kValueWidth = 36;
  const double end = x_.at(bar.row->bytes_per_second);
  const double baseline = y + kBarHeight / 2 + 4;
  svg_.text({kLeft - 8, baseline}, bar.label, {.anchor = "end"});
  svg_.rect({kLeft, y}, end - kLeft, kBarHeight, colour_of(bar.row->method));
  // Inside, where neither the limit nor another figure can be.
  if (end - kLeft >= kValueWidth) {
    svg_.text({end - 5, baseline}, gigabytes(bar.row->bytes_per_second),
              {.anchor = "end", .fill = "#ffffff", .bold = true});
  } else {
    svg_.text({end + 5, baseline}, gigabytes(bar.row->bytes_per_second), {});
  }
}

// Across the rows that it limits: those with SHA-512.
void BarPanel::draw_limit(double top, double bottom) {
  const double x = x_.at(table_.one_stream_limit);
  svg_.line({x, top - 11}, {x, bottom}, kInk, 1.5, kDashes);
  const bool left = x > (kLeft + kRight) / 2;
  svg_.text({left ? x - 6 : x + 6, top}, "limit: SHA-512 alone",
            {.anchor = left ? "end" : "start", .size = 11});
}

// ---- Many streams: lines ----

struct Series {
  std::string name;
  std::string_view colour;
  std::string_view dashes;   // of a limit; the others are measured
  std::vector<Point> rates;  // over number of streams
};

// The same for any number of streams, as they come one after another.
std::vector<Point> flat(double rate, const std::vector<Point>& streams) {
  return {{streams.front().x, rate}, {streams.back().x, rate}};
}

std::vector<Series> all_series(const DigestRatioTable& table) {
  Series lanes{"Strata, lanes", kLanesColour, "", {}};
  double openssl = 0;
  double one_pass = 0;
  for (const auto& row : table.rows) {
    if (row.group != kAllGroup || row.threads != 1) continue;
    const double rate = row.bytes_per_second;
    if (row.method == Method::kOpenssl) openssl = rate;
    if (row.method == Method::kOnePass) one_pass = rate;
    if (row.method == Method::kLanes) lanes.rates.push_back({double(row.streams), rate});
  }
  if (lanes.rates.empty()) return {};
  std::vector<Series> list;
  const auto add_flat = [&](std::string name, std::string_view colour, std::string_view dashes,
                            double rate) {
    if (rate <= 0) return;
    name += ", " + gigabytes(rate) + " GB/s";
    list.push_back({std::move(name), colour, dashes, flat(rate, lanes.rates)});
  };
  add_flat("Limit of lanes: fastest kernels, every lane taken", kLanesColour, kDots,
           table.lanes_limit);
  list.push_back(lanes);
  list.back().name +=
      ", up to " + gigabytes(std::ranges::max(lanes.rates, {}, &Point::y).y) + " GB/s";
  add_flat("Limit of one stream: SHA-512 alone", kInk, kDashes, table.one_stream_limit);
  add_flat("Strata, one pass, streams one after another", kOnePassColour, "", one_pass);
  add_flat("OpenSSL, algorithms and streams one after another", kOpensslColour, "", openssl);
  return list;
}

class LinePanel {
 public:
  LinePanel(Svg& svg, const DigestRatioTable& table)
      : svg_(svg), series_(all_series(table)), y_(rate_max(), kBottom, kTop) {
    for (const auto& series : series_) {
      if (series.rates.size() > counts_.size()) counts_ = series.rates;
    }
  }
  void draw();

 private:
  static constexpr double kLeft = 590;
  static constexpr double kRight = 1010;
  static constexpr double kBottom = 360;

  [[nodiscard]] double rate_max() const;
  // Twice as many streams are the same step everywhere.
  [[nodiscard]] double x(double streams) const;
  void draw_axes();
  void draw_series(const Series& series);
  void draw_legend();

  Svg& svg_;
  const std::vector<Series> series_;
  const Scale y_;
  std::vector<Point> counts_;  // x: the numbers of streams that were measured
};

double LinePanel::rate_max() const {
  double rate = 0;
  for (const auto& series : series_) {
    for (const Point& point : series.rates) rate = std::max(rate, point.y);
  }
  return rate;
}

double LinePanel::x(double streams) const {
  constexpr double kInset = 12;  // between the axis and the first point
  const double steps = std::log2(counts_.back().x);
  const double share = steps > 0 ? std::log2(streams) / steps : 0.5;
  return kLeft + kInset + (kRight - kLeft - 2 * kInset) * share;
}

void LinePanel::draw() {
  if (series_.empty()) return;
  svg_.text({kLeft - 50, kTop - 16}, "All three digests of many streams, one thread",
            {.size = 14, .bold = true});
  draw_axes();
  for (const auto& series : series_) draw_series(series);
  draw_legend();
}

void LinePanel::draw_axes() {
  for (int i = 0; i <= y_.ticks; ++i) {
    const double y = y_.at(i * y_.step);
    svg_.line({kLeft, y}, {kRight, y}, i == 0 ? kInk : kFaint, 1);
    svg_.text({kLeft - 8, y + 4}, gigabytes(i * y_.step, "%g"), {.anchor = "end"});
  }
  svg_.line({kLeft, kTop}, {kLeft, kBottom}, kInk, 1);
  double label_end = 0;
  for (const Point& count : counts_) {
    const double at = x(count.x);
    svg_.line({at, kBottom}, {at, kBottom + 4}, kInk, 1);
    if (at < label_end) continue;
    svg_.text({at, kBottom + 18}, gigabytes(count.x * 1e9, "%g"), {.anchor = "middle"});
    label_end = at + 22;
  }
  svg_.text({(kLeft + kRight) / 2, kBottom + 38}, "streams", {.anchor = "middle"});
  svg_.text_upwards({kLeft - 38, (kTop + kBottom) / 2}, "GB/s", {.anchor = "middle"});
}

void LinePanel::draw_series(const Series& series) {
  std::vector<Point> points;
  for (const Point& rate : series.rates) points.push_back({x(rate.x), y_.at(rate.y)});
  svg_.polyline(points, series.colour, series.dashes.empty() ? 2.2 : 1.5, series.dashes);
  // Only what was measured at each number of streams has a mark there.
  if (points.size() != counts_.size() || points.size() == 2) return;
  for (const Point& point : points) svg_.circle(point, 3.5, series.colour);
}

void LinePanel::draw_legend() {
  double y = kBottom + 66;
  for (const auto& series : series_) {
    const Point sample[] = {{kLeft, y - 4}, {kLeft + 30, y - 4}};
    svg_.line(sample[0], sample[1], series.colour, series.dashes.empty() ? 2.2 : 1.5,
              series.dashes);
    svg_.text({kLeft + 40, y}, series.name, {});
    y += 20;
  }
}

}  // namespace

std::string to_svg(const DigestRatioTable& table) {
  const std::string title = "Digest throughput on " + table.cpu;
  Svg svg(kWidth, kHeight, title);
  svg.text({24, 32}, title, {.size = 18, .bold = true});
  svg.text({24, 52}, "kernel: " + table.kernel, {.fill = "#555b63"});
  BarPanel(svg, table).draw();
  LinePanel(svg, table).draw();
  return svg.document();
}

}  // namespace strata::bench
