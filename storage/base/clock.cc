#include "strata/base/clock.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "strata/base/result.h"
#include "strata/base/text.h"

namespace strata {
namespace {

using std::chrono::sys_days;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
  std::chrono::year_month_day date;
  std::chrono::weekday weekday;
  int hour, minute, second;
};

Civil civil_from(UnixMillis time) {
  const std::chrono::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds(time)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const auto rest = std::chrono::floor<std::chrono::seconds>(point - day).count();
  return {std::chrono::year_month_day(day), std::chrono::weekday(day),
          static_cast<int>(rest / 3600), static_cast<int>(rest / 60 % 60),
          static_cast<int>(rest % 60)};
}

// `length` digits at `at`, as a number.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t length) {
  const auto value = parse_decimal(text.substr(at, length));
  if (!value || text.size() < at + length) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<UnixMillis> to_millis(int year, int month, int day, int hour, int minute,
                                    int second) {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const auto days = sys_days(date).time_since_epoch();
  const std::chrono::seconds total =
      std::chrono::seconds(days) + std::chrono::seconds(hour * 3600 + minute * 60 + second);
  return std::chrono::milliseconds(total).count();
}

}  // namespace

UnixMillis SystemClock::now() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    check(n > 0, "getrandom failed");
    out = out.subspan(static_cast<std::size_t>(n));
  }
}

std::string format_rfc3339(UnixMillis time) {
  const Civil c = civil_from(time);
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(c.date.year()), static_cast<unsigned>(c.date.month()),
                static_cast<unsigned>(c.date.day()), c.hour, c.minute, c.second);
  return text;
}

std::optional<UnixMillis> parse_rfc3339(std::string_view text) {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != 'Z') {
    return std::nullopt;
  }
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  return to_millis(*year, *month, *day, *hour, *minute, *second);
}

std::string format_http_date(UnixMillis time) {
  const Civil c = civil_from(time);
  char text[64];
  std::snprintf(text, sizeof(text), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                kDays[c.weekday.c_encoding()].data(), static_cast<unsigned>(c.date.day()),
                kMonths[static_cast<unsigned>(c.date.month()) - 1].data(),
                static_cast<int>(c.date.year()), c.hour, c.minute, c.second);
  return text;
}

std::optional<UnixMillis> parse_http_date(std::string_view text) {
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  int month = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (text.substr(8, 3) == kMonths[i]) month = static_cast<int>(i) + 1;
  }
  const auto day = digits(text, 5, 2), year = digits(text, 12, 4);
  const auto hour = digits(text, 17, 2), minute = digits(text, 20, 2), second = digits(text, 23, 2);
  if (month == 0 || !day || !year || !hour || !minute || !second) return std::nullopt;
  return to_millis(*year, month, *day, *hour, *minute, *second);
}

}  // namespace strata
