// What the daemons say of themselves: errors, metrics, log lines.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "strata/base/log.h"
#include "strata/base/metrics.h"
#include "strata/base/result.h"

namespace strata {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error(Errc::kMalformed, "odd");
  return number / 2;
}

Result<int> quarter(int number) {
  STRATA_TRY(const int once, half(number));
  STRATA_TRY(const int twice, half(once));
  return twice;
}

TEST(Result, TryPassesErrorsOn) {
  EXPECT_EQ(*quarter(12), 3);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().message(), "malformed: odd");
  EXPECT_EQ(quarter(6).error().in("there").detail(), "there: odd");
  EXPECT_EQ(quarter(6).value_or(7), 7);
}

TEST(Result, ErrnoBecomesTheErrorThatItMeans) {
  EXPECT_EQ(errno_error(ENOSPC, "x").code(), Errc::kNoSpace);
  EXPECT_EQ(errno_error(EDQUOT, "x").code(), Errc::kNoSpace);
  EXPECT_EQ(errno_error(ENOENT, "x").code(), Errc::kNotFound);
  EXPECT_EQ(errno_error(EEXIST, "x").code(), Errc::kConflict);
  EXPECT_EQ(errno_error(EIO, "x").code(), Errc::kIo);
}

TEST(Result, TheTableHasTheStatusesOfTheContract) {
  const std::pair<Errc, int> rows[] = {{Errc::kPartialPut, 400},
                                       {Errc::kUnauthorized, 401},
                                       {Errc::kUntrustedSignature, 403},
                                       {Errc::kNotSeekable, 409},
                                       {Errc::kTooLarge, 413},
                                       {Errc::kUnsupportedMedia, 415},
                                       {Errc::kWrongHost, 421},
                                       {Errc::kCorruptXz, 422},
                                       {Errc::kDecompressionLimit, 422},
                                       {Errc::kHeadersTooLarge, 431},
                                       {Errc::kChecksumMismatch, 460},
                                       {Errc::kNotImplemented, 501},
                                       {Errc::kNoSpace, 507},
                                       {Errc::kCancelled, 0}};
  for (const auto& [code, status] : rows) EXPECT_EQ(error_info(code).status, status);
  EXPECT_EQ(error_info(Errc::kNotNewer).type, "not-newer");
  EXPECT_EQ(error_info(Errc::kCancelled).type, "cancelled");  // the last row: the table is in step
}

TEST(Metrics, RendersPrometheusText) {
  Metrics metrics;
  metrics.counter("requests_total", "Requests", "status=\"200\"").add(3);
  metrics.counter("requests_total", "Requests", "status=\"404\"").add();
  metrics.gauge("open", "Open").set(-2);
  metrics.histogram("seconds", "Time").observe(0.002);
  metrics.histogram("seconds", "Time").observe(5000);
  const std::string text = metrics.render();
  EXPECT_NE(text.find("# TYPE requests_total counter\nrequests_total{status=\"200\"} 3\n"
                      "requests_total{status=\"404\"} 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("open -2\n"), std::string::npos);
  EXPECT_NE(text.find("seconds_bucket{le=\"0.001\"} 0\nseconds_bucket{le=\"0.005\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("seconds_bucket{le=\"600\"} 1\nseconds_bucket{le=\"+Inf\"} 2\n"),
            std::string::npos);
  EXPECT_NE(text.find("seconds_count 2\n"), std::string::npos);
}

TEST(Log, ALineCannotBeForgedByAValue) {
  log::configure(log::Level::kInfo, log::Format::kText);
  testing::internal::CaptureStderr();
  log::info("event", {{"name", "a\nerror forged=1"}, {"plain", "word"}, {"n", 5}, {"empty", ""}});
  log::debug("quiet", {});
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(line.find(" info event name=\"a\\u000aerror forged=1\" plain=word n=5 empty=\"\"\n"),
            std::string::npos)
      << line;
}

TEST(Log, JsonFormat) {
  log::configure(log::Level::kWarn, log::Format::kJson);
  testing::internal::CaptureStderr();
  log::info("quiet", {});
  log::error("event", {{"name", "say \"hi\""}, {"bytes", "\xff"}});
  const std::string line = testing::internal::GetCapturedStderr();
  log::configure(log::Level::kInfo, log::Format::kText);
  EXPECT_NE(line.find("\"level\":\"error\",\"event\":\"event\",\"name\":\"say \\\"hi\\\"\","
                      "\"bytes\":\"%FF\"}\n"),
            std::string::npos)
      << line;
}

}  // namespace
}  // namespace strata
