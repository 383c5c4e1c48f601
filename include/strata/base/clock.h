#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Time and randomness come in through constructors, so that tests can hold them still.
namespace strata {

// Milliseconds since the Unix epoch, UTC.
using UnixMillis = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual UnixMillis now() const = 0;  // any thread
};

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;  // any thread; cryptographic quality
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] UnixMillis now() const override;
};

class SystemRandom final : public Random {  // getrandom(2)
 public:
  void fill(std::span<std::uint8_t> out) override;
};

// RFC 3339 in UTC: "2026-11-23T04:05:06Z"; the fraction is dropped.
[[nodiscard]] std::string format_rfc3339(UnixMillis time);
// Exactly YYYY-MM-DDThh:mm:ssZ with a real calendar date; nothing else.
[[nodiscard]] std::optional<UnixMillis> parse_rfc3339(std::string_view text);
// IMF-fixdate of RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string format_http_date(UnixMillis time);
// IMF-fixdate only (obsolete forms are not sent by any client we serve).
[[nodiscard]] std::optional<UnixMillis> parse_http_date(std::string_view text);

}  // namespace strata
