#include "strata/base/clock.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(Clock, Rfc3339RoundTrips) {
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(1'714'564'800'999), "2024-05-01T12:00:00Z");
  EXPECT_EQ(parse_rfc3339("2024-05-01T12:00:00Z"), 1'714'564'800'000);
  EXPECT_EQ(parse_rfc3339("2024-02-29T23:59:59Z"), 1'709'251'199'000);
}

TEST(Clock, Rfc3339IsStrict) {
  for (const char* text : {"", "2024-05-01", "2024-05-01T12:00:00", "2024-05-01T12:00:00+00:00",
                           "2024-05-01t12:00:00z", "2024-05-01 12:00:00Z", "2024-02-30T00:00:00Z",
                           "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-05-01T24:00:00Z",
                           "2024-05-01T12:60:00Z", "2024-05-01T12:00:60Z", "2024-05-01T12:00:00.5Z",
                           "+024-05-01T12:00:00Z", "2024-05-01T12:00:00Z "}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Clock, HttpDateOfRfc9110) {
  EXPECT_EQ(format_http_date(784'111'777'000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784'111'777'000);
  for (const char* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                           "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 06 Xxx 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

}  // namespace
}  // namespace strata
