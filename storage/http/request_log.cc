#include "storage/http/request_log.h"

#include <algorithm>
#include <string>

#include "strata/base/log.h"

namespace strata::http {
namespace {

// A label from a fixed set: clients must not be able to make time series.
constexpr std::array<std::string_view, 8> kMethodNames = {"GET",   "HEAD",   "PUT",     "POST",
                                                          "PATCH", "DELETE", "OPTIONS", "other"};

}  // namespace

RequestLog::RequestLog(Metrics& metrics)
    : metrics_(metrics),
      received_(metrics.counter("strata_http_bytes_received_total", "Bytes read from clients")),
      sent_(metrics.counter("strata_http_bytes_sent_total", "Bytes sent to clients")),
      connections_(metrics.gauge("strata_http_connections", "Open client connections")),
      seconds_(metrics.histogram("strata_http_request_seconds",
                                 "From a request's first byte to its answer's last")) {}

Counter& RequestLog::requests(std::string_view method, int status) {
  const auto* name = std::ranges::find(kMethodNames, method);
  const auto row =
      std::min<std::size_t>(static_cast<std::size_t>(name - kMethodNames.begin()), kMethods - 1);
  const int column = std::clamp(status - kStatusMin, 0, kStatuses - 1);
  std::atomic<Counter*>& slot = requests_[row][static_cast<std::size_t>(column)];
  Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &metrics_.counter("strata_http_requests_total", "Answered requests",
                                "method=\"" + std::string(kMethodNames[row]) + "\",status=\"" +
                                    std::to_string(status) + "\"");
    slot.store(counter, std::memory_order_release);
  }
  return *counter;
}

void RequestLog::write(const RequestRecord& record) {
  requests(record.method, record.status).add();
  received_.add(record.received);
  sent_.add(record.sent);
  const double seconds = std::chrono::duration<double>(record.duration).count();
  seconds_.observe(seconds);
  if (!log::enabled(log::Level::kInfo)) return;
  log::info("request", {{"id", record.id},
                        {"method", record.method},
                        {"path", record.path},
                        {"status", record.status},
                        {"sent", record.sent},
                        {"promised", record.promised},
                        {"ms", static_cast<std::int64_t>(seconds * 1000)},
                        {"peer", record.peer},
                        {"outcome", record.outcome}});
}

}  // namespace strata::http
