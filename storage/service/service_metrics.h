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
        sessions_open(metrics.gauge("strata_upload_sessions_open",
                                    "Resumable uploads that are not complete")),
        sessions(metrics.gauge("strata_upload_sessions", "Resumable uploads that are remembered")),
        checkpoints(metrics.gauge("strata_upload_checkpoints",
                                  "Checkpoints of resumable uploads since the start")),
        read_back(
            metrics.gauge("strata_upload_read_back_bytes",
                          "Stored bytes read again to go on with an upload, since the start")),
        journal_syncs(metrics.gauge("strata_upload_journal_syncs",
                                    "Syncs that the journal's appends have shared")),
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
  // Set when somebody asks for the metrics.
  Gauge& sessions_open;
  Gauge& sessions;
  Gauge& checkpoints;
  Gauge& read_back;
  Gauge& journal_syncs;
  Gauge& outbox_depth;
  Counter& registrations;
  Counter& registrations_failed;
};

}  // namespace strata::storage
