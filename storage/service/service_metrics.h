#pragma once

#include "strata/base/metrics.h"

namespace strata::storage {

// What strata-storage counts beside the HTTP engine's own figures.
struct ServiceMetrics {
  explicit ServiceMetrics(Metrics& metrics)
      : uploads_open(metrics.gauge("strata_uploads_in_progress", "Uploads being received")),
        uploads_done(
            metrics.counter("strata_uploads_total", "Uploads ended", "result=\"published\"")),
        uploads_failed(
            metrics.counter("strata_uploads_total", "Uploads ended", "result=\"failed\"")),
        upload_bytes(metrics.counter("strata_upload_bytes_total", "Stored bytes received")),
        upload_seconds(metrics.histogram("strata_upload_seconds", "Time of published uploads")),
        outbox_depth(
            metrics.gauge("strata_outbox_depth", "Registrations waiting for the registry")),
        registrations(metrics.counter("strata_registrations_total", "Entries sent to the registry",
                                      "result=\"accepted\"")),
        registrations_failed(metrics.counter(
            "strata_registrations_total", "Entries sent to the registry", "result=\"failed\"")) {}
  Gauge& uploads_open;
  Counter& uploads_done;
  Counter& uploads_failed;
  Counter& upload_bytes;
  Histogram& upload_seconds;
  Gauge& outbox_depth;
  Counter& registrations;
  Counter& registrations_failed;
};

}  // namespace strata::storage
